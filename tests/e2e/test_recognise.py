"""A photo is dropped on the page of recognition, in a real browser: its name, a correction, and a reload."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from tests.e2e.test_studio import Page


@pytest.fixture
def ball(tmp_path: Path) -> Path:
    """A photo of a red ball on grass."""
    photo = Image.new("RGB", (640, 480), (96, 150, 84))
    ImageDraw.Draw(photo).ellipse((180, 90, 460, 370), fill=(204, 44, 40))
    photo.save(tmp_path / "ball.jpg")
    return tmp_path / "ball.jpg"


@pytest.mark.browser
@pytest.mark.timeout(900)
def test_a_known_thing_is_named_and_a_wrong_name_is_taken_off(
    browser: Any, opened: Callable[[str], str], ball: Path
) -> None:
    page = Page(browser, opened("configs/studio.fake.yaml"))
    page.see("#photos input[type=file]", shown=False).send_keys(str(ball))
    page.see(".k-understood img")
    page.see("#concept-name input, #concept-name textarea").send_keys("Ball")
    page.press("#keep")
    page.see(".k-card .k-tape")

    page.open("recognise")
    page.see("#scene-photos input[type=file]", shown=False).send_keys(str(ball))
    assert "Ball" in page.see(".k-box.is-known b").text
    assert "sure" in page.see(".k-found .k-small").text
    page.press("[data-do=not]")
    page.see(".k-box.is-unknown")

    browser.refresh()
    page.see(".k-box.is-unknown")
    page.press(".k-this-is summary")
    page.press("[data-do=is]")
    page.see(".k-box.is-known")
