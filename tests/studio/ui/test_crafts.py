"""The pages of stickers and posters, as a visitor uses them over HTTP."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from studio.domain.concepts import AddConceptRequest
from studio.domain.generation import GenerateRequest, Picture
from studio.domain.stickers import Messenger
from studio.packs.files import read
from studio.packs.validation import problems
from studio.studio import Studio
from tests.studio.ui.visitor import Visitor

PATIENCE = 60.0
JobIn = Callable[[str], str]


def drawn(studio: Studio, prompt: str = "a fox", owner: str = "local") -> Picture:
    return studio.generation.start(GenerateRequest(prompt=prompt, seed=3, owner=owner)).result(PATIENCE)[0]


def links(html: str, kind: str) -> list[str]:
    return [link.replace("&amp;", "&") for link in re.findall(rf'href="(/media/{kind}/[^"]+)"', html)]


def test_a_set_is_drawn_finished_and_packed(
    visitor: Visitor, served: tuple[Studio, str], photo: Callable[..., bytes], job_in: JobIn, tmp_path: Path
) -> None:
    studio = served[0]
    studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(),), kind="dog")).result(PATIENCE)
    visitor.call("sticker_choices", None)  # opening the page offers the things there are
    begun = visitor.call("draw_stickers", "bo", 3, "feelings")
    job = job_in(begun["sticker-stage"])
    assert visitor.wait_for(job)["status"] == "done"
    visitor.call("stickers_drawn", [], "", id=job)
    kept = [picture.id for picture in studio.jobs.get(job).result()]  # type: ignore[attr-defined]
    look = (["White outline"], "Each its own", "", "Still", "fitting")
    slip = visitor.call("make_pack", kept, "whatsapp", "Bo", *look)["sticker-pack"]
    assert "3 stickers, ready for WhatsApp" in slip
    offers = links(slip, "packs")
    assert [re.search(r"\.(\w+)\?", offer)[1] for offer in offers] == ["wastickers", "zip"]  # type: ignore[index]
    answer = visitor.http.get(offers[1])
    assert answer.headers["content-disposition"] == 'attachment; filename="bo-whatsapp.zip"'
    (tmp_path / "pack.zip").write_bytes(answer.content)
    assert problems(read(tmp_path / "pack.zip"), Messenger.WHATSAPP) == []
    with pytest.raises(AssertionError, match="2 stickers; whatsapp takes 3 to 30"):
        visitor.call("make_pack", kept[:2], "whatsapp", "Bo", *look)


def test_a_moving_pack_is_a_job_and_then_handed_out(
    visitor: Visitor, served: tuple[Studio, str], job_in: JobIn, tmp_path: Path
) -> None:
    kept = [drawn(served[0]).id]
    asked = (kept, "signal", "Bo", [], "None", "", "Moving", "wiggle")
    job = job_in(visitor.call("make_pack", *asked)["sticker-pack"])
    assert visitor.wait_for(job)["status"] == "done"
    slip = visitor.call("pack_made", *asked, id=job)["sticker-pack"]
    assert "1 sticker, ready for Signal" in slip and "All of them move" in slip
    (tmp_path / "moving.zip").write_bytes(visitor.http.get(links(slip, "packs")[0]).content)
    files = read(tmp_path / "moving.zip")
    assert problems(files, Messenger.SIGNAL) == []
    (picture,) = (data for name, data in files.items() if name.endswith(".png"))
    with Image.open(io.BytesIO(picture)) as moving:
        assert moving.n_frames > 4  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="3 to 30"):  # before anything is made
        visitor.call("make_pack", kept, "whatsapp", *asked[2:])


def test_a_pack_of_shapes_is_a_job_and_stands_still(
    visitor: Visitor, served: tuple[Studio, str], job_in: JobIn, tmp_path: Path
) -> None:
    kept = [drawn(served[0]).id]
    asked = (kept, "svg", "Bo", ["White outline"], "The same", "Hi", "Still", "fitting")
    job = job_in(visitor.call("make_pack", *asked)["sticker-pack"])
    assert visitor.wait_for(job)["status"] == "done"
    slip = visitor.call("pack_made", *asked, id=job)["sticker-pack"]
    assert "1 sticker, ready for SVG" in slip
    (tmp_path / "shapes.zip").write_bytes(visitor.http.get(links(slip, "packs")[0]).content)
    files = read(tmp_path / "shapes.zip")
    assert [name.rpartition(".")[2] for name in files] == ["svg"]
    assert problems(files, Messenger.SVG) == []
    with pytest.raises(AssertionError, match="SVG stand still"):
        visitor.call("make_pack", *asked[:6], "Moving", "wiggle")


def test_a_sticker_is_shown_as_the_address_says(visitor: Visitor, served: tuple[Studio, str]) -> None:
    picture = drawn(served[0])
    plain, worded = (
        visitor.http.get(f"/media/stickers/{picture.id}.webp", params=params)
        for params in ({"outline": "false", "shadow": "false"}, {"caption": "Hi"})
    )
    assert plain.content != worded.content
    with Image.open(io.BytesIO(plain.content)) as sticker:
        assert (sticker.format, sticker.size) == ("WEBP", (384, 384))
    assert visitor.http.get(f"/media/stickers/{picture.id}.webp", params={"caption": "猫"}).status_code == 400
    assert visitor.http.get(f"/media/stickers/{picture.id}.webp", params={"motion": "fly"}).status_code == 400
    moving = visitor.http.get(f"/media/stickers/{picture.id}.webp", params={"motion": "bounce"})
    with Image.open(io.BytesIO(moving.content)) as sticker:
        assert (sticker.format, sticker.size) == ("WEBP", (256, 256))
        assert sticker.n_frames > 8  # type: ignore[attr-defined]


def test_a_poster_is_shown_and_handed_out(visitor: Visitor, served: tuple[Studio, str]) -> None:
    picture = drawn(served[0], "a kite")
    shown = visitor.call("poster", None, "film", "<b>Up</b>", "", "", "A5")["poster-stage"]
    assert "<b>Up" not in shown
    assert "&lt;b&gt;Up" in shown
    pdf, png, svg = links(shown, "posters")
    assert picture.id in pdf
    answer = visitor.http.get(pdf)
    assert answer.content.startswith(b"%PDF")
    assert answer.headers["content-disposition"] == 'attachment; filename="b-up-b-a5.pdf"'
    with Image.open(io.BytesIO(visitor.http.get(png).content)) as printed:
        assert printed.size == pytest.approx((1748, 2480), abs=2)
    drawing = visitor.http.get(svg)
    assert drawing.headers["content-type"] == "image/svg+xml"
    assert drawing.headers["content-disposition"] == 'attachment; filename="b-up-b-a5.svg"'
    assert ElementTree.fromstring(drawing.content).findtext("{http://www.w3.org/2000/svg}title") == "<b>Up</b>"
    assert "data:image/webp;base64," in shown
    with pytest.raises(AssertionError, match="does not fit"):
        visitor.call("poster", None, "film", "x" * 150, "", "", "A5")


def test_titles_are_suggested_marked_and_only_picked_ones_are_filled_in(
    visitor: Visitor, served: tuple[Studio, str], job_in: JobIn
) -> None:
    drawn(served[0], "a <i>kite</i>")
    visitor.call("poster", None, "film", "", "", "", "A5")  # the page remembers the picture from here on
    begun = visitor.call("suggest_titles", None, "film")
    assert begun["poster-suggest"]["interactive"] is False
    job = job_in(begun["poster-titles"])
    assert visitor.wait_for(job)["status"] == "done"
    offered = visitor.call("titles_suggested", id=job)
    assert set(offered) == {"poster-titles", "poster-suggest"}  # the title itself is left alone
    html = offered["poster-titles"]
    assert "Suggested, made up by the language model; edit freely." in html
    assert "<i>" not in html and "&lt;i&gt;kite" in html
    title = served[0].jobs.get(job).result()[0]  # type: ignore[index]
    picked = visitor.call("pick_title", None, "film", "", "", "A5", id=title)
    assert picked["poster-title"]["value"] == title
    assert "Poster: A fine film" in picked["poster-stage"]


def test_somebody_elses_things_are_not_there(visitor: Visitor, served: tuple[Studio, str]) -> None:
    foreign = drawn(served[0], owner="anna")
    for path in (
        f"stickers/{foreign.id}.webp",
        f"packs/png.zip?picture={foreign.id}&title=Bo",
        f"posters/{foreign.id}.pdf?template=film&size=A5&title=Bo",
        "stickers/..%2f..%2fkeepsake.webp",
    ):
        assert visitor.http.get(f"/media/{path}").status_code == 404, path


@pytest.mark.parametrize(
    "path",
    [
        "packs/icq.zip?picture=a&title=b",
        "packs/png.exe?picture=a&title=b",
        "packs/png.zip?title=b",
        "posters/a.eps?title=b",
    ],
)
def test_what_there_is_no_such_thing_of_is_refused(visitor: Visitor, path: str) -> None:
    assert visitor.http.get(f"/media/{path}").status_code == 422


def test_a_picture_is_added_to_a_set_once(visitor: Visitor, served: tuple[Studio, str]) -> None:
    made = drawn(served[0]).id
    for kept in ([], [made]):
        assert [made] in visitor.call("add_sticker", kept, id=made).values()
