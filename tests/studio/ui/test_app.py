from __future__ import annotations

import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from studio.config import ROOT, load_config
from studio.domain.drawings import Drawing
from studio.domain.generation import GenerateRequest
from studio.errors import StudioError
from studio.storage.drawings import DrawingRepository
from studio.studio import Studio
from studio.ui.app import serve
from tests.studio.ui.visitor import Visitor

Photo = Callable[..., bytes]
JobIn = Callable[[str], str]


def add(visitor: Visitor, job_in: JobIn, name: str, photos: list[bytes]) -> None:
    files = visitor.upload(*((f"{number}.jpg", photo) for number, photo in enumerate(photos)))
    begun = visitor.call("add_concept", files, name, "dog", "likes rain\n", False, False)
    job = job_in(begun["adding"])
    assert visitor.wait_for(job)["status"] == "done"
    visitor.call("on_added", files, id=job)


def draw(
    visitor: Visitor,
    job_in: JobIn,
    prompt: str,
    *,
    count: int = 1,
    seed: int | None = None,
    pose: str = "both",
    best_of: int = 1,
) -> str:
    begun = visitor.call(
        "draw", prompt, count, seed, None, None, 0.7, pose, best_of, "", "clear", "", "", None, "", 0.0
    )
    job = job_in(begun["stage"])
    assert visitor.wait_for(job)["status"] == "done"
    html: str = visitor.call("drawn", id=job)["stage"]
    return html


def pictures_in(html: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"/media/pictures/([0-9a-f]{32})", html)))


def test_a_photo_becomes_a_concept_a_picture_and_a_tile(visitor: Visitor, photo: Photo, job_in: JobIn) -> None:
    files = visitor.upload(("bo.jpg", photo(1)))
    looking = job_in(visitor.call("read_photos", files)["understood"])
    assert visitor.wait_for(looking)["status"] == "done"
    seen = visitor.call("on_read", "", id=looking)
    assert f"/media/jobs/{looking}/cutouts/0.webp" in seen["understood"]
    assert seen["concept-kind"]
    assert visitor.http.get(f"/media/jobs/{looking}/cutouts/0.webp").headers["content-type"] == "image/webp"

    add(visitor, job_in, "Bo", [photo(1), photo(2)])
    shelf = visitor.call("concepts")["things"]
    assert "@bo" in shelf
    assert "2 photos" in shelf
    mention = visitor.http.get("/media/concepts").json()[0]
    assert (mention["handle"], mention["kind"]) == ("bo", "dog")
    assert visitor.http.get(mention["cover"]).headers["content-type"] == "image/webp"

    made = pictures_in(draw(visitor, job_in, "a happy @bo", count=2, seed=7))
    assert len(made) == 2
    visitor.call("choices", "")  # opening the gallery offers the concepts there are
    assert pictures_in(visitor.call("gallery", "bo", "happy")["gallery"]) == made[::-1]
    detail = visitor.call("picture", id=made[0])["picture"]
    assert "@bo" in detail
    assert "<dd>7</dd>" in detail


def test_the_best_of_several_is_shown_with_its_meter(visitor: Visitor, job_in: JobIn) -> None:
    every = draw(visitor, job_in, "a heron", count=4, seed=11)
    best = draw(visitor, job_in, "a heron", count=1, seed=11, best_of=4)
    percents = [int(found) for found in re.findall(r'aria-valuenow="(\d+)"', every)]
    assert len(percents) == 4 and len(pictures_in(best)) == 1
    assert f'aria-valuenow="{max(percents)}"' in best and "Shows the prompt" in best


def test_two_visitors_at_once_get_their_own_pictures(served: tuple[Studio, str], job_in: JobIn) -> None:
    one, two = Visitor(served[1]), Visitor(served[1])
    begun = [
        who.call("draw", prompt, 1, 5, None, None, 0.7, "both", 1, "", "clear", "", "", None, "", 0.0)
        for who, prompt in ((one, "a kite"), (two, "a boat"))
    ]
    jobs = [job_in(answer["stage"]) for answer in begun]
    for who, job in zip((one, two), jobs, strict=True):
        who.wait_for(job)
    assert "a kite" in one.call("drawn", id=jobs[0])["stage"]
    assert "a boat" in two.call("drawn", id=jobs[1])["stage"]


def test_a_reload_finds_the_job_again(visitor: Visitor, served: tuple[Studio, str], job_in: JobIn) -> None:
    job = job_in(
        visitor.call("draw", "a lantern", 1, None, None, None, 0.7, "both", 1, "", "clear", "", "", None, "", 0.0)[
            "stage"
        ]
    )
    visitor.wait_for(job)
    later = Visitor(served[1])
    assert "a lantern" in later.call("find_running_1", job)["stage"]


def test_what_the_end_of_the_studio_interrupted_is_drawn_again_with_one_click(
    visitor: Visitor, served: tuple[Studio, str], job_in: JobIn
) -> None:
    studio = served[0]
    drawings = [
        Drawing(
            id=uuid.uuid4().hex,
            request=GenerateRequest(prompt=prompt, seed=5, steps=2, guidance=3),
            process=uuid.uuid4().hex,  # which is not there
            created_at=datetime.now(UTC),
        )
        for prompt in ("a <b>kite</b>", "a boat")
    ]
    with studio.database.write() as session:
        for drawing in drawings:
            DrawingRepository(session).add(drawing)
    notes = visitor.call("interrupted")["interrupted"]
    assert "a &lt;b&gt;kite" in notes and "a boat" in notes and "<b>" not in notes
    assert "a boat" not in visitor.call("dismiss", id=drawings[1].id)["interrupted"]
    begun = visitor.call("resume", id=drawings[0].id)
    assert begun["interrupted"] == ""
    job = job_in(begun["stage"])
    assert visitor.wait_for(job)["status"] == "done"
    made = pictures_in(visitor.call("drawn", id=job)["stage"])
    assert studio.gallery.get(made[0]).recipe.seed == 5
    with pytest.raises(AssertionError, match="no interrupted drawing"):
        visitor.call("resume", id=drawings[0].id)


def test_a_page_that_outlives_a_restart_is_told_kindly(visitor: Visitor) -> None:
    lost = uuid.uuid4().hex
    assert "Your picture appears here" in visitor.call("drawn", id=lost)["stage"]
    assert visitor.call("on_read", "", id=lost)["understood"] == ""
    assert visitor.call("on_added", None, id=lost)["adding"] == ""


@pytest.mark.parametrize(
    ("prompt", "steps", "sentence"),
    [
        ("", None, "The prompt is empty"),
        ("x" * 10_000, None, "10000 characters"),
        ("a @nobody", None, "nobody"),
        ("a fox", 0, "steps is 0"),
    ],
)
def test_bad_input_is_told_in_the_studios_own_sentence(
    visitor: Visitor, prompt: str, steps: int | None, sentence: str
) -> None:
    with pytest.raises(AssertionError, match=sentence):
        visitor.call("draw", prompt, 1, None, steps, None, 0.7, "both", 1, "", "clear", "", "", None, "", 0.0)


@pytest.mark.parametrize("name", ["../etc", "🐶", ""])
def test_a_name_that_cannot_be_is_refused_and_nothing_is_added(
    visitor: Visitor, served: tuple[Studio, str], photo: Photo, name: str
) -> None:
    before = served[0].concepts.list()
    with pytest.raises(AssertionError, match="name"):
        visitor.call("add_concept", visitor.upload(("a.jpg", photo(3))), name, "", "", False, False)
    assert served[0].concepts.list() == before


def test_something_that_is_no_picture_is_refused(visitor: Visitor) -> None:
    with pytest.raises(AssertionError):
        visitor.call("read_photos", visitor.upload(("notes.jpg", b"not a picture at all")))


def test_too_many_photos_are_refused_before_they_are_read(visitor: Visitor) -> None:
    with pytest.raises(AssertionError, match="41 photos are too many"):
        visitor.call("read_photos", visitor.upload(*((f"{number}.jpg", b"x") for number in range(41))))


def test_edit_and_forget(visitor: Visitor, served: tuple[Studio, str], photo: Photo, job_in: JobIn) -> None:
    add(visitor, job_in, "Mug", [photo(4)])
    concept = served[0].concepts.get("mug")
    assert visitor.call("on_edit", id=concept.id)["edit-facts"] == "likes rain"
    visitor.call("save_concept", None, "Cup", "mug", "blue\nold", "Beaker, Jug", "", "chipped", False)
    cup = served[0].concepts.get("jug")
    assert (cup.name, cup.kind, cup.aliases, cup.fingerprint) == ("Cup", "mug", ("Beaker", "Jug"), "chipped; a mug")
    gone = visitor.call("on_forget", id=concept.id)
    assert "@cup" not in gone["things"]
    assert "Cup is forgotten" in gone["receipt"] and "nothing of it was found" in gone["receipt"]


def test_a_thing_is_refined_in_its_sheet(
    visitor: Visitor, served: tuple[Studio, str], photo: Photo, job_in: JobIn
) -> None:
    add(visitor, job_in, "Rex", [photo(6), photo(7)])
    concept = served[0].concepts.get("rex")
    assert visitor.call("on_edit", id=concept.id)["refining"] == ""
    job = job_in(visitor.call("refine", None)["refining"])
    assert visitor.wait_for(job)["status"] == "done"
    # the sheet was closed meanwhile, and finds it again
    for shown in (visitor.call("on_edit", id=concept.id), visitor.call("refined", None, id=job)):
        assert "More like it." in shown["refining"] and f'data-do="keep" data-id="{job}"' in shown["refining"]
    for when in ("before", "after"):
        answer = visitor.http.get(f"/media/jobs/{job}/refined/{when}.webp")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert visitor.http.get(f"/media/jobs/{uuid.uuid4().hex}/refined/after.webp").status_code == 404
    assert served[0].concepts.get("rex") == concept
    assert visitor.call("keep_refined", id=job)["refining"] == ""
    assert served[0].concepts.get("rex").adapter != concept.adapter
    assert visitor.call("on_edit", id=concept.id)["refining"] == ""

    second = job_in(visitor.call("refine", None)["refining"])
    visitor.wait_for(second)
    kept = served[0].concepts.get("rex")
    visitor.call("discard_refined", id=second)
    assert served[0].concepts.get("rex") == kept


def test_a_recipe_goes_back_into_the_form(visitor: Visitor, job_in: JobIn) -> None:
    made = pictures_in(draw(visitor, job_in, "a green boat", seed=11, pose="photo"))[0]
    form = visitor.call("again", "", id=made)
    # with its pose, which without a thing of one's own is always the same
    assert (form["prompt"], form["seed"], form["count"], form["pose"]) == ("a green boat", 11, 1, "drawn")
    visitor.call("on_delete", id=made)
    with pytest.raises(AssertionError):
        visitor.call("picture", id=made)


def test_what_people_write_is_shown_and_never_run(visitor: Visitor, job_in: JobIn) -> None:
    shown = draw(visitor, job_in, '<img src=x onerror="alert(1)"> {{x}} ${1}')
    assert "<img src=x" not in shown
    assert "&lt;img src=x" in shown


def test_starting_the_pages_imports_neither_torch_nor_gradio_before_the_first_answer() -> None:
    code = (
        "import sys, app\n"
        "assert not {'torch', 'gradio', 'diffusers', 'fastapi'} & set(sys.modules)\n"
        "from studio.bootstrap import build_studio\n"
        "from studio.config import load_config\n"
        "from studio.ui.app import build_app\n"
        "import tempfile\n"
        "studio = build_studio(load_config(data_dir=tempfile.mkdtemp()))\n"
        "build_app(studio)\n"
        "studio.close()\n"
        "assert not {'torch', 'diffusers', 'transformers', 'onnxruntime'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


def test_an_address_in_use_is_told_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StudioError, match=f"127.0.0.1:{port} cannot be used"):
            serve(load_config(ROOT / "configs" / "studio.fake.yaml", port=port), print)
