"""What all chat models share: a stream of pieces that can be stopped, and the errors that people hear of."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import Protocol

from pipelines.assistant.prompting import Prompt

_HEARTBEAT = 0.25  # seconds between two looks at whether to stop


class ChatError(Exception):
    """A chat model gave no answer; the message says why and what to do."""


class Stopped(Exception):
    """Raised inside a model's thread when its answer is not wanted any more."""


class ChatModel(Protocol):
    """A language model, with or without eyes."""

    name: str
    sees: bool

    def stream(self, prompt: Prompt, max_tokens: int) -> Generator[str]:
        """Give the answer in pieces, and empty pieces while there is nothing new; closing the iterator stops it.

        Raises:
            ChatError: there is no answer.
        """


def in_thread(work: Callable[[Callable[[str], None]], None]) -> Generator[str]:
    """Run `work` on a thread of its own and give the pieces it says.

    While it says nothing, empty pieces are given several times a second, so that whoever reads can stop. `work` is
    told to end by `Stopped`, raised from its next word.
    """
    said: queue.Queue[str | BaseException | None] = queue.Queue()
    stop = threading.Event()

    def say(piece: str) -> None:
        if stop.is_set():
            raise Stopped
        said.put(piece)

    def run() -> None:
        try:
            work(say)
            said.put(None)
        except Stopped:
            said.put(None)
        except BaseException as error:  # noqa: BLE001  (raised again by the reader)
            said.put(error)

    thread = threading.Thread(target=run, name="chat", daemon=True)
    thread.start()
    try:
        while True:
            try:
                piece = said.get(timeout=_HEARTBEAT)
            except queue.Empty:
                yield ""
                continue
            if piece is None:
                return
            if isinstance(piece, BaseException):
                raise piece
            yield piece
    finally:
        stop.set()
