from __future__ import annotations

import logging
from collections.abc import Sequence

import pytest
from PIL import Image

from studio.domain.scores import Scores
from studio.engines.base import ImageJob, Report
from studio.engines.fake import FakeImageEngine, FakeMeterEngine
from studio.errors import ModelMissing
from studio.services.artist import Artist, best_of_each

JOB = ImageJob(
    prompt="a dog", subjects=(), seeds=(1, 2, 3, 4), steps=2, guidance=4.0, fidelity=0.7, poses=("drawn",) * 4
)


class Missing:
    """A meter whose models are nowhere."""

    def score(self, pictures: Sequence[Image.Image], job: ImageJob, report: Report) -> list[Scores]:
        raise ModelMissing("The model clip-vision is nowhere.")


class Listener:
    def __init__(self) -> None:
        self.shares: list[float] = []

    def __call__(self, share: float, message: str = "", preview: Image.Image | None = None) -> None:
        self.shares.append(share)


def test_pictures_are_drawn_and_scored_in_the_order_of_the_seeds() -> None:
    listener = Listener()
    drawn = Artist(FakeImageEngine(size=32), FakeMeterEngine()).draw(JOB, 1, listener)
    pictures = FakeImageEngine(size=32).generate(JOB, Listener())
    assert [one.place for one in drawn] == [0, 1, 2, 3]
    assert [one.image.tobytes() for one in drawn] == [picture.tobytes() for picture in pictures]
    assert [one.scores for one in drawn] == FakeMeterEngine().score(pictures, JOB, Listener())
    assert listener.shares == sorted(listener.shares)


def test_of_each_two_the_better_one_is_picked() -> None:
    artist = Artist(FakeImageEngine(size=32), FakeMeterEngine())
    every = [one.scores.together(0.7) for one in artist.draw(JOB, 1, Listener())]
    best = artist.draw(JOB, 2, Listener())
    assert [one.scores.together(0.7) for one in best] == [max(every[:2]), max(every[2:])]
    assert [one.place for one in best] == [every.index(max(every[:2])), every.index(max(every[2:]))]


def test_without_models_pictures_are_worth_keeping_without_scores(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        drawn = Artist(FakeImageEngine(size=32), Missing()).draw(JOB, 1, Listener())
    assert [one.scores for one in drawn] == [Scores()] * 4
    assert "clip-vision is nowhere" in caplog.text


def test_the_best_of_several_cannot_be_picked_without_models() -> None:
    with pytest.raises(ModelMissing, match="clip-vision is nowhere"):
        Artist(FakeImageEngine(size=32), Missing()).draw(JOB, 2, Listener())


def test_of_each_so_many_the_best_is_taken() -> None:
    scores = [Scores(prompt=value) for value in (0.1, 0.9, 0.5, 0.3, 0.2, 0.3)]
    assert best_of_each(scores, 1, 0.7) == [0, 1, 2, 3, 4, 5]
    assert best_of_each(scores, 2, 0.7) == [1, 2, 5]
    assert best_of_each(scores, 3, 0.7) == [1, 3]
    assert best_of_each([Scores(), Scores()], 2, 0.7) == [0]
