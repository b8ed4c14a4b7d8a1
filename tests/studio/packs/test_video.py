from __future__ import annotations

import pytest

from studio.domain.stickers import Messenger
from studio.errors import InvalidInput
from studio.packs import video
from studio.packs.validation import problems

WEBM = b"\x1a\x45\xdf\xa3" + b"\0" * 60


def test_without_pyav_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "available", lambda: False)
    for ask in (video.check_available, lambda: video.look(WEBM), lambda: problems({"a.webm": WEBM}, Messenger.PNG)):
        with pytest.raises(InvalidInput, match=r"PyAV.*requirements-video\.txt"):
            ask()


def test_a_broken_video_is_not_a_picture_that_can_be_read() -> None:
    pytest.importorskip("av")
    assert video.look(WEBM) is None
    assert "cannot" not in str(problems({"a.webm": WEBM}, Messenger.PNG)[0])


def test_a_video_is_told_by_its_first_bytes() -> None:
    assert video.is_video(WEBM)
    assert not video.is_video(b"RIFF")
