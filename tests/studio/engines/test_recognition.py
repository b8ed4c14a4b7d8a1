from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from pipelines.resolver import ModelNotFound
from studio.engines.base import RecognitionEngine, Remembered
from studio.engines.recognition import LooksRecognitionEngine
from studio.errors import InvalidInput, ModelMissing
from tests.pipelines.recognition.tiny_recognition import tiny_pipeline


@pytest.fixture
def engine(tmp_path: Path) -> LooksRecognitionEngine:
    engine = LooksRecognitionEngine()
    vars(engine)["_pipeline"] = tiny_pipeline(tmp_path)  # stands where the loaded networks are kept
    return engine


def ball(left: int) -> Image.Image:
    photo = Image.new("RGB", (480, 320), (90, 110, 120))
    ImageDraw.Draw(photo).ellipse((left, 100, left + 120, 220), fill=(230, 20, 20))
    return photo


def test_it_is_a_recognition_engine(engine: LooksRecognitionEngine) -> None:
    checked: RecognitionEngine = engine
    assert checked.model() == "tinyvit+clip-vision@2"


def test_importing_it_loads_no_model_library() -> None:
    code = "import sys, studio.engines.recognition; print([m for m in ('torch', 'onnxruntime') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_looks_are_kept_in_half_precision_and_found_again(engine: LooksRecognitionEngine) -> None:
    kept = engine.remember(ball(180))
    assert len(kept) == 2 * 1232 * 2
    places = engine.places(ball(40))
    assert len(places.boxes) == len(places.looks) and {len(look) for look in places.looks} == {1232 * 2}
    first = engine.decide(places, [Remembered(looks=(kept,))])[0]
    assert first.known == 0 and first.score > 0.5


def test_a_refused_look_is_not_named(engine: LooksRecognitionEngine) -> None:
    places = engine.places(ball(40))
    known = Remembered(looks=(engine.remember(ball(180)),), not_looks=places.looks)
    assert {one.known for one in engine.decide(places, [known])} == {None}


def test_nothing_known_names_nothing(engine: LooksRecognitionEngine) -> None:
    assert {one.known for one in engine.decide(engine.places(ball(40)), [])} == {None}


def test_missing_models_get_a_sentence() -> None:
    def nowhere(name: str) -> Path:
        raise ModelNotFound(f"The model {name} is nowhere.")

    with pytest.raises(ModelMissing, match="is nowhere"):
        LooksRecognitionEngine(find=nowhere).places(ball(40))


def test_a_detector_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"The detector .* cannot be loaded"):
        LooksRecognitionEngine(detector=str(tmp_path)).places(ball(40))


def test_a_threshold_that_lets_everything_pass_is_refused() -> None:
    with pytest.raises(InvalidInput, match="threshold is 0"):
        LooksRecognitionEngine(detector="d", threshold=0)


def test_looks_can_be_compared_without_it(engine: LooksRecognitionEngine) -> None:
    vectors = engine.vectors()
    assert vectors.width == 1232
    assert vectors.least == pytest.approx(0.9, abs=0.01)  # the threshold of the tiny pipeline
