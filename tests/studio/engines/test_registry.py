from __future__ import annotations

import threading

import pytest
from PIL import Image

from studio.engines.base import ImageEngine
from studio.engines.fake import FakeImageEngine, FakeSubjectEngine
from studio.engines.registry import IMAGE_ENGINES, SUBJECT_ENGINES, LazyImageEngine, LazySubjectEngine, Registry
from studio.errors import InvalidInput


def test_engines_are_made_by_name_with_their_options() -> None:
    assert IMAGE_ENGINES.create("fake", {"size": 32}).capabilities().width == 32
    assert SUBJECT_ENGINES.create("fake", {"model": "fake-7"}).model() == "fake-7"


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    for access in (IMAGE_ENGINES.check, lambda name: IMAGE_ENGINES.create(name, {})):
        with pytest.raises(InvalidInput, match=r"no image engine 'dreamer'.*diffusers, fake"):
            access("dreamer")
    with pytest.raises(InvalidInput, match=r"no subject engine 'x'.*fake, hyperlora"):
        SUBJECT_ENGINES.check("x")


def test_options_that_do_not_fit_are_named() -> None:
    with pytest.raises(InvalidInput, match="'colour'"):
        IMAGE_ENGINES.create("fake", {"colour": "red"})


@pytest.mark.parametrize("place", ["studio.engines.fake", "os:system", "studio.engines.fake:make", ""])
def test_a_place_that_cannot_be_is_refused_when_it_is_registered(place: str) -> None:
    with pytest.raises(ValueError, match="'new'"):
        Registry("image", {"new": place})


def test_an_engine_is_made_on_first_use_and_once() -> None:
    made: list[FakeImageEngine] = []

    def make() -> ImageEngine:
        made.append(FakeImageEngine(size=32))
        return made[-1]

    lazy = LazyImageEngine(make)
    assert made == []
    threads = [threading.Thread(target=lazy.capabilities) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_a_lazy_subject_engine_hands_everything_on() -> None:
    engine = FakeSubjectEngine(model="fake-7")
    lazy = LazySubjectEngine(lambda: engine)
    photo = Image.new("RGB", (64, 64))
    reading = lazy.read(photo)
    assert engine.readings == [photo]
    assert lazy.personalize([reading.cutout], "dog", lambda share, message="", preview=None: None)
    assert engine.requests == [(1, "dog")]
    assert lazy.model() == "fake-7"
