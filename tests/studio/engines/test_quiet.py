from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from diffusers.utils import logging as of_diffusers
from huggingface_hub.utils import are_progress_bars_disabled
from transformers.utils import logging as of_transformers

from studio.engines.quiet import quieten_libraries


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The libraries speak to the other tests as they did."""
    levels = [(library, library.get_verbosity()) for library in (of_diffusers, of_transformers)]
    yield
    for library, level in levels:
        library.set_verbosity(level)
        library.enable_progress_bar()
    logging.getLogger("xformers").setLevel(logging.NOTSET)


def test_libraries_report_errors_only_and_downloads_are_still_shown() -> None:
    quieten_libraries()
    for library in (of_diffusers, of_transformers):
        assert library.get_verbosity() == logging.ERROR
        assert not library.is_progress_bar_enabled()
    assert not logging.getLogger("xformers").isEnabledFor(logging.WARNING)
    assert logging.getLogger("xformers").isEnabledFor(logging.ERROR)
    assert not are_progress_bars_disabled()


def test_whoever_asks_for_more_hears_all(caplog: pytest.LogCaptureFixture) -> None:
    before = of_transformers.get_verbosity()
    with caplog.at_level(logging.INFO):
        quieten_libraries()
    assert of_transformers.get_verbosity() == before
    assert of_diffusers.is_progress_bar_enabled()
