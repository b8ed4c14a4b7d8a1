"""The whole studio with engines without weights, served over HTTP on a port of its own."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import uvicorn

from studio.bootstrap import build_studio
from studio.config import ROOT, load_config
from studio.studio import Studio
from studio.ui.app import build_app
from tests.studio.ui.visitor import Visitor


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Studio, str]]:
    """A studio and its address."""
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        config = load_config(
            ROOT / "configs" / "studio.fake.yaml",
            data_dir=folder / "data",
            engines={"image": {"options": {"size": 64, "steps": 3, "step_seconds": 0.0}}},
        )
        studio = build_studio(config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = uvicorn.Server(uvicorn.Config(build_app(studio), log_level="error", timeout_graceful_shutdown=1))
            thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
            thread.start()
            while not server.started:
                time.sleep(0.02)
            yield studio, f"http://127.0.0.1:{listener.getsockname()[1]}"
            server.should_exit = True
            thread.join()
        studio.close()


@pytest.fixture
def visitor(served: tuple[Studio, str]) -> Iterator[Visitor]:
    """Somebody who has just opened the page."""
    with_session = Visitor(served[1])
    yield with_session
    with_session.http.close()


@pytest.fixture
def job_in() -> Callable[[str], str]:
    """Find the id of the job that a piece of HTML follows."""

    def find(html: str) -> str:
        found = re.search(r'data-job="([0-9a-f]+)"', html)
        assert found, html
        return found[1]

    return find
