from __future__ import annotations

import dataclasses
import threading

import pytest

from studio.bootstrap import build_studio
from studio.config import StudioConfig
from studio.errors import StudioError
from studio.studio import Studio


def test_a_closed_studio_works_no_more_and_may_be_closed_again(fake_config: StudioConfig) -> None:
    before = threading.active_count()
    studio = build_studio(fake_config)
    assert threading.active_count() == before + 1
    studio.close()
    assert threading.active_count() == before
    with pytest.raises(StudioError, match="closing"):
        studio.jobs.start("Late", lambda report: None)
    studio.close()


def test_its_parts_cannot_be_exchanged(studio: Studio) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        studio.files = studio.files  # type: ignore[misc]
