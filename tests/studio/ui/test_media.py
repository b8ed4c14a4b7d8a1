from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image
from safetensors.numpy import load

from studio.domain.concepts import AddConceptRequest
from studio.domain.generation import GenerateRequest, Picture
from studio.studio import Studio
from tests.studio.ui.visitor import Visitor


def drawn(studio: Studio, prompt: str = "a fox", owner: str = "local") -> Picture:
    return studio.generation.start(GenerateRequest(prompt=prompt, seed=3, owner=owner)).result(timeout=60)[0]


def test_a_picture_is_sent_as_png_with_its_recipe_and_transparent(served: tuple[Studio, str], visitor: Visitor) -> None:
    picture = drawn(served[0])
    answer = visitor.http.get(f"/media/pictures/{picture.id}.png", params={"save": True})
    assert answer.headers["content-disposition"] == 'attachment; filename="a-fox-3.png"'
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.mode == "RGBA"
        assert "a fox" in image.text["parameters"]  # type: ignore[attr-defined]


def test_a_clean_copy_says_nothing_of_its_making(served: tuple[Studio, str], visitor: Visitor) -> None:
    picture = drawn(served[0])
    data = visitor.http.get(f"/media/pictures/{picture.id}.png", params={"recipe": False}).content
    assert b"a fox" not in data
    with Image.open(io.BytesIO(data)) as image:
        assert "parameters" not in image.info


def test_webp_and_thumbnail(served: tuple[Studio, str], visitor: Visitor) -> None:
    picture = drawn(served[0])
    for path in (f"{picture.id}.webp", f"{picture.id}/thumb.webp"):
        answer = visitor.http.get(f"/media/pictures/{path}")
        assert answer.headers["content-type"] == "image/webp"
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.format == "WEBP"


def test_somebody_elses_picture_job_and_preview_are_not_there(served: tuple[Studio, str], visitor: Visitor) -> None:
    studio = served[0]
    foreign = drawn(studio, owner="anna")
    job = studio.generation.start(GenerateRequest(prompt="a fox", owner="anna"))
    job.result(timeout=60)
    for path in (
        f"pictures/{foreign.id}.png",
        f"pictures/{foreign.id}/thumb.webp",
        f"jobs/{job.id}",
        f"jobs/{job.id}/preview.webp",
    ):
        assert visitor.http.get(f"/media/{path}").status_code == 404, path


def test_the_lora_of_a_concept_is_sent_to_its_owner_alone(
    served: tuple[Studio, str], visitor: Visitor, photo: Callable[..., bytes]
) -> None:
    studio = served[0]
    mine, foreign = (
        studio.concepts.add(AddConceptRequest(name="Lo", photos=(photo(),), kind="dog", owner=owner)).result(60)
        for owner in ("local", "anna")
    )
    answer = visitor.http.get(f"/media/concepts/{mine.id}/lora.safetensors")
    assert answer.headers["content-disposition"] == 'attachment; filename="lo-kohya.safetensors"'
    assert any(name.endswith(".alpha") for name in load(answer.content))
    other = visitor.http.get(f"/media/concepts/{mine.id}/lora.safetensors", params={"layout": "diffusers"})
    assert not any(name.endswith(".alpha") for name in load(other.content))
    assert visitor.http.get(f"/media/concepts/{foreign.id}/lora.safetensors").status_code == 404
    studio.concepts.forget(mine.id)
    assert visitor.http.get(f"/media/concepts/{mine.id}/lora.safetensors").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "pictures/0123456789abcdef0123456789abcdef.png",
        "pictures/..%2f..%2fkeepsake.sqlite3",
        "pictures/..%2f..%2fkeepsake.sqlite3.png",
        "pictures/%2e%2e/%2e%2e/thumb.webp",
        "concepts/nobody/nothing.webp",
        "concepts/nobody/lora.safetensors",
        "concepts/..%2f../keepsake.webp",
        "jobs/none",
        "jobs/none/cutouts/0.webp",
    ],
)
def test_what_is_unknown_or_climbs_is_not_there(visitor: Visitor, path: str) -> None:
    assert visitor.http.get(f"/media/{path}").status_code == 404


def test_another_format_is_refused(served: tuple[Studio, str], visitor: Visitor) -> None:
    picture = drawn(served[0])
    assert visitor.http.get(f"/media/pictures/{picture.id}.svg").status_code == 422


def test_a_drawing_has_no_cutouts(served: tuple[Studio, str], visitor: Visitor) -> None:
    job = served[0].generation.start(GenerateRequest(prompt="a fox"))
    job.result(timeout=60)
    assert visitor.http.get(f"/media/jobs/{job.id}/cutouts/0.webp").status_code == 404
    assert visitor.http.get(f"/media/jobs/{job.id}").json()["share"] == 1.0
    assert visitor.http.get(f"/media/jobs/{job.id}/preview.webp").headers["content-type"] == "image/webp"
