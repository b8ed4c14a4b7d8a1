from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.recognition.detecting import BOXES_MAX, GENERIC, DetectorError, OpenVocabularyProposer, words_for
from pipelines.recognition.pipeline_recognition import RecognitionPipeline
from pipelines.recognition.regions import WHOLE, RegionProposer, overlap
from tests.pipelines.recognition.tiny_detectors import grounding_dino, owlv2
from tests.pipelines.recognition.tiny_recognition import write_models


@pytest.fixture(params=["owlv2", "grounding_dino"])
def detector(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Any]:
    return owlv2() if request.param == "owlv2" else grounding_dino(tmp_path)


@pytest.fixture
def photo() -> Image.Image:
    numbers = np.random.default_rng(0)
    return Image.fromarray(numbers.integers(0, 256, (60, 90, 3), dtype=np.uint8), "RGB")


def test_boxes_are_shares_of_the_photo_few_and_without_repeats(detector: tuple[Any, Any], photo: Image.Image) -> None:
    proposer: RegionProposer = OpenVocabularyProposer(*detector, threshold=0.001)
    boxes = proposer.propose(photo, ["dog"])
    assert 0 < len(boxes) <= BOXES_MAX
    assert all(0 <= left < right <= 1 and 0 <= top < bottom <= 1 for left, top, right, bottom in boxes)
    assert all(overlap(one, other) < 0.6 for at, one in enumerate(boxes) for other in boxes[:at])
    assert boxes == proposer.propose(photo, ["dog"])


def test_what_is_looked_for_counts(detector: tuple[Any, Any], photo: Image.Image) -> None:
    scores = [OpenVocabularyProposer(*detector, threshold=0.001)._detect(photo, [kind])[0] for kind in ("dog", "mug")]
    assert len(scores[0]) != len(scores[1]) or not torch.equal(*scores)


def test_nothing_is_sure_enough(detector: tuple[Any, Any], photo: Image.Image) -> None:
    assert OpenVocabularyProposer(*detector, threshold=1.0).propose(photo) == []


def test_it_runs_in_half_precision(detector: tuple[Any, Any], photo: Image.Image) -> None:
    model, processor = detector
    boxes = OpenVocabularyProposer(model.to(torch.bfloat16), processor, threshold=0.001).propose(photo)
    assert len(boxes) > 0


def test_it_opens_from_a_folder_with_safetensors(detector: tuple[Any, Any], photo: Image.Image, tmp_path: Path) -> None:
    for part in detector:
        part.save_pretrained(tmp_path / "model")
    opened = OpenVocabularyProposer.open(str(tmp_path / "model"), threshold=0.001)
    assert opened.propose(photo) == OpenVocabularyProposer(*detector, threshold=0.001).propose(photo)


def test_a_model_that_is_missing_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DetectorError, match=r"cannot be loaded.*give a folder"):
        OpenVocabularyProposer.open(str(tmp_path / "empty"))


def test_the_rest_of_the_pipeline_is_as_before(photo: Image.Image, tmp_path: Path) -> None:
    proposer = OpenVocabularyProposer(*owlv2(), threshold=0.001)
    pipeline = RecognitionPipeline.from_files(write_models(tmp_path).__getitem__, proposer=proposer)
    places = pipeline.places(photo, ["dog"])
    assert places.boxes == (WHOLE, *(box for box in proposer.propose(photo, ["dog"]) if box != WHOLE))
    assert places.looks.shape == (len(places.boxes), 1232)


def test_kinds_come_first_each_once_and_without_full_stops() -> None:
    assert words_for(["Dog", "toy", "dog", "", "St. Bernard"]) == [
        "dog",
        "toy",
        "st bernard",
        "person",
        "animal",
        "object",
    ]
    assert words_for([]) == list(GENERIC)
    assert len(words_for([f"kind {number}" for number in range(99)])) == 40
