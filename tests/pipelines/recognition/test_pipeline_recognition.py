from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines.recognition.matching import KnownThing
from pipelines.recognition.pipeline_recognition import RecognitionPipeline
from pipelines.recognition.regions import WHOLE
from tests.pipelines.recognition.tiny_recognition import tiny_pipeline, write_models

GROUND = (90, 110, 120)
BALL, FLAG = (230, 20, 20), (235, 60, 90)


@pytest.fixture
def pipeline(tmp_path: Path) -> RecognitionPipeline:
    return tiny_pipeline(tmp_path)


def ball(place: tuple[int, int], edge: int = 120) -> Image.Image:
    """A red ball with a dark stripe."""
    photo = Image.new("RGB", (480, 320), GROUND)
    left, top = place
    brush = ImageDraw.Draw(photo)
    brush.ellipse((left, top, left + edge, top + edge), fill=BALL)
    brush.rectangle((left + edge // 3, top + edge // 4, left + edge // 2, top + edge * 3 // 4), fill=(120, 10, 10))
    return photo


def test_a_thing_is_found_where_it_is(pipeline: RecognitionPipeline) -> None:
    known = KnownThing(looks=pipeline.remember(ball((180, 100))), not_looks=pipeline.nothing())
    places = pipeline.places(ball((30, 160)))
    found = [one for one in pipeline.decide(places, [known]) if one.known is not None]
    assert [one.known for one in found] == [0]
    assert places.boxes[found[0].region] == pytest.approx((30 / 480, 160 / 320, 150 / 480, 280 / 320), abs=0.03)
    assert found[0].score > 0.5


def test_another_thing_is_not_known(pipeline: RecognitionPipeline) -> None:
    known = KnownThing(looks=pipeline.remember(ball((180, 100))), not_looks=pipeline.nothing())
    flag = Image.new("RGB", (480, 320), GROUND)
    for row in range(0, 160, 40):
        ImageDraw.Draw(flag).rectangle((100, 60 + row, 340, 80 + row), fill=FLAG)
    ImageDraw.Draw(flag).rectangle((100, 60, 120, 220), fill=FLAG)
    found = pipeline.decide(pipeline.places(flag), [known])
    assert found and {one.known for one in found} == {None}


def test_looks_are_of_length_one_and_the_whole_photo_comes_first(pipeline: RecognitionPipeline) -> None:
    places = pipeline.places(ball((30, 160)))
    assert places.boxes[0] == WHOLE
    assert places.looks.shape == (len(places.boxes), 1232)
    assert np.linalg.norm(places.looks, axis=1) == pytest.approx(1.0, abs=1e-5)
    assert pipeline.remember(ball((30, 160))).shape == (2, 1232)


def test_a_plain_photo_has_only_itself(pipeline: RecognitionPipeline) -> None:
    plain = Image.new("RGB", (480, 320), GROUND)
    places = pipeline.places(plain)
    assert places.boxes == (WHOLE,)
    assert pipeline.remember(plain).shape == (2, 1232)  # the whole of it is taken for the subject
    known = KnownThing(looks=pipeline.remember(ball((180, 100))), not_looks=pipeline.nothing())
    assert [one for one in pipeline.decide(places, [known]) if one.known is None] == []


def test_it_opens_from_files(tmp_path: Path) -> None:
    opened = RecognitionPipeline.from_files(write_models(tmp_path).__getitem__)
    assert opened.matcher.calibration.slope > 1
