from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.mini import contact_sheet
from tests.pipelines.mini.tiny_mini import save_pipeline, tiny_pipeline


def test_pictures_have_their_captions_beneath() -> None:
    red = Image.new("RGBA", (32, 32), (200, 0, 0, 255))
    sheet = contact_sheet.captioned_sheet([red] * 3, ["a dog", "", "a very long caption " * 5], columns=2)
    edge, strip = contact_sheet.EDGE, contact_sheet.CAPTION
    assert sheet.size == (2 * edge, 2 * (edge + strip))
    pixels = np.asarray(sheet)
    assert (pixels[edge // 2, edge // 2] == (200, 0, 0)).all()
    written = [
        (pixels[y : y + strip, x : x + edge] != contact_sheet.GROUND).any() for x, y in ((0, edge), (edge, edge))
    ]
    assert written == [True, False]


def test_a_picture_does_not_depend_on_its_batch(tmp_path: Path) -> None:
    pipeline = tiny_pipeline(tmp_path)
    prompts = ["a dog", "a cat", "a mug"]
    one, many = (contact_sheet.draw_all(pipeline, prompts, [5, 6, 7], 1, 2.0, batch=batch) for batch in (1, 2))
    for first, second in zip(one, many, strict=True):
        assert np.abs(np.asarray(first, int) - np.asarray(second, int)).max() <= 1


def test_the_command_writes_the_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    minilm = tmp_path / "minilm"
    model = save_pipeline(tiny_pipeline(minilm), tmp_path / "mini")
    monkeypatch.setattr(contact_sheet, "resolve", lambda name: {"minilm": minilm}[name])
    out = tmp_path / "sheets" / "sheet.png"
    arguments = ["--model", str(model), "--out", str(out), "--count", "9", "--steps", "1"]
    monkeypatch.setattr(sys, "argv", ["contact_sheet", *arguments])
    contact_sheet.main()
    with Image.open(out) as sheet:
        assert sheet.size == (8 * contact_sheet.EDGE, 2 * (contact_sheet.EDGE + contact_sheet.CAPTION))
