"""The measured calibration as it is shipped, and how it is measured.

Shape legend: N likenesses.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml

from pipelines.features.preprocessing import FloatArray
from pipelines.recognition.matching import Calibration

DEFAULT_CONFIG = Path(__file__).resolve().parents[2] / "configs" / "recognition.yaml"
_STEPS = 50


def load_calibration(config: Path = DEFAULT_CONFIG) -> Calibration:
    """Read a calibration.

    Raises:
        FileNotFoundError: the file is missing.
        KeyError: it has no threshold or no slope.
    """
    values = yaml.safe_load(config.read_text(encoding="utf-8"))["calibration"]
    return Calibration(
        threshold=float(values["threshold"]),
        slope=float(values["slope"]),
        growth=float(values.get("growth", 0.0)),
        things=int(values.get("things", 1)),
    )


def calibrate(same: FloatArray, different: FloatArray, *, false_accepts: float, photos: int) -> Calibration:
    """Fit threshold and slope to likenesses whose truth is known.

    The threshold lets `false_accepts` of the different pairs pass. The slope is the likeliest one with that threshold
    (logistic regression, both classes counting half, by Newton's method). Where the classes do not overlap the
    likeliest slope is infinite; as a few photos cannot prove that much, the truth is taken to be
    (photos + 1) / (photos + 2) instead of 1, and likewise for 0 (Platt, "Probabilistic Outputs for Support Vector
    Machines", 1999).

    Args:
        same: [N] likenesses of photos to the thing they show.
        different: [N′] likenesses of photos to the likeliest thing, where what they show is not known.
        false_accepts: 0–1.
        photos: how many different photos of each class the likenesses come from.
    """
    threshold = float(np.quantile(different, 1 - false_accepts))
    distance = np.concatenate([same, different]).astype(np.float64) - threshold
    certain = (photos + 1) / (photos + 2)
    truth = np.concatenate([np.full(len(same), certain), np.full(len(different), 1 - certain)])
    weights = np.concatenate([np.full(len(same), 0.5 / len(same)), np.full(len(different), 0.5 / len(different))])
    slope = 1.0
    for _ in range(_STEPS):
        probability = 1 / (1 + np.exp(-slope * distance))
        gradient = float(np.sum(weights * distance * (truth - probability)))
        curvature = float(np.sum(weights * distance**2 * probability * (1 - probability)))
        slope += gradient / max(curvature, 1e-9)
    return Calibration(threshold=threshold, slope=slope)


def threshold_growth(different: FloatArray, *, allowed: float = 0.0) -> float:
    """Return by how much a threshold has to grow with each tenfold number of known things.

    The tail of likenesses is taken for exponential between their quantiles 0.99 and 0.999, one decade apart: to keep
    the share of strangers that are named, the threshold then grows by the distance of the two for ten times as many
    things. `allowed` lets that share grow: by `allowed` decades with each tenfold number of things.

    Args:
        different: [N] likenesses of photos to single things that they do not show.
        allowed: 0 (the share stays the same) to 1 (the threshold does).
    """
    low, high = np.quantile(different, [0.99, 0.999])
    return float((high - low) * (1 - allowed))
