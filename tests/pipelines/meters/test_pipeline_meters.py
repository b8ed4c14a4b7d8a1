from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.pipelines.meters.tiny_meters import ball, tiny_meters


def test_a_picture_of_the_subject_is_good_and_one_of_another_low(tmp_path: Path) -> None:
    own, other = tiny_meters(tmp_path)([ball("red", left=30), ball("blue")], "a red ball", [[ball("red")]])
    assert own.likeness is not None and other.likeness is not None
    assert own.likeness > 2 / 3 and other.likeness < 1 / 3


def test_the_prompt_counts_by_itself(tmp_path: Path) -> None:
    filled = [ball(colour, ground=ground) for colour, ground in (("red", (255, 0, 0, 255)), ("blue", (0, 0, 255, 255)))]
    red, blue = tiny_meters(tmp_path)(filled, "something red")
    assert (red.likeness, blue.likeness) == (None, None)
    assert red.prompt is not None and blue.prompt is not None
    assert red.prompt > 2 / 3 and blue.prompt < 1 / 3


def test_of_several_subjects_the_least_alike_counts(tmp_path: Path) -> None:
    meters = tiny_meters(tmp_path)
    picture = ball("red")
    (alone,) = meters([picture], "a ball", [[ball("red")]])
    (both,) = meters([picture], "a ball", [[ball("red")], [ball("blue")]])
    (other,) = meters([picture], "a ball", [[ball("blue")]])
    assert both.likeness == other.likeness != alone.likeness


def test_a_subject_without_cut_outs_is_not_measured(tmp_path: Path) -> None:
    assert tiny_meters(tmp_path)([ball("red")], "a ball", [[]])[0].likeness is None


def test_what_a_cut_out_looks_like_is_remembered(tmp_path: Path) -> None:
    meters = tiny_meters(tmp_path)
    for _ in range(2):
        meters([ball("blue")], "a ball", [[ball("red"), ball("green")]])
    assert len(meters._appearances) == 2


def test_of_many_cut_outs_eight_are_taken(tmp_path: Path) -> None:
    meters = tiny_meters(tmp_path)
    meters([ball("blue")], "a ball", [[ball("red", left=left) for left in range(12)]])
    assert len(meters._appearances) == 8


def test_a_calibration_of_another_model_scores_no_prompt_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        meters = tiny_meters(tmp_path, version="colours@2")
    assert "calibrated for colours@1, but the text-image model is colours@2" in caplog.text
    (measured,) = meters([ball("red")], "a red ball", [[ball("red")]])
    assert measured.prompt is None and measured.likeness is not None
