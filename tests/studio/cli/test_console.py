from __future__ import annotations

import io
import sys

import pytest

from studio.cli.console import ProgressLine, finished, size, table
from studio.errors import InvalidInput, JobCancelled
from studio.services.jobs import JobRunner


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "–"), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (90_868_376, "91 MB"), (4_574_861, "4.6 MB")],
)
def test_sizes(count: int | None, text: str) -> None:
    assert size(count) == text


def test_tables_line_up() -> None:
    assert table(("a", "bb"), [("ccc", "d"), ("", "e")]) == "a    bb\nccc  d\n     e"


def test_a_progress_line_is_drawn_on_a_terminal_and_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    line = ProgressLine()
    line(0.5, "drawing")
    line.clear()
    assert "50%  drawing" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r")


def test_no_progress_line_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    line = ProgressLine()
    line(0.5, "drawing")
    line.clear()
    assert capsys.readouterr().err == ""


def test_finished_returns_what_the_job_made_or_raises_what_it_raised() -> None:
    def fail(report: object) -> None:
        raise InvalidInput("no good")

    runner = JobRunner()
    try:
        assert finished(runner.start("one", lambda report: 1)) == 1
        with pytest.raises(InvalidInput, match="no good"):
            finished(runner.start("two", fail))
    finally:
        runner.close()


def test_ctrl_c_stops_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(line: ProgressLine, share: float, message: str) -> None:
        raise KeyboardInterrupt

    def work(report: object) -> None:
        while True:
            report(0.5)

    monkeypatch.setattr(ProgressLine, "__call__", interrupt)
    runner = JobRunner()
    try:
        with pytest.raises(JobCancelled):
            finished(runner.start("endless", work))
    finally:
        runner.close()
