from __future__ import annotations

import io
import itertools
import logging
import threading
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from studio.domain.jobs import Status
from studio.engines.base import Report
from studio.errors import InvalidInput, JobCancelled, JobFailed, JobInterrupted, NotFound, StorageFull, StudioError
from studio.services.jobs import PREVIEW_EDGE, Job, JobRunner, encode_preview, part

PATIENCE = 20.0  # seconds after which a test is broken; none waits for it


class Gate:
    """Work that says when it has begun and goes on when it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()
        self.runs = 0

    def __call__(self, report: Report) -> str:
        self.runs += 1
        report(0.0, "begun")
        self.begun.set()
        assert self.go.wait(PATIENCE)
        report(0.5)
        return "result"


@pytest.fixture
def runner() -> Iterator[JobRunner]:
    made = JobRunner()
    yield made
    made.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.go.set()  # before the runner is closed, which waits for it


def fail(error: Exception) -> Callable[[Report], str]:
    def work(report: Report) -> str:
        raise error

    return work


def test_a_job_gives_the_result_of_its_work(runner: JobRunner) -> None:
    job = runner.start("Add", lambda report: 1 + 1)
    assert job.result(PATIENCE) == 2
    assert (job.status, job.progress.share, job.progress.message, job.error) == (Status.DONE, 1.0, "Done", None)


def test_all_work_is_done_by_one_thread_in_order(runner: JobRunner) -> None:
    order: list[tuple[int, str]] = []

    def work(number: int) -> Callable[[Report], None]:
        return lambda report: order.append((number, threading.current_thread().name))

    for job in [runner.start("Work", work(number)) for number in range(5)]:
        job.result(PATIENCE)
    assert order == [(number, "device") for number in range(5)]


def test_a_waiting_job_knows_its_position(runner: JobRunner, gate: Gate) -> None:
    running = runner.start("First", gate)
    assert gate.begun.wait(PATIENCE)
    waiting = [runner.start("Next", lambda report: None) for _ in range(2)]
    assert running.status is Status.RUNNING
    assert [job.status for job in waiting] == [Status.QUEUED, Status.QUEUED]
    assert [job.progress.position for job in (running, *waiting)] == [0, 1, 2]
    waiting[0].cancel()
    assert waiting[1].progress.position == 1


def test_waiting_too_long_leaves_the_job_alone(runner: JobRunner, gate: Gate) -> None:
    job = runner.start("Slow", gate)
    with pytest.raises(TimeoutError, match="Slow"):
        job.result(timeout=0)
    gate.go.set()
    assert job.result(PATIENCE) == "result"


def test_a_running_job_stops_at_its_next_report(runner: JobRunner, gate: Gate) -> None:
    job = runner.start("Draw", gate)
    assert gate.begun.wait(PATIENCE)
    job.cancel()
    gate.go.set()
    with pytest.raises(JobCancelled, match="Draw"):
        job.result(PATIENCE)
    assert job.status is Status.CANCELLED
    assert runner.start("Next", lambda report: "alive").result(PATIENCE) == "alive"


def test_a_job_cancelled_while_it_waits_never_runs(runner: JobRunner, gate: Gate) -> None:
    runner.start("First", gate)
    never = Gate()
    job = runner.start("Never", never)
    job.cancel()
    assert job.status is Status.CANCELLED
    with pytest.raises(JobCancelled):
        job.result(timeout=0)
    gate.go.set()
    runner.start("Last", lambda report: None).result(PATIENCE)
    assert never.runs == 0


def test_cancelling_an_ended_job_changes_nothing(runner: JobRunner) -> None:
    job = runner.start("Add", lambda report: 2)
    job.result(PATIENCE)
    job.cancel()
    assert job.status is Status.DONE
    assert job.result() == 2


def test_an_error_of_ours_comes_out_as_it_is(runner: JobRunner) -> None:
    error = InvalidInput("steps is 0")
    job = runner.start("Draw", fail(error))
    with pytest.raises(InvalidInput, match="steps is 0"):
        job.result(PATIENCE)
    assert (job.status, job.error, job.progress.message) == (Status.FAILED, error, "steps is 0")


def test_any_other_error_is_logged_and_is_the_cause(runner: JobRunner, caplog: pytest.LogCaptureFixture) -> None:
    error = ZeroDivisionError("by zero")
    with caplog.at_level(logging.ERROR):
        job = runner.start("Divide", fail(error))
        with pytest.raises(JobFailed, match="'Divide' failed: ZeroDivisionError: by zero") as failed:
            job.result(PATIENCE)
    assert failed.value.__cause__ is error
    assert "by zero" in caplog.text
    assert runner.start("Next", lambda report: "alive").result(PATIENCE) == "alive"


def test_progress_and_preview_are_seen_while_it_runs(runner: JobRunner, gate: Gate) -> None:
    def work(report: Report) -> None:
        report(0.25, "step 1 of 4", Image.new("RGBA", (512, 256), (255, 0, 0, 128)))
        report(0.5)
        gate(part(report, 0.5, 1.0))

    job = runner.start("Draw", work)
    assert gate.begun.wait(PATIENCE)
    progress = job.progress
    assert (progress.share, progress.message) == (0.5, "begun")
    assert progress.preview is not None
    with Image.open(io.BytesIO(progress.preview)) as preview:
        assert (preview.format, preview.mode, preview.size) == ("WEBP", "RGBA", (PREVIEW_EDGE, PREVIEW_EDGE // 2))


def test_the_time_left_follows_from_the_pace_since_the_first_report() -> None:
    seconds = itertools.chain([100.0, 102.0, 103.0], itertools.repeat(103.0))
    seen: list[float | None] = []
    runner = JobRunner(clock=lambda: next(seconds))
    jobs: list[Job[None]] = []
    started = threading.Event()

    def work(report: Report) -> None:
        assert started.wait(PATIENCE)
        for share in (0.0, 0.5, 0.75):
            report(share)
            seen.append(jobs[0].progress.seconds_left)

    jobs.append(runner.start("Draw", work))
    started.set()
    jobs[0].result(PATIENCE)
    runner.close()
    assert seen == [None, 2.0, 1.0]


def test_a_share_out_of_bounds_is_brought_back(runner: JobRunner, gate: Gate) -> None:
    def work(report: Report) -> None:
        gate(report)
        report(1.5)
        raise InvalidInput("stop here")

    gate.go.set()
    job = runner.start("Draw", work)
    assert job.wait(PATIENCE)
    assert job.progress.share == 1.0


def test_nobody_sees_the_jobs_of_another(runner: JobRunner) -> None:
    job = runner.start("Draw", lambda report: None, owner="anna")
    assert runner.get(job.id, owner="anna") is job
    assert runner.list("anna") == [job]
    assert runner.list("ben") == runner.list() == []
    for owner in ("ben", "local"):
        with pytest.raises(NotFound, match=job.id):
            runner.get(job.id, owner=owner)


def test_jobs_are_listed_newest_first_and_old_ended_ones_are_let_go(gate: Gate) -> None:
    runner = JobRunner(kept=2)
    running = [runner.start(str(number), lambda report: None) for number in range(4)]
    for job in running:
        job.result(PATIENCE)
    last = runner.start("last", gate)
    assert [job.title for job in runner.list()] == ["last", "3", "2"]
    with pytest.raises(NotFound):
        runner.get(running[0].id)
    assert running[0].result() is None
    gate.go.set()
    last.result(PATIENCE)
    runner.close()


def test_closing_stops_everything_and_ends_the_thread(gate: Gate) -> None:
    runner = JobRunner()
    running = runner.start("Running", gate)
    waiting = runner.start("Waiting", lambda report: None)
    assert gate.begun.wait(PATIENCE)
    closing = threading.Thread(target=runner.close)
    closing.start()
    assert waiting.wait(PATIENCE)
    gate.go.set()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert (running.status, waiting.status) == (Status.INTERRUPTED, Status.INTERRUPTED)
    with pytest.raises(JobInterrupted, match="closed"):
        waiting.result()
    assert "device" not in [thread.name for thread in threading.enumerate() if thread is runner._thread]
    with pytest.raises(StudioError, match="closing"):
        runner.start("Late", lambda report: None)
    runner.close()


def test_closing_does_not_wait_for_work_that_reports_nothing(gate: Gate) -> None:
    runner = JobRunner()
    job = runner.start("Load", gate)
    assert gate.begun.wait(PATIENCE)
    assert not runner.close(timeout=0.01)
    assert job.status is Status.RUNNING
    gate.go.set()
    assert runner.close(PATIENCE)
    assert job.status is Status.INTERRUPTED


def test_a_record_is_settled_unless_the_end_of_the_studio_came_first(gate: Gate) -> None:
    settled: list[str] = []
    runner = JobRunner()

    def start(name: str, work: Callable[[Report], object]) -> Job[object]:
        return runner.start(name, work, job_id=name, settled=lambda: settled.append(name))

    for job in (start("well", lambda report: None), start("badly", fail(InvalidInput("no")))):
        assert job.wait(PATIENCE)
    running, stopped, waiting = start("running", gate), start("stopped", gate), start("waiting", gate)
    assert gate.begun.wait(PATIENCE)
    stopped.cancel()
    runner.close(timeout=0)
    gate.go.set()
    assert runner.close(PATIENCE)
    assert set(settled) == {"well", "badly", "stopped"}
    assert (running.id, running.status, waiting.status) == ("running", Status.INTERRUPTED, Status.INTERRUPTED)


def test_what_was_stopped_stays_stopped_when_the_studio_closes(gate: Gate) -> None:
    runner = JobRunner()
    job = runner.start("Draw", gate)
    assert gate.begun.wait(PATIENCE)
    job.cancel()
    runner.close(timeout=0)
    gate.go.set()
    assert runner.close(PATIENCE)
    assert job.status is Status.CANCELLED


def test_a_record_that_cannot_be_settled_does_not_end_the_thread(runner: JobRunner) -> None:
    def full() -> None:
        raise StorageFull("The disk is full.")

    assert runner.start("Draw", lambda report: 1, settled=full).result(PATIENCE) == 1
    assert runner.start("Next", lambda report: 2).result(PATIENCE) == 2


def test_many_threads_may_start_and_stop_jobs(runner: JobRunner) -> None:
    done: list[int] = []

    def client(number: int) -> None:
        jobs = [runner.start("Work", lambda report: done.append(number)) for _ in range(20)]
        jobs[-1].cancel()
        for job in jobs:
            assert job.wait(PATIENCE)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(5)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(PATIENCE)
    ended = [job.status for job in runner.list()]
    assert len(ended) == 100
    assert len(done) == ended.count(Status.DONE)
    assert set(ended) <= {Status.DONE, Status.CANCELLED}


def test_a_preview_leaves_the_picture_as_it_is() -> None:
    picture = Image.new("RGB", (600, 600))
    assert encode_preview(picture)
    assert picture.size == (600, 600)


def test_a_part_of_the_work_reports_its_piece() -> None:
    heard: list[tuple[float, str]] = []

    def report(share: float, message: str = "", preview: Image.Image | None = None) -> None:
        heard.append((share, message))

    piece = part(report, 0.2, 0.6)
    piece(0.0, "begun")
    piece(1.0)
    assert heard == [(0.2, "begun"), (0.6, "")]
