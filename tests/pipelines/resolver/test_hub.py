"""The hub's own client against a tiny hub on this machine; it reads its settings once, so each test is a process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelines.resolver.hub import answers

CONTENT = b"the weights" * 100
REVISION = "0123456789abcdef0123456789abcdef01234567"
SHA256 = hashlib.sha256(CONTENT).hexdigest()

SCRIPT = """
import sys
from pathlib import Path
from pipelines.resolver.errors import SourceUnavailable
from pipelines.resolver.hub import fetch_hub
from pipelines.resolver.spec import HubSource

revision, sha256, size, target = sys.argv[1:]
member = {"path": "sub/a.onnx", "size": int(size), "sha256": sha256}
source = HubSource.model_validate({"hub": "owner/repo", "revision": revision, "files": {"a.onnx": member}})
Path(target).mkdir()
told = []
try:
    fetch_hub(source, Path(target), offline=False, progress=lambda done, total: told.append((done, total)))
except SourceUnavailable as error:
    sys.exit(f"refused: {error}")
print(told[-1])
"""


class TinyHub(BaseHTTPRequestHandler):
    """Answers for one file of one repository."""

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        known = self.path == f"/owner/repo/resolve/{REVISION}/sub/a.onnx"
        self.send_response(200 if known else 404)
        if known:
            self.send_header("X-Repo-Commit", REVISION)
            self.send_header("ETag", f'"{SHA256}"')
        else:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", str(len(CONTENT) if known else 0))
        self.end_headers()
        if with_body and known:
            self.wfile.write(CONTENT)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), TinyHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def fetch(
    endpoint: str, home: Path, target: Path, *, revision: str = REVISION, sha256: str = SHA256, offline: str = "0"
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": offline, "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", SCRIPT, revision, sha256, str(len(CONTENT)), str(target)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_fetches_from_the_endpoint_that_is_set_into_the_home_that_is_set(hub, tmp_path) -> None:
    done = fetch(hub, tmp_path / "home", tmp_path / "target")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str((len(CONTENT), len(CONTENT)))
    assert (tmp_path / "target" / "a.onnx").read_bytes() == CONTENT
    assert list((tmp_path / "home" / "hub").glob("models--owner--repo/snapshots/*/sub/a.onnx"))

    offline = fetch("http://127.0.0.1:9", tmp_path / "home", tmp_path / "again", offline="1")
    assert offline.returncode == 0, offline.stderr
    assert (tmp_path / "again" / "a.onnx").read_bytes() == CONTENT


def test_offline_is_said_to_be_the_reason(hub, tmp_path) -> None:
    done = fetch(hub, tmp_path / "home", tmp_path / "target", offline="1")
    assert done.returncode == 1
    assert "was not asked because the studio is set offline" in done.stderr


def test_a_hub_that_is_not_there_is_told_in_one_line(tmp_path) -> None:
    done = fetch("http://127.0.0.1:9", tmp_path / "home", tmp_path / "target")
    assert done.stderr.splitlines() == ["refused: http://127.0.0.1:9 does not answer"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sha256": "0" * 64}, "has the checksum"),
        ({"revision": "f" * 40}, "did not give sub/a.onnx"),
    ],
)
def test_what_is_not_the_pinned_file_is_refused(change, reason, hub, tmp_path) -> None:
    done = fetch(hub, tmp_path / "home", tmp_path / "target", **change)
    assert done.returncode == 1
    assert reason in done.stderr


def test_any_answer_counts(hub) -> None:
    assert answers(hub)  # a 404
    assert not answers("http://127.0.0.1:9")
