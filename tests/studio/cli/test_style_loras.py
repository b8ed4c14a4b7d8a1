from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

FILE = save({"lora_unet_a.lora_down.weight": np.ones((2, 4), np.float16)}, {"modelspec.trigger_phrase": "pixel style"})


@pytest.fixture
def lora_file(tmp_path: Path) -> Path:
    path = tmp_path / "pixel_art.safetensors"
    path.write_bytes(FILE)
    return path


def test_added_shown_drawn_with_exported_and_removed(keepsake, lora_file: Path, tmp_path: Path) -> None:
    assert keepsake("style", "list").out.startswith("No style LoRA yet")
    told = keepsake("style", "add", lora_file, "--strength", "0.8")
    assert "pixel art: adapts 1 layers of fake, strength 0.8" in told.out and "--style-lora 'pixel art'" in told.out
    assert "Trigger phrase: pixel style" in keepsake("style", "show", "Pixel Art").out
    edited = keepsake("style", "edit", "pixel art", "--name", "Pixels", "--trigger", "", "--json").json
    assert (edited["name"], edited["trigger"], edited["strength"]) == ("Pixels", "", 0.8)
    assert [one["name"] for one in keepsake("style", "list", "--json").json] == ["Pixels"]
    drawn = keepsake(
        "generate", "a dog", "--out", tmp_path / "out", "--style-lora", "pixels", "--style-strength", "0.5", "--json"
    )
    assert drawn.json[0]["recipe"]["style_strength"] == 0.5 and drawn.json[0]["recipe"]["style_name"] == "Pixels"
    keepsake("style", "export", "Pixels", "--out", tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == FILE
    assert "Pixels is forgotten" in keepsake("style", "remove", "Pixels").out
    assert keepsake("style", "list", "--json").json == []


def test_what_cannot_be_used_gets_one_line(keepsake, one_line, tmp_path: Path) -> None:
    bad = tmp_path / "style.ckpt"
    bad.write_bytes(b"\x80")
    one_line(keepsake("style", "add", bad), "can carry code and is never opened")
    one_line(keepsake("style", "add", tmp_path / "none.safetensors"), "There is no file")
    huge = tmp_path / "huge.safetensors"
    with huge.open("wb") as file:
        file.truncate(4 * 10**9)  # of holes; it takes no room
    one_line(keepsake("style", "add", huge), "The file has 4.0 GB")
    huge.unlink()
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(FILE[:-3])
    one_line(keepsake("style", "add", cut), "not a readable safetensors file")
    one_line(keepsake("style", "add", cut, "--strength", "2"), "between 0 and 1.5")
    one_line(keepsake("generate", "a dog", "--out", tmp_path / "o", "--style-lora", "x"), "There is no style LoRA 'x'")
