"""The real pipeline over tiny graphs: red stands out, and a look is the colours of a place."""

from __future__ import annotations

from pathlib import Path

from pipelines.features.image_encoders import ClipVisionEncoder, TinyVitEncoder
from pipelines.matting import Matting
from pipelines.recognition.looks import LookEncoder
from pipelines.recognition.matching import Calibration, Matcher
from pipelines.recognition.pipeline_recognition import RecognitionPipeline
from tests.pipelines.features.tiny_onnx import write_clip_vision, write_tinyvit, write_u2netp

CALIBRATION = Calibration(threshold=0.9, slope=60.0)


def write_models(folder: Path) -> dict[str, Path]:
    """Write the graphs; returns their places by the names the resolver knows."""
    return {
        "u2netp": write_u2netp(folder / "u2netp.onnx"),
        "tinyvit": write_tinyvit(folder / "tinyvit.onnx"),
        "clip-vision": write_clip_vision(folder / "clip.onnx"),
    }


def tiny_pipeline(folder: Path) -> RecognitionPipeline:
    models = write_models(folder)
    encoder = LookEncoder(TinyVitEncoder(models["tinyvit"]), ClipVisionEncoder(models["clip-vision"]))
    return RecognitionPipeline(Matting(models["u2netp"]), encoder, Matcher(CALIBRATION))
