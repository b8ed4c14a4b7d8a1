"""A browser without a screen: what gradio's own page sends and hears, one session a visitor."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx


class Visitor:
    """Calls the pages' handlers over HTTP as the page does, with events and per-visitor state."""

    def __init__(self, address: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=60)
        self._session = uuid.uuid4().hex
        config = self.http.get("/config").raise_for_status().json()
        self._calls = {call["api_name"]: call for call in config["dependencies"] if call["api_name"]}
        self._components = {component["id"]: component for component in config["components"]}

    def call(self, name: str, *data: object, **event: object) -> dict[str, Any]:
        """Run the handler called `name`; returns its new values by the components' ids on the page.

        Raises:
            AssertionError: the handler ended with an error; the message is the one shown.
        """
        call = self._calls[name]
        given = {"data": list(data), "event_data": event or None, "fn_index": call["id"], "session_hash": self._session}
        self.http.post("/gradio_api/queue/join", json=given).raise_for_status()
        output = self._wait()
        ids = [self._components[number]["props"].get("elem_id") or str(number) for number in call["outputs"]]
        return dict(zip(ids, output["data"], strict=True))

    def upload(self, *files: tuple[str, bytes]) -> list[dict[str, Any]]:
        """Upload files as (name, content); returns them as a file component's value."""
        sent = [("files", (name, content)) for name, content in files]
        paths = self.http.post("/gradio_api/upload", files=sent).raise_for_status().json()
        return [
            {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}
            for path, (name, _) in zip(paths, files, strict=True)
        ]

    def wait_for(self, job_id: str) -> dict[str, Any]:
        """Wait until the job has ended; returns its last state."""
        while True:
            state: dict[str, Any] = self.http.get(f"/media/jobs/{job_id}").raise_for_status().json()
            if state["ended"]:
                return state

    def _wait(self) -> dict[str, Any]:
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self._session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if message.get("msg") == "process_completed":
                    assert message["success"], message["output"]["error"]
                    return dict(message["output"])
        raise AssertionError("the stream ended without a result")
