"""A chat model behind an OpenAI-compatible server: vLLM, Ollama, llama.cpp and their like."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image

from pipelines.assistant.chat import ChatError, in_thread
from pipelines.assistant.prompting import Prompt


@dataclass(frozen=True, kw_only=True)
class ChatServer:
    """Where a server is, and how long it is waited for.

    Attributes:
        url: up to and with ``/v1``, for example ``http://127.0.0.1:11434/v1``.
        api_key: sent as a bearer token where it is not empty; never part of a message.
        connect_seconds: how long to wait for the server to answer at all.
        silence_seconds: how long it may say nothing before it is given up, the first word included.
    """

    url: str
    api_key: str = field(default="", repr=False)
    connect_seconds: float = 5.0
    silence_seconds: float = 60.0


class ServerChat:
    """Asks ``{url}/chat/completions`` and reads the streamed answer.

    Args:
        server: where to ask.
        model: as the server calls it.
        sees: whether it takes pictures.
        longest_edge: pictures are made at most this large before they are sent, in pixels.
    """

    def __init__(self, server: ChatServer, model: str, *, sees: bool = True, longest_edge: int = 1024) -> None:
        self.name, self.sees = model, sees
        self._url = server.url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
        self._silence = server.silence_seconds
        self._timeout = httpx.Timeout(server.silence_seconds, connect=server.connect_seconds)
        self._longest_edge = longest_edge

    def stream(self, prompt: Prompt, max_tokens: int) -> Generator[str]:
        """See `ChatModel.stream`."""
        asked = {
            "model": self.name,
            "messages": self._messages(prompt),
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": True,
        }
        return in_thread(lambda say: self._ask(asked, say))

    def _ask(self, asked: dict[str, Any], say: Callable[[str], None]) -> None:
        where = f"The chat server at {self._url}"
        try:
            with (
                httpx.Client(timeout=self._timeout, headers=self._headers, trust_env=False) as client,
                client.stream("POST", f"{self._url}/chat/completions", json=asked) as answer,
            ):
                if answer.status_code >= 400:
                    answer.read()
                    raise ChatError(f"{where} refused: {answer.status_code}, {_reason(answer)}")
                for line in answer.iter_lines():
                    say(_piece(line))
        except httpx.ConnectTimeout as error:
            raise ChatError(f"{where} cannot be reached. Start it, or correct its address.") from error
        except httpx.TimeoutException as error:
            raise ChatError(f"{where} has said nothing for {self._silence:g} seconds. Try again later.") from error
        except httpx.ConnectError as error:
            raise ChatError(f"{where} is not running. Start it, or correct its address.") from error
        except httpx.HTTPError as error:
            raise ChatError(f"{where} broke off: {error or type(error).__name__}. Try again.") from error

    def _messages(self, prompt: Prompt) -> list[dict[str, Any]]:
        pictures = iter(prompt.pictures)
        return [
            {
                "role": message["role"],
                "content": [
                    part if part["type"] == "text" else self._image(next(pictures)) for part in message["content"]
                ]
                if any(part["type"] == "image" for part in message["content"])
                else "".join(part["text"] for part in message["content"]),
            }
            for message in prompt.messages
        ]

    def _image(self, picture: Image.Image) -> dict[str, Any]:
        smaller = picture.convert("RGB")
        smaller.thumbnail((self._longest_edge, self._longest_edge))
        buffer = io.BytesIO()
        smaller.save(buffer, "JPEG", quality=88)
        data = base64.b64encode(buffer.getvalue()).decode()
        return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}


def _piece(line: str) -> str:
    """Return what a line of the event stream says; nothing for comments, the end, and what is no text."""
    data = line.removeprefix("data:").strip()
    if not line.startswith("data:") or data == "[DONE]":
        return ""
    try:
        event = json.loads(data)
    except ValueError as error:
        raise ChatError(f"The chat server sent what is no JSON: {data[:80]!r}.") from error
    if "error" in event:
        raise ChatError(f"The chat server failed: {_said(event['error'])}")
    choices = event.get("choices") or [{}]
    return str((choices[0].get("delta") or {}).get("content") or "")


def _reason(answer: httpx.Response) -> str:
    try:
        return _said(answer.json().get("error", answer.text))
    except (ValueError, AttributeError):
        return _said(answer.text)


def _said(error: Any) -> str:
    words = error.get("message", error) if isinstance(error, dict) else error
    return " ".join(str(words).split())[:200] or "it gave no reason."
