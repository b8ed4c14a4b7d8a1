"""Work on the device: one thread does it, everybody else waits, watches or stops it."""

from __future__ import annotations

import builtins
import io
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from PIL import Image

from studio.domain.jobs import Progress, Status
from studio.engines.base import Report
from studio.errors import JobCancelled, JobFailed, JobInterrupted, NotFound, StudioError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

ENDED_KEPT = 200
PREVIEW_EDGE = 256
logger = logging.getLogger(__name__)


class Job(Generic[T_co]):
    """A piece of work, as its owner may watch and stop it; made by `JobRunner.start` only."""

    def __init__(self, title: str, work: Callable[[Report], T_co], owner: str, runner: JobRunner, id: str) -> None:
        self.id = id
        self.title = title
        self.owner = owner
        self._work = work
        self._runner = runner
        self._settled: Callable[[], None] = _nothing
        self._status = Status.QUEUED
        self._progress = Progress(message="Waiting")
        self._outcome: list[T_co] = []
        self._error: StudioError | None = None
        self._stop = threading.Event()
        self._interrupted = False
        self._ended = threading.Event()
        self._first_report: tuple[float, float] | None = None

    @property
    def status(self) -> Status:
        """Where the job is in its life."""
        return self._status

    @property
    def progress(self) -> Progress:
        """How far the job is now."""
        return self._runner.progress_of(self)

    @property
    def error(self) -> StudioError | None:
        """What `result` raises; None while the job has not ended, and when it ended well."""
        return self._error

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job has ended or `timeout` seconds have passed; say whether it has ended."""
        return self._ended.wait(timeout)

    def result(self, timeout: float | None = None) -> T_co:
        """Wait for the result of the work, at most `timeout` seconds.

        Raises:
            TimeoutError: the job has not ended in time; it goes on.
            JobCancelled: it was stopped, or interrupted by the end of the studio.
            StudioError: whatever the work raised of that kind.
            JobFailed: the work ended with any other error, which is the cause.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"{self.title!r} has not ended within {timeout} seconds.")
        if self._error is not None:
            raise self._error
        return self._outcome[0]

    def cancel(self) -> None:
        """Stop: at once while queued, within a step while running; no effect on an ended job."""
        self._runner.cancel(self)


class JobRunner:
    """Runs jobs one after the other on a thread of its own.

    Args:
        clock: seconds that only grow; for the estimate of the time left.
        kept: ended jobs that can still be looked up.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, kept: int = ENDED_KEPT) -> None:
        self._clock = clock
        self._kept = kept
        self._jobs: dict[str, Job[object]] = {}
        self._queue: deque[Job[object]] = deque()
        self._running: Job[object] | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._serve, name="device", daemon=True)
        self._thread.start()

    def start(
        self,
        title: str,
        work: Callable[[Report], T],
        owner: str = "local",
        *,
        job_id: str | None = None,
        settled: Callable[[], None] | None = None,
    ) -> Job[T]:
        """Queue `work`; it is called with a `Report` on the device thread.

        Args:
            title: what is being done, for a person.
            work: gives the job's result.
            owner: who may look at it and stop it.
            job_id: of a record that was made of it; None makes a new one.
            settled: called when nobody needs to take the work up again: it was stopped, or it ended well or badly.
                It may be called more than once, and never when the studio was closed before the work had ended.

        Raises:
            StudioError: the runner was closed.
        """
        job = Job(title, work, owner, self, job_id or uuid.uuid4().hex)
        job._settled = settled or _nothing
        with self._changed:
            if self._closing:
                raise StudioError(f"The studio is closing; {title!r} was not started.")
            self._jobs[job.id] = job
            self._queue.append(job)
            self._changed.notify_all()
        return job

    def get(self, job_id: str, owner: str = "local") -> Job[object]:
        """Return a job of `owner`; raises `NotFound` for anybody else's, too."""
        job = self._jobs.get(job_id)
        if job is None or job.owner != owner:
            raise NotFound(f"There is no job {job_id[:40]!r} (any more). Start it again.")
        return job

    def list(self, owner: str = "local") -> builtins.list[Job[object]]:
        """Return the jobs of `owner` that are known, newest first."""
        with self._changed:
            return [job for job in reversed(self._jobs.values()) if job.owner == owner]

    def cancel(self, job: Job[object]) -> None:
        """Stop `job`; see `Job.cancel`."""
        job._stop.set()
        with self._changed:
            if job in self._queue:
                self._queue.remove(job)
                self._end(job, Status.CANCELLED, JobCancelled(f"{job.title!r} was stopped before it began."))
        _settle(job)

    def progress_of(self, job: Job[object]) -> Progress:
        """Return how far `job` is, its position in the queue included."""
        with self._changed:
            if job._status is not Status.QUEUED:
                return job._progress
            position = self._queue.index(job) + (self._running is not None)
            return Progress(message="Waiting", position=position)

    def close(self, timeout: float | None = None) -> bool:
        """Interrupt every job and wait for the thread, at most `timeout` seconds; say whether it has ended.

        A running job ends at its next report. Where that takes too long, as when a model is just being loaded,
        the thread goes on until the process ends.
        """
        with self._changed:
            self._closing = True
            for job in self._queue:
                self._end(job, Status.INTERRUPTED, _interrupted(job))
            self._queue.clear()
            if self._running is not None and not self._running._stop.is_set():
                self._running._interrupted = True
                self._running._stop.set()
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        while (job := self._next()) is not None:
            self._run(job)

    def _next(self) -> Job[object] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            if not self._queue:
                return None
            self._running = job = self._queue.popleft()
            job._status = Status.RUNNING
            job._progress = Progress(message="Starting")
            return job

    def _run(self, job: Job[object]) -> None:
        status = Status.DONE
        error: StudioError | None = None
        try:
            job._outcome.append(job._work(self._report_for(job)))
        except JobCancelled as stopped:
            status = Status.INTERRUPTED if isinstance(stopped, JobInterrupted) else Status.CANCELLED
            error = stopped
        except StudioError as known:
            status, error = Status.FAILED, known
        except Exception as cause:  # the one place that catches all: the thread has to outlive any work
            logger.exception("Job %r (%s) failed", job.title, job.id)
            status, error = Status.FAILED, _failed(job, cause)
        if status is not Status.INTERRUPTED:
            _settle(job)
        with self._changed:
            self._running = None
            self._end(job, status, error)

    def _end(self, job: Job[object], status: Status, error: StudioError | None) -> None:
        last = job._progress
        done = status is Status.DONE
        job._status, job._error = status, error
        job._progress = Progress(
            share=1.0 if done else last.share, message="Done" if done else str(error), preview=last.preview
        )
        job._work = _forgotten  # lets go of the photos a closure may hold
        job._ended.set()
        ended = [known.id for known in self._jobs.values() if known.status.ended]
        for job_id in ended[: max(0, len(ended) - self._kept)]:
            del self._jobs[job_id]

    def _report_for(self, job: Job[object]) -> Report:
        def report(share: float, message: str = "", preview: Image.Image | None = None) -> None:
            if job._stop.is_set():
                raise _interrupted(job) if job._interrupted else JobCancelled(f"{job.title!r} was stopped.")
            now = self._clock()
            job._first_report = job._first_report or (now, share)
            last = job._progress
            job._progress = Progress(
                share=min(max(share, 0.0), 1.0),
                message=message or last.message,
                preview=last.preview if preview is None else encode_preview(preview),
                seconds_left=_seconds_left(now, share, job._first_report),
            )

        return report


def encode_preview(picture: Image.Image) -> bytes:
    """Return `picture` as a small WebP (RGBA, at most `PREVIEW_EDGE` pixels on its longer side)."""
    small = picture.convert("RGBA")
    small.thumbnail((PREVIEW_EDGE, PREVIEW_EDGE))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80, method=0)
    return buffer.getvalue()


def part(report: Report, low: float, high: float) -> Report:
    """Return a `Report` whose 0–1 is the piece `low`–`high` of `report`'s work."""

    def report_part(share: float, message: str = "", preview: Image.Image | None = None) -> None:
        report(low + (high - low) * share, message, preview)

    return report_part


def _seconds_left(now: float, share: float, first: tuple[float, float]) -> float | None:
    # Measured from the first report on: loading a model before it says nothing about the steps to come.
    began, share_then = first
    if share <= share_then or now <= began:
        return None
    return (now - began) * (1.0 - share) / (share - share_then)


def _failed(job: Job[object], cause: Exception) -> JobFailed:
    failed = JobFailed(f"{job.title!r} failed: {type(cause).__name__}: {cause}")
    failed.__cause__ = cause
    return failed


def _interrupted(job: Job[object]) -> JobInterrupted:
    return JobInterrupted(f"{job.title!r} was interrupted: the studio was closed.")


def _settle(job: Job[object]) -> None:
    try:
        job._settled()
    except StudioError:  # a full disk, say; the work itself is not touched by it
        logger.warning("Job %r (%s) has ended, but its record could not be removed", job.title, job.id, exc_info=True)


def _nothing() -> None:
    """Keep no record of a job."""


def _forgotten(_report: Report) -> object:
    raise AssertionError("an ended job does not run again")
