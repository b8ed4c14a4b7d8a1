"""The measured calibration of the meters, as it is shipped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.meters.likeness import Part, Parts
from pipelines.meters.scale import Scale

DEFAULT_CONFIG = Path(__file__).resolve().parents[2] / "configs" / "meters.yaml"


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """From measurements to scores.

    Attributes:
        parts: what joins the two measurements of likeness.
        likeness: scale of them together.
        prompt: scale of the cosine between picture and prompt.
        textimage: the text-image model that `prompt` is of, see `pipelines.textimage.loading.version_of`.
    """

    parts: Parts
    likeness: Scale
    prompt: Scale
    textimage: str

    def lacks(self, textimage: str) -> str:
        """Say in a sentence that it is of another text-image model than the one given; empty where it is of that."""
        if textimage == self.textimage:
            return ""
        return (
            f"The prompt meter is calibrated for {self.textimage}, but the text-image model is {textimage}. Calibrate "
            "it again: python -m pipelines.meters.calibrate --data runs/data"
        )


def load_calibration(config: Path = DEFAULT_CONFIG) -> Calibration:
    """Read a calibration.

    Raises:
        FileNotFoundError: the file is missing.
        KeyError: a number is missing.
        ValueError: a scale is upside down.
    """
    values = yaml.safe_load(config.read_text(encoding="utf-8"))
    likeness, prompt = values["likeness"], values["prompt"]
    return Calibration(
        parts=Parts(shape=_part(likeness["shape"]), colour=_part(likeness["colour"])),
        likeness=_scale(likeness),
        prompt=_scale(prompt),
        textimage=prompt["textimage"],
    )


def _part(values: dict[str, Any]) -> Part:
    return Part(mean=float(values["mean"]), deviation=float(values["deviation"]))


def _scale(values: dict[str, Any]) -> Scale:
    return Scale(fair=float(values["fair"]), good=float(values["good"]))
