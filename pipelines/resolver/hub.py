"""Models on the Hugging Face hub, through its own client: HF_HOME, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE apply."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.resolver.errors import SourceUnavailable
from pipelines.resolver.progress import Progress
from pipelines.resolver.spec import HubSource, Member
from pipelines.resolver.store import copy_checked

if TYPE_CHECKING:
    from tqdm import tqdm

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 4.0


def fetch_hub(source: HubSource, target: Path, *, offline: bool, progress: Progress) -> None:
    """Fill the folder `target` with the files of a hub repository; what the hub's own cache has is not loaded again.

    Args:
        source: what to fetch.
        target: an empty folder.
        offline: look into the hub's cache only.
        progress: told the bytes of all files together.

    Raises:
        SourceUnavailable: the hub does not answer, has no such file, or its bytes are not the expected ones.
    """
    from huggingface_hub import constants, hf_hub_download

    offline = offline or constants.is_offline_mode()
    # The client tries a hub that cannot be reached again and again for half a minute: ask once whether it is there.
    cached_only = offline or not answers(constants.ENDPOINT)
    total, before = sum(member.size for member in source.files.values()), 0
    for name, member in source.files.items():
        try:
            stored = hf_hub_download(
                source.hub,
                member.path,
                revision=source.revision,
                local_files_only=cached_only,
                etag_timeout=ANSWER_SECONDS,
                tqdm_class=_bar(progress, before, total),
            )
        except _download_errors() as error:
            reason = f"did not give {member.path}: {_first_line(error)}"
            if cached_only:
                reason = "was not asked because the studio is set offline" if offline else "does not answer"
            raise SourceUnavailable(f"{constants.ENDPOINT} {reason}") from error
        _copy(Path(stored), target / name, member)
        before += member.size
        progress(before, total)


def answers(endpoint: str) -> bool:
    """Say whether anything answers at `endpoint`, in a few seconds; any answer counts, also a refusal."""
    try:
        urllib.request.urlopen(urllib.request.Request(endpoint, method="HEAD"), timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError:
        return True
    except OSError as error:
        logger.info("the hub %s does not answer: %s", endpoint, error)
        return False
    return True


def _copy(stored: Path, target: Path, member: Member) -> None:
    with stored.open("rb") as file:
        copy_checked(file, target, member)


def _download_errors() -> tuple[type[Exception], ...]:
    """What the hub's client raises; broken connections come as they are, from httpx or, in newer versions, httpx2."""
    names = [name for name in ("httpx", "httpx2") if importlib.util.find_spec(name)]
    return (OSError, ValueError, *(importlib.import_module(name).HTTPError for name in names))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _bar(progress: Progress, before: int, total: int) -> type[tqdm]:
    """A progress bar class that draws nothing and passes the bytes on."""
    from tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)  # the client's own bars are named
            self.bytes_done = int(options.get("initial") or 0)
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> bool | None:
            self.bytes_done += int(n or 0)
            progress(before + self.bytes_done, total)
            return None

    return Bar
