"""How an error of the studio reaches the person: its own sentence, as a toast."""

from __future__ import annotations

import functools
from collections.abc import Callable
from html import escape
from typing import Any, ParamSpec, TypeVar

import gradio as gr

from studio.domain.jobs import Status
from studio.errors import StudioError
from studio.services.jobs import Job, JobRunner

P = ParamSpec("P")
R = TypeVar("R")
SECONDS = 9
# For every listener: the pages show progress themselves, and a handler that waits must not hold up anybody else's.
QUIET: dict[str, Any] = {"show_progress": "hidden", "concurrency_limit": None}


def told(handler: Callable[P, R]) -> Callable[P, R]:
    """Wrap a page's handler: a `StudioError` changes nothing on the page and is shown as one sentence."""

    @functools.wraps(handler)
    def handle(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except StudioError as error:
            raise gr.Error(escape(str(error), quote=False), duration=SECONDS, print_exception=False) from error

    return handle


def stopper(jobs: JobRunner) -> Callable[[gr.EventData], None]:
    """Return the handler of every Stop button: the event names the job."""

    def stop_job(event: gr.EventData) -> None:
        jobs.get(event.id).cancel()

    return stop_job


def say_why(job: Job[Any] | None) -> None:
    """Show why a job has no result: the sentence of one that failed; one that was stopped needs none.

    A job that is not known any more (None) was lost by a restart of the studio.
    """
    if job is None:
        gr.Warning("The studio was restarted meanwhile. Please do that once more.", duration=SECONDS)
    elif job.status is Status.FAILED:
        gr.Warning(escape(str(job.error), quote=False), duration=SECONDS)
