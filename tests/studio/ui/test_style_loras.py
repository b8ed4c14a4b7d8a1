from __future__ import annotations

import re

import numpy as np
import pytest
from safetensors.numpy import save

from studio.studio import Studio
from tests.studio.ui.visitor import Visitor

FILE = save(
    {"lora_unet_a.lora_down.weight": np.ones((2, 4), np.float16)}, {"modelspec.trigger_phrase": "pixel <style>"}
)


@pytest.fixture
def studio(served: tuple[Studio, str]) -> Studio:
    for style in served[0].style_loras.list():
        served[0].style_loras.remove(style.id)
    return served[0]


def dropped(visitor: Visitor, job_in, name: str, data: bytes) -> dict:
    shown = visitor.call("add_style_lora", visitor.upload((name, data))[0])
    job = job_in(shown["style-adding"])
    visitor.wait_for(job)
    return visitor.call("style_lora_added", id=job)


def test_a_dropped_file_is_kept_and_chosen(visitor: Visitor, studio: Studio, job_in) -> None:
    assert visitor.call("style_loras", "")["style-lora"]["visible"] is False
    shown = dropped(visitor, job_in, "Pixel_art.safetensors", FILE)
    assert shown["style-lora"]["value"] == "Pixel art" and shown["style-lora"]["visible"]
    assert "pixel &lt;style&gt;" in shown["style-list"]
    (style,) = studio.style_loras.list()
    answer = visitor.http.get(f"/media/styles/{style.id}.safetensors")
    assert answer.content == FILE and 'filename="pixel-art.safetensors"' in answer.headers["content-disposition"]
    assert visitor.http.get("/media/styles/none.safetensors").status_code == 404


def test_strength_and_trigger_are_set_and_it_is_removed(visitor: Visitor, studio: Studio, job_in) -> None:
    dropped(visitor, job_in, "a.safetensors", FILE)
    (style,) = studio.style_loras.list()
    shown = visitor.call("edit_style_lora", "a", id=f"strength/{style.id}=0.35")
    assert "<b>0.35</b>" in shown["style-list"] and shown["style-lora"]["value"] == "a"
    visitor.call("edit_style_lora", "a", id=f"trigger/{style.id}=x = y")
    assert studio.style_loras.get("a").trigger == "x = y" and studio.style_loras.get("a").strength == 0.35
    for wrong, reason in ((f"strength/{style.id}=9", "between 0 and"), ("strength/x=1", "no style LoRA")):
        with pytest.raises(AssertionError, match=reason):
            visitor.call("edit_style_lora", "a", id=wrong)
    gone = visitor.call("remove_style_lora", "a", id=style.id)
    assert gone["style-list"] == "" and gone["style-lora"]["value"] == ""


def test_a_picture_is_drawn_with_the_chosen_one(visitor: Visitor, studio: Studio, job_in) -> None:
    dropped(visitor, job_in, "a.safetensors", FILE)
    values = {"prompt": "a dog", "count": 1, "pose": "both", "best_of": 1, "fidelity": 0.7, "style_lora": "a"}
    job = job_in(visitor.call("draw", *in_order(visitor, "draw", values))["stage"])
    visitor.wait_for(job)
    picture = studio.gallery.list()[0]
    assert picture.recipe.style_name == "a"
    assert re.search(r"Style LoRA.*a, 1", visitor.call("picture", id=picture.id)["picture"])


def in_order(visitor: Visitor, call: str, values: dict) -> list:
    """Values by the ids of the components that a handler asks for."""
    ids = [visitor._components[number]["props"].get("elem_id") for number in visitor._calls[call]["inputs"]]
    names = {"best-of": "best_of", "style-lora": "style_lora", "taste": "taste", "amount": "amount"}
    given = {"taste": "", "amount": "clear", "taste-share": 0.0, **values}
    return [given.get(names.get(name, name)) for name in ids]


@pytest.mark.parametrize(("name", "data"), [("x.ckpt", FILE), ("x.bin", b"\x80"), ("x.zip", b"PK")])
def test_formats_that_can_carry_code_are_refused_unread(
    visitor: Visitor, studio: Studio, name: str, data: bytes
) -> None:
    with pytest.raises(AssertionError, match="can carry code and is never opened"):
        visitor.call("add_style_lora", visitor.upload((name, data))[0])
    assert studio.style_loras.list() == []


def test_a_damaged_file_leaves_nothing(visitor: Visitor, studio: Studio, job_in) -> None:
    shown = dropped(visitor, job_in, "x.safetensors", FILE[:-2])
    assert shown["style-adding"] == "" and studio.style_loras.list() == []
