from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pipelines.resolver import ModelNotFound
from studio.engines.base import ImageJob, MeterEngine, Subject
from studio.engines.meters import FeatureMeterEngine
from studio.errors import JobCancelled, ModelMissing
from tests.pipelines.meters.tiny_meters import ball, tiny_meters

JOB = ImageJob(
    prompt="a @bo in red",
    subjects=(Subject(mention="bo", kind="ball", adapter=None, cutouts=(ball("red"),)),),
    seeds=(1, 2),
    steps=1,
    guidance=1.0,
    fidelity=0.7,
)


@pytest.fixture
def engine(tmp_path: Path) -> FeatureMeterEngine:
    engine = FeatureMeterEngine()
    vars(engine)["_pipeline"] = tiny_meters(tmp_path)  # stands where the loaded networks are kept
    return engine


def quiet(share: float, message: str = "", preview: Image.Image | None = None) -> None:
    pass


def test_pictures_are_measured_against_subject_and_prompt(engine: FeatureMeterEngine) -> None:
    checked: MeterEngine = engine
    own, other = checked.score([ball("red", left=30), ball("blue")], JOB, quiet)
    assert own.likeness is not None and other.likeness is not None and own.likeness > other.likeness
    assert own.prompt is not None and other.prompt is not None and own.prompt > other.prompt


def test_without_a_subject_there_is_no_likeness(engine: FeatureMeterEngine) -> None:
    (found,) = engine.score([ball("red")], dataclasses.replace(JOB, prompt="a red ball", subjects=()), quiet)
    assert found.likeness is None and found.prompt is not None


def test_stop_ends_it(engine: FeatureMeterEngine) -> None:
    def stop(share: float, message: str = "", preview: Image.Image | None = None) -> None:
        if share > 0:
            raise JobCancelled("stopped")

    with pytest.raises(JobCancelled):
        engine.score([ball("red"), ball("blue")], JOB, stop)


def test_importing_it_loads_no_model_library() -> None:
    code = "import sys, studio.engines.meters; print([m for m in ('torch', 'onnxruntime') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_models_get_a_sentence() -> None:
    def nowhere(name: str) -> Path:
        raise ModelNotFound(f"The model {name} is nowhere.")

    engine = FeatureMeterEngine(find=nowhere)
    with pytest.raises(ModelMissing, match="is nowhere"):
        engine.score([ball("red")], JOB, quiet)
    assert engine.lacks() == ()
    assert "clip-vision" in engine.needs()


def test_a_calibration_of_another_model_is_lacking(tmp_path: Path) -> None:
    (tmp_path / "diffusion_pytorch_model.safetensors").write_bytes(b"other weights")
    (sentence,) = FeatureMeterEngine(find=lambda name: tmp_path).lacks()
    assert "python -m pipelines.meters.calibrate" in sentence
