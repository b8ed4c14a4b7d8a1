"""What all verbs share: their settings, the studio they open, and how they speak."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from studio.config import StudioConfig, load_config
from studio.errors import JobCancelled

if TYPE_CHECKING:
    from studio.services.jobs import Job
    from studio.studio import Studio

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON to stdout, and nothing else.")]

_BAR_CELLS = 24
_REDRAW_SECONDS = 0.1
_PATIENCE = 0.7  # seconds for the device to reach its next step after Ctrl+C


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What was said before the verb."""

    file: Path | None = None
    data_dir: Path | None = None

    def load(self, **overrides: Any) -> StudioConfig:
        """Read the configuration; raises `InvalidInput` as `load_config`."""
        return load_config(self.file, data_dir=self.data_dir, **overrides)


@contextmanager
def opened_studio(context: typer.Context) -> Iterator[Studio]:
    """Open the studio of the settings and close it afterwards."""
    from studio.bootstrap import build_studio

    studio = build_studio(context.obj.load())
    try:
        yield studio
    finally:
        studio.close(_PATIENCE)


def tell(value: Any, text: str, *, as_json: bool) -> None:
    """Say what was done: `value` as JSON, or `text` for a person."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False) if as_json else text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out in columns, each as wide as its widest cell."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def size(count: int | None) -> str:
    """Write a number of bytes for a person."""
    if count is None:
        return "–"
    value, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if value >= 10 or unit == "B" else f"{value:.1f} {unit}"


class ProgressLine:
    """One line on stderr that is drawn over and over; nothing where stderr is not a terminal."""

    def __init__(self) -> None:
        self._visible = sys.stderr.isatty()
        self._drawn = ""
        self._next = 0.0

    def __call__(self, share: float, message: str) -> None:
        """Show `share` (0–1) and what is being done."""
        if not self._visible or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _REDRAW_SECONDS
        filled = round(_BAR_CELLS * min(max(share, 0.0), 1.0))
        bar = "█" * filled + "·" * (_BAR_CELLS - filled)
        self._draw(f"{bar} {share:4.0%}  {message}")

    def clear(self) -> None:
        """Take the line away."""
        if self._drawn:
            self._draw("")
            self._drawn = ""

    def _draw(self, text: str) -> None:
        text = text[: shutil.get_terminal_size().columns - 1]
        typer.echo("\r" + text.ljust(len(self._drawn)) + ("\r" if not text else ""), err=True, nl=False)
        self._drawn = text


def finished(job: Job[T]) -> T:
    """Wait for a job with a progress line, and return its result; Ctrl+C stops it within a step.

    Raises:
        JobCancelled: it was stopped.
        StudioError: as `Job.result`.
    """
    line = ProgressLine()
    try:
        while not job.wait(_REDRAW_SECONDS):
            now = job.progress
            left = "" if now.seconds_left is None else f" · {now.seconds_left:.0f} s left"
            line(now.share, f"{now.message}{left}")
    except KeyboardInterrupt:
        job.cancel()
        if not job.wait(_PATIENCE):
            raise JobCancelled(f"{job.title!r} was stopped.") from None
    finally:
        line.clear()
    return job.result()


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record whose values JSON knows: dates, paths and the like become strings."""
    known: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return known
