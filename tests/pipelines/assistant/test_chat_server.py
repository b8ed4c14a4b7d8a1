from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipelines.assistant.chat import ChatError
from pipelines.assistant.chat_server import ChatServer, ServerChat
from pipelines.assistant.prompting import build_prompt
from tests.pipelines.assistant.briefings import BO, briefing, spot


class Server:
    """A chat server on a port of its own: streams words, or does what a test says."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.words = ["Bo ", "is [F1]", "."]
        self.pause = 0.0
        self.status = 200
        self.raw: bytes | None = None
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                ours.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                ours.headers.append({name.lower(): value for name, value in self.headers.items()})
                ours.paths.append(self.path)
                self.send_response(ours.status)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                with contextlib.suppress(OSError):  # the client may have gone
                    self._speak()

            def _speak(self) -> None:
                if ours.raw is not None:
                    self.wfile.write(ours.raw)
                    return
                self.wfile.write(b": a comment\n\n")
                for word in ours.words:
                    time.sleep(ours.pause)
                    self.wfile.write(
                        b"data: " + json.dumps({"choices": [{"delta": {"content": word}}]}).encode() + b"\n\n"
                    )
                    self.wfile.flush()
                self.wfile.write(b"data: [DONE]\n\n")

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/v1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def chat(server: Server) -> Callable[..., ServerChat]:
    def make(**more: Any) -> ServerChat:
        sees = more.pop("sees", True)
        return ServerChat(ChatServer(url=server.url, **more), "tiny", sees=sees)

    return make


PROMPT = build_prompt(briefing("What now?", BO, spots=[spot(0)]), sees=True)


def test_an_answer_is_streamed_and_the_picture_goes_along(server: Server, chat: Callable[..., ServerChat]) -> None:
    assert "".join(chat(api_key="secret").stream(PROMPT, 50)) == "Bo is [F1]."
    (asked,) = server.asked
    assert server.paths == ["/v1/chat/completions"] and server.headers[0]["authorization"] == "Bearer secret"
    assert asked["model"] == "tiny" and asked["stream"] is True and asked["max_tokens"] == 50
    system, question = asked["messages"]
    assert isinstance(system["content"], str) and "[F1] afraid of balloons" in system["content"]
    image, text = question["content"]
    assert image["image_url"]["url"].startswith("data:image/jpeg;base64,") and text["text"] == "What now?"


def test_a_blind_model_gets_words_only(server: Server, chat: Callable[..., ServerChat]) -> None:
    prompt = build_prompt(briefing("What now?", BO, spots=[spot(0)]), sees=False)
    list(chat(sees=False).stream(prompt, 9))
    assert all(isinstance(message["content"], str) for message in server.asked[0]["messages"])


def test_a_server_that_is_down() -> None:
    gone = ServerChat(ChatServer(url="http://127.0.0.1:9/v1", connect_seconds=2), "tiny")
    with pytest.raises(ChatError, match=r"http://127.0.0.1:9/v1 (is not running|cannot be reached)"):
        list(gone.stream(PROMPT, 9))


def test_a_server_that_is_too_slow(server: Server, chat: Callable[..., ServerChat]) -> None:
    server.pause = 3.0
    with pytest.raises(ChatError, match=r"said nothing for 0.5 seconds"):
        list(chat(silence_seconds=0.5).stream(PROMPT, 9))


def test_a_reader_can_leave_a_slow_server_at_once(server: Server, chat: Callable[..., ServerChat]) -> None:
    server.pause = 2.0
    began = time.monotonic()
    pieces = chat().stream(PROMPT, 9)
    assert next(pieces) == ""
    pieces.close()
    assert time.monotonic() - began < 2.0


@pytest.mark.parametrize(
    ("status", "raw", "says"),
    [
        (404, b'{"error": {"message": "model tiny not found"}}', "404, model tiny not found"),
        (500, b"<html>oops", "500, <html>oops"),
        (200, b"data: {not json\n\n", "no JSON"),
        (200, b'data: {"error": "out of memory"}\n\n', "out of memory"),
    ],
)
def test_what_the_server_complains_of_is_told(
    server: Server, chat: Callable[..., ServerChat], status: int, raw: bytes, says: str
) -> None:
    server.status, server.raw = status, raw
    with pytest.raises(ChatError, match=says):
        list(chat(api_key="secret").stream(PROMPT, 9))


def test_the_key_is_in_no_text() -> None:
    assert "secret" not in repr(ChatServer(url="http://x/v1", api_key="secret"))
