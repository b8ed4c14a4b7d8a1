"""A newcomer's way through the pages, in a real browser: photos → concept → sticker → gallery."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from studio.config import ROOT
from tests.e2e.conftest import missing

MOMENT = 0.2  # seconds between two presses of a quick person
PATIENCE = 240  # seconds; a busy machine that loads models for the first time
STUDIOS = [
    pytest.param("configs/studio.fake.yaml", id="without-weights"),
    pytest.param("configs/studio.yaml", id="embedded", marks=pytest.mark.slow),
]
PAGES = ("concepts", "recognise", "ask", "create", "stickers", "posters", "gallery", "taste")


class Page:
    """What a person does in the browser."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser = browser
        self.browser.get(address)

    def see(self, selector: str, *, shown: bool = True) -> Any:
        """Wait until there is such an element and, unless told otherwise, it is visible; return the first."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for element in self.browser.find_elements("css selector", selector):
                if not shown or element.is_displayed():
                    return element
            time.sleep(0.1)
        raise AssertionError(f"{selector} did not appear")

    def press(self, selector: str) -> None:
        self.see(selector)
        time.sleep(MOMENT)
        # a click where the element is: smooth scrolling and toasts are not what is tested here
        self.browser.execute_script(
            "[...document.querySelectorAll(arguments[0])].find(one => one.checkVisibility()).click()", selector
        )

    def open(self, tab: str) -> None:
        self.press(f'[data-tab-id="{tab}"]')

    def fits(self) -> bool:
        return bool(self.browser.execute_script("return document.documentElement.scrollWidth <= innerWidth"))

    def requested(self) -> set[str]:
        """Return the addresses asked for since the last call."""
        messages = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        sent = [message for message in messages if message["method"] == "Network.requestWillBeSent"]
        return {message["params"]["request"]["url"] for message in sent}


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two photos of a red ball on grass, one of them as a phone stores it: lying on its side."""
    paths = []
    for number, turned in enumerate((1, 6)):
        photo = Image.new("RGB", (640, 480), (96, 150, 84))
        ImageDraw.Draw(photo).ellipse((180, 90, 460, 370), fill=(204, 44, 40))
        exif = Image.Exif()
        exif[0x0112] = turned
        paths.append(tmp_path / f"IMG_{number}.jpg")
        photo.save(paths[-1], exif=exif)
    return paths


@pytest.mark.browser
@pytest.mark.timeout(900)
@pytest.mark.parametrize("config", STUDIOS)
def test_a_photo_becomes_a_sticker(browser: Any, opened: Callable[[str], str], photos: list[Path], config: str) -> None:
    if config == "configs/studio.yaml" and not (ROOT / "assets" / "mini" / "model_index.json").exists():
        missing("The embedded models are not in assets/mini yet.")
    address = opened(config)
    page = Page(browser, address)

    page.see("#photos input[type=file]", shown=False).send_keys("\n".join(map(str, photos)))
    page.see(".k-understood img")
    page.see("#concept-name input, #concept-name textarea").send_keys("Ball")
    page.press("#keep")
    page.see(".k-card .k-tape")

    page.press("[data-do=draw]")
    prompt = page.see("#prompt textarea")
    prompt.clear()
    prompt.send_keys("a happy @")
    page.see(".k-mentions [role=option]")
    prompt.send_keys("\n")
    assert prompt.get_attribute("value") == "a happy @ball "
    page.press("#draw")
    picture = page.see(".k-result img")
    alpha = browser.execute_async_script(
        """const [image, done] = arguments; image.decode().then(() => {
             const canvas = document.createElement("canvas");
             const brush = canvas.getContext("2d"); brush.drawImage(image, 0, 0, 300, 150);
             done(brush.getImageData(0, 0, 1, 1).data[3]); });""",
        picture,
    )
    assert alpha < 255, "a sticker is transparent at its corner"

    browser.refresh()
    page.see(".k-result img")

    page.open("gallery")
    page.press(".k-tile")
    assert "a happy @ball" in page.see(".k-detail-prompt").text
    assert "@ball" in page.see(".k-detail .k-tape").text
    page.press(".k-detail [data-do=again]")
    assert page.see("#prompt textarea").get_attribute("value") == "a happy @ball"

    page.open("ask")
    page.press("#times summary")
    assert "Ball" in page.see("#times ol").text
    page.press("#times summary")
    assert page.see("#times").find_elements("css selector", "details[open]") == []

    foreign = {url for url in page.requested() if not url.startswith((address, "data:", "blob:", "chrome"))}
    assert foreign == set()


@pytest.mark.browser
@pytest.mark.parametrize("light", ["light", "dark"])
def test_the_pages_fit_a_phone(browser: Any, opened: Callable[[str], str], light: str) -> None:
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    )
    scheme = [{"name": "prefers-color-scheme", "value": light}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    page = Page(browser, opened("configs/studio.fake.yaml"))
    page.see(".k-empty")
    assert browser.execute_script("return document.body.classList.contains('dark')") is (light == "dark")
    for tab in PAGES:
        page.open(tab)
        page.see(f"#page-{tab} h1")
        assert page.fits(), tab
        small = browser.execute_script(
            """return [...document.querySelectorAll("button, a[href], input, textarea")].filter(one => {
                 const box = one.getBoundingClientRect();
                 return one.checkVisibility() && box.width && box.height < 43.5 && !one.closest(".k-segments");
               }).map(one => one.outerHTML.slice(0, 120))"""
        )
        assert small == [], tab


@pytest.mark.browser
def test_what_goes_wrong_is_a_sentence_and_stop_stops(
    browser: Any, opened: Callable[[str], str], tmp_path: Path
) -> None:
    settings = (ROOT / "configs" / "studio.fake.yaml").read_text()
    slow = tmp_path / "slow.yaml"  # a busy machine has to find the button before the drawing has ended
    slow.write_text(settings.replace("steps: 8, step_seconds: 0.1", "steps: 30, step_seconds: 1"))
    assert slow.read_text() != settings
    page = Page(browser, opened(str(slow)))
    page.open("create")
    prompt = page.see("#prompt textarea")
    prompt.send_keys("a @nobody <b>here</b> ")
    page.press("#draw")
    assert "nobody" in page.see(".toast-message-text").text
    prompt.clear()
    prompt.send_keys("a fox ")
    browser.execute_script("document.querySelectorAll('#count label')[4].click()")
    page.press("#draw")
    page.press("[data-do=stop]")
    page.see(".k-notice")
    page.open("gallery")
    page.see("#page-gallery .k-empty")
