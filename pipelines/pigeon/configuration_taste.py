"""The prior of tastes, read from ``configs/taste.yaml``; written by ``python -m pipelines.pigeon.prior``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import yaml

from pipelines.features.preprocessing import FloatArray
from pipelines.pigeon.attributes import ATTRIBUTE_NAMES

DEFAULT_FILE = Path(__file__).resolve().parents[2] / "configs" / "taste.yaml"
CLIPPED = 3.0  # standard deviations
PRIOR = ("mean", "slope", "linear", "local", "width", "look", "temperature")


@dataclass(frozen=True)
class TasteSettings:
    """What is believed of a person before anything is known, learned from other people.

    Attributes:
        mean: latent preference for any picture.
        slope: of the probability over the latent preference; calibrates it.
        linear: standard deviation of the part that is linear in all attributes together.
        local: standard deviation of the part that is local in the attributes.
        width: of that part, in root mean square standard deviations of the attributes.
        look: standard deviation of the part that is local in the looks.
        temperature: of that part, in cosine.
        attributes: mean and spread of every attribute over the corpus.
        strength: of the tokens that the image engine is told beside the words, 0 (none) to 1 (as trained).
        alone: probability that somebody is like none of the people who share, see `pipelines.pigeon.minds`.
        kinship: how much of a like-minded person's weights is expected of somebody, above 0 and at most 1.
    """

    mean: float = -0.6
    slope: float = 1.3
    linear: float = 1.0
    local: float = 1.0
    width: float = 0.7
    look: float = 1.0
    temperature: float = 0.25
    attributes: Mapping[str, tuple[float, float]] | None = None
    strength: float = 0.0
    alone: float = 0.5
    kinship: float = 0.8

    @property
    def linear_variance(self) -> float:
        """Variance of the weight of one attribute."""
        return self.linear**2 / len(ATTRIBUTE_NAMES)

    @property
    def linear_alone(self) -> Self:
        """The same variance of the latent preference, all of it in the part that is linear in the attributes."""
        whole = float(np.sqrt(self.linear**2 + self.local**2 + self.look**2))
        return dataclasses.replace(self, linear=whole, local=0.0, look=0.0)

    @cached_property
    def means(self) -> FloatArray:
        """Mean of each attribute [A]."""
        return self._column(0, 0.0)

    @cached_property
    def spreads(self) -> FloatArray:
        """Standard deviation of each attribute [A]."""
        return np.maximum(1e-3, self._column(1, 1.0))

    def standardised(self, attributes: FloatArray) -> np.ndarray:
        """Return attributes in standard deviations from the mean of the corpus, clipped at ±3 [N, A]."""
        return np.clip((attributes - self.means) / self.spreads, -CLIPPED, CLIPPED)

    def _column(self, place: int, otherwise: float) -> FloatArray:
        known = self.attributes or {}
        return np.array([known[name][place] if name in known else otherwise for name in ATTRIBUTE_NAMES], np.float32)

    @classmethod
    def read(cls, file: Path = DEFAULT_FILE) -> Self:
        """Read a file.

        Raises:
            ValueError: a setting is unknown or an attribute is missing.
        """
        values: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        prior, attributes = values["prior"], values["attributes"]
        unknown = prior.keys() - set(PRIOR)
        missing = set(ATTRIBUTE_NAMES) - attributes.keys()
        if unknown or missing:
            what = f"unknown: {', '.join(sorted(unknown))}" if unknown else f"missing: {', '.join(sorted(missing))}"
            raise ValueError(f"{file} does not fit: {what}. Write it anew with python -m pipelines.pigeon.prior.")
        strength = float(values.get("tokens", {}).get("strength", 0.0))
        if not 0 <= strength <= 1:
            raise ValueError(f"{file}: the strength of tokens is {strength}; it must lie between 0 and 1.")
        minds = {name: float(value) for name, value in values.get("minds", {}).items()}
        if minds.keys() - {"alone", "kinship"} or any(not 0 < share <= 1 for share in minds.values()):
            raise ValueError(f"{file}: minds is {minds}; alone and kinship are possible, each above 0 and at most 1.")
        measured = {name: (float(low), float(high)) for name, (low, high) in attributes.items()}
        return cls(**prior, attributes=measured, strength=strength, **minds)
