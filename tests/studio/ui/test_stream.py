"""The end of a stream is held back for events that come while the page is still busy with the last answer."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

from studio.ui.page import Message
from studio.ui.stream import StreamMiddleware
from tests.studio.ui.visitor import Visitor

SCOPE = {"type": "http", "path": "/gradio_api/queue/data", "query_string": b"session_hash=s1"}
CLOSE = b'data: {"msg":"close_stream","event_id":null}\n\n'


class Gradio:
    """Answers what is waiting and ends the stream, as gradio does."""

    def __init__(self) -> None:
        self.waiting: list[str] = []
        self.runs = 0

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        self.runs += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while self.waiting:
            await send({"type": "http.response.body", "body": self.waiting.pop(0).encode(), "more_body": True})
        await send({"type": "http.response.body", "body": CLOSE, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def told(gradio: Gradio, later: Sequence[tuple[float, str]], leaves: float = 60.0) -> list[Message]:
    """Return what a page is sent that asks again after some seconds, and leaves after others."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        await asyncio.sleep(leaves)
        return {"type": "http.disconnect"}

    async def ask() -> None:
        for seconds, event in later:
            await asyncio.sleep(seconds)
            gradio.waiting.append(event)

    asking = asyncio.create_task(ask())
    middleware = StreamMiddleware(gradio, waiting=lambda session: session == "s1" and bool(gradio.waiting), linger=0.3)
    await middleware(dict(SCOPE), receive, send)
    asking.cancel()
    return sent


def bodies(sent: Sequence[Message]) -> list[bytes]:
    assert [message["type"] for message in sent].count("http.response.start") == 1
    assert [message["more_body"] for message in sent[1:]] == [True] * (len(sent) - 2) + [False]
    return [message["body"] for message in sent[1:]]


def test_an_event_in_the_meantime_is_answered_through_the_same_stream() -> None:
    gradio = Gradio()
    gradio.waiting.append("one")
    assert bodies(asyncio.run(told(gradio, [(0.05, "two"), (0.1, "three")]))) == [b"one", b"two", b"three", CLOSE, b""]


def test_without_one_the_stream_ends() -> None:
    gradio = Gradio()
    gradio.waiting.append("one")
    assert bodies(asyncio.run(told(gradio, []))) == [b"one", CLOSE, b""]
    assert gradio.runs == 1


def test_nothing_is_answered_to_a_page_that_has_gone() -> None:
    gradio = Gradio()
    gradio.waiting.append("one")
    asyncio.run(told(gradio, [(0.2, "two")], leaves=0.1))
    assert gradio.runs == 1


def test_other_answers_pass() -> None:
    gradio, sent = Gradio(), []

    async def send(message: Message) -> None:
        sent.append(message)

    middleware = StreamMiddleware(gradio, waiting=lambda _: True)
    asyncio.run(middleware(SCOPE | {"path": "/config"}, None, send))  # type: ignore[arg-type]
    assert [message.get("body") for message in sent] == [None, CLOSE, b""] and gradio.runs == 1


def test_a_page_that_reads_the_end_late_misses_no_answer(visitor: Visitor) -> None:
    config = visitor.http.get("/config").json()
    (call,) = (one for one in config["dependencies"] if one["api_name"] == "what_happened_when")
    asked = {"data": [], "event_data": None, "fn_index": call["id"], "session_hash": uuid.uuid4().hex}
    visitor.http.post("/gradio_api/queue/join", json=asked).raise_for_status()
    answers = []
    with visitor.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": asked["session_hash"]}) as stream:
        for line in stream.iter_lines():
            said = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
            if said.get("msg") == "process_completed":
                answers.append(said["event_id"])
                if len(answers) == 1:
                    time.sleep(0.2)  # the page shows the answer; its stream seems open
                    visitor.http.post("/gradio_api/queue/join", json=asked).raise_for_status()
    assert len(set(answers)) == 2
