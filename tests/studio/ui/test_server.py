from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from studio.config import ROOT
from studio.ui.server import Server

AT_MOST = 2.0  # seconds from the signal to the end


async def endless(scope: Any, receive: Any, send: Any) -> None:
    """Answers like an open page of gradio: a stream that ends when the browser goes."""
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_an_open_page_does_not_hold_up_the_end(listener: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    started = threading.Event()
    server = Server(endless, started=started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    assert started.wait(20)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with caplog.at_level(logging.WARNING), httpx.stream("GET", url) as page:
        assert next(page.iter_bytes()) == b"first"
        began = time.monotonic()
        server.handle_exit(signal.SIGTERM, None)
        thread.join(20)
        assert time.monotonic() - began < AT_MOST
    assert caplog.records == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such signals")
@pytest.mark.parametrize("entry", [("app.py",), ("-m", "studio", "serve")], ids=["app", "verb"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=lambda signal: signal.name)
def test_a_signal_ends_the_studio_with_one_line(entry: tuple[str, ...], how: int, tmp_path: Path) -> None:
    config = tmp_path / "studio.yaml"
    config.write_text((ROOT / "configs" / "studio.fake.yaml").read_text().replace("data/fake", str(tmp_path / "data")))
    process = subprocess.Popen(
        [sys.executable, *entry, "--port", "0"],
        cwd=ROOT, env={"KEEPSAKE_CONFIG": str(config)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout and process.stderr
    said_to = process.stdout if entry[0] == "-m" else process.stderr
    assert said_to.readline().startswith("Keepsake is at http://127.0.0.1:")
    began = time.monotonic()
    process.send_signal(how)
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < AT_MOST
    assert (process.returncode, out, err) == (0, "", "Keepsake has stopped.\n")
