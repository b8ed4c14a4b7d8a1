"""A headless Chromium, and the studio as a person starts it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.config import ROOT

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def missing(what: str) -> None:
    """Skip the test with a sentence; where everything has to be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """A fresh Chromium of 1280 × 900 pixels."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        missing("No Chromium with its chromedriver was found; on Debian: apt install chromium chromium-driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1280,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    chromium = webdriver.Chrome(options=options, service=Service(driver))
    yield chromium
    chromium.quit()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Start ``python app.py`` with a settings file, in a data folder of its own; gives the address."""
    running: list[subprocess.Popen[str]] = []

    def start(config: str) -> str:
        command = [sys.executable, "app.py", "--config", config, "--port", "0", "--data-dir", str(tmp_path / "data")]
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stderr
        heard = []
        for line in process.stderr:
            heard.append(line)
            if found := re.search(r"http://\S+", line):
                # somebody has to go on reading, or the process would wait for room in the pipe
                threading.Thread(target=process.stderr.read, daemon=True).start()
                return found[0]
        raise AssertionError("app.py ended before it served: " + "".join(heard))

    yield start
    for process in running:
        process.terminate()
        process.wait(30)
