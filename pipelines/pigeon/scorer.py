"""From a handful of liked and disliked pictures to how likely this person likes a new one, and why.

A Gaussian-process classifier by Laplace's approximation (Rasmussen and Williams 2006, ch. 3), whose prior is learned
from many other people (as FSPO, Singh et al. 2025, learns from many users to need few examples of a new one). Its
kernel is a sum: linear in the named attributes, which gives the reasons (as PrefPalette, Li et al. 2025); local in the
attributes and local in the looks, which keeps several interests apart instead of averaging them.
Shape legend: N pictures asked about, n pictures of the evidence, m rows of it, A attributes, D width of a look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from safetensors.numpy import load, save

from pipelines.features.preprocessing import FloatArray
from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.evidence import Evidence
from pipelines.pigeon.features import PictureFeatures
from pipelines.pigeon.samples import Contrast

UNIT = 0.6  # a leaning of 1 is so many logits for every standard deviation of an attribute
EDITED = 2.0  # standard deviations by which a leaning of 1, set by hand, tells liked pictures from others


@dataclass(frozen=True, eq=False)
class Scores:
    """What a taste says of N pictures.

    Attributes:
        probability: that the person likes it, 0–1 [N].
        logit: mean of the latent preference; compares pictures without the caution for what is unknown [N].
        uncertainty: standard deviation of the latent preference [N].
        reasons: logits that each named attribute adds or takes [N, A].
        nearest: the picture of the evidence that speaks most for it, −1 where none does [N].
    """

    probability: FloatArray
    logit: FloatArray
    uncertainty: FloatArray
    reasons: FloatArray
    nearest: np.ndarray


class TasteScorer:
    """A learned taste.

    Args:
        settings: the prior.
        known: features of the n pictures of the evidence.
        first: for each row of the evidence, the picture [m].
        second: for each row, the picture that was passed over; −1: none [m].
        signs: for each row, 1 or −1 [m].
        weights: for each row, above 0 [m].
        lean: weights of the attributes that are expected before the evidence, in logits for one standard deviation [A];
            None: nothing is, whichever way. See `pipelines.pigeon.minds`.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what is known of a person
        self,
        settings: TasteSettings,
        known: PictureFeatures,
        first: np.ndarray,
        second: np.ndarray,
        signs: FloatArray,
        weights: FloatArray,
        lean: FloatArray | None = None,
    ) -> None:
        self.settings, self.known, self.lean = settings, known, lean
        self._rows = {"first": first, "second": second, "signs": signs, "weights": weights}
        self._design = np.zeros((len(first), len(known)))
        for row, (one, other) in enumerate(zip(first, second, strict=True)):
            self._design[row, one] += 1
            if other >= 0:
                self._design[row, other] -= 1
        self._standard = self.standardised(known.attributes)
        self._solve(signs.astype(float), weights.astype(float))

    @classmethod
    def learn(cls, features: PictureFeatures, evidence: Evidence, settings: TasteSettings) -> TasteScorer:
        """Learn from evidence about pictures.

        Args:
            features: of all pictures that the evidence may name.
            evidence: see `pipelines.pigeon.evidence`.
            settings: the prior.
        """
        named = sorted({place for row in evidence.rows for place in (row.picture, row.other) if place is not None})
        places = {picture: place for place, picture in enumerate(named)}
        return cls(
            settings,
            features[np.array(named, int)],
            np.array([places[row.picture] for row in evidence.rows], int),
            np.array([-1 if row.other is None else places[row.other] for row in evidence.rows], int),
            np.array([1.0 if row.liked else -1.0 for row in evidence.rows], np.float32),
            np.array([row.weight for row in evidence.rows], np.float32),
        )

    @property
    def rows(self) -> int:
        """How many rows the evidence has."""
        return len(self._rows["signs"])

    @property
    def liked(self) -> tuple[np.ndarray, FloatArray]:
        """Places in `known` of the pictures that were liked by themselves, and how much each counts."""
        alone = (self._rows["signs"] > 0) & (self._rows["second"] < 0)
        return self._rows["first"][alone], self._rows["weights"][alone].astype(np.float32)

    def contrast(self, edits: Mapping[str, float] | None = None) -> Contrast:
        """Return how what was liked or picked differs from what was not.

        Args:
            edits: leanings that the person set themselves; they take the place of what was seen.
        """
        rows = self._rows
        standard = np.concatenate([self._standard, self.known.looks], axis=1)
        alone, weights = rows["second"] < 0, rows["weights"][:, None]
        sides = []
        for sign in (1, -1):
            mine = alone & (rows["signs"] == sign)
            chosen = standard[rows["first"][mine]] * weights[mine]
            sides.append((chosen.sum(axis=0) / max(1e-9, float(weights[mine].sum())), float(weights[mine].sum())))
        picked = (standard[rows["first"][~alone]] - standard[rows["second"][~alone]]) * weights[~alone]
        total, picks = sides[0][1] + sides[1][1], float(weights[~alone].sum())
        whole = ((sides[0][0] - sides[1][0]) * total + picked.sum(axis=0)) / max(1e-9, total + picks)
        attributes, looks = whole[: len(ATTRIBUTE_NAMES)], whole[len(ATTRIBUTE_NAMES) :]
        for name, leaning in (edits or {}).items():
            attributes[ATTRIBUTE_NAMES.index(name)] = EDITED * leaning
        return Contrast(attributes.astype(np.float32), looks.astype(np.float32))

    @property
    def leanings(self) -> dict[str, float]:
        """What was learned of each attribute: −1 (much rather its low end) to 1; ±1 is `UNIT` logits for one sd."""
        return {
            name: float(np.clip(weight / UNIT, -1, 1))
            for name, weight in zip(ATTRIBUTE_NAMES, self._linear, strict=True)
        }

    def score(self, features: PictureFeatures, edits: Mapping[str, float] | None = None) -> Scores:
        """Say how likely the person likes pictures.

        Args:
            features: of N pictures.
            edits: leanings that the person set themselves, −1 to 1; they take the place of what was learned.
        """
        standard = self.standardised(features.attributes)
        linear = self.weights(edits)
        local = self._local(features, standard)
        dual = self._design.T @ self._dual
        pulls = local * dual[None]
        mean = self.settings.mean + standard @ linear + pulls.sum(axis=1)
        variance = self._variance(features, standard, local)
        spread = self.settings.slope / np.sqrt(1 + np.pi * variance / 8)
        best = pulls.argmax(axis=1) if pulls.shape[1] else np.full(len(features), -1)
        there = pulls.max(axis=1, initial=-np.inf) > 0.02
        return Scores(
            probability=_sigmoid(spread * mean).astype(np.float32),
            logit=mean.astype(np.float32),
            uncertainty=np.sqrt(variance).astype(np.float32),
            reasons=(standard * linear).astype(np.float32),
            nearest=np.where(there, best, -1),
        )

    def difference(self, features: PictureFeatures, pairs: np.ndarray) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation of preference between the two pictures of each pair [P, 2]."""
        standard = self.standardised(features.attributes)
        local = self._local(features, standard)
        cross = local + standard @ self._standard.T * self.settings.linear_variance
        ones, others = pairs[:, 0], pairs[:, 1]
        told = cross @ (self._design.T @ self._dual) + self._leant(standard)
        mean = told[ones] - told[others]
        full = self._kernel(features, standard, features, standard)
        prior = full[ones, ones] + full[others, others] - 2 * full[ones, others]
        half = self._whiten @ (self._design @ cross.T)
        known = (half[:, ones] - half[:, others]) ** 2
        return mean.astype(np.float32), np.sqrt(np.maximum(1e-6, prior - known.sum(axis=0))).astype(np.float32)

    def standardised(self, attributes: FloatArray) -> np.ndarray:
        """Return attributes in standard deviations from the mean of the corpus, clipped at ±3 [N, A]."""
        return self.settings.standardised(attributes)

    def to_bytes(self) -> bytes:
        """Return what `from_bytes` reads: safetensors."""
        looks = {"attributes": self.known.attributes, "looks": self.known.looks.astype(np.float16)}
        lean = {} if self.lean is None else {"lean": np.asarray(self.lean, np.float32)}
        rows = {name: np.ascontiguousarray(rows) for name, rows in self._rows.items()}
        data: bytes = save({**looks, **lean, **rows})
        return data

    @classmethod
    def from_bytes(cls, data: bytes, settings: TasteSettings) -> TasteScorer:
        """Read a learned taste; it is solved anew, by the settings of now."""
        kept = load(data)
        known = PictureFeatures(kept["attributes"], kept["looks"].astype(np.float32))
        return cls(settings, known, kept["first"], kept["second"], kept["signs"], kept["weights"], kept.get("lean"))

    def again(self, *, settings: TasteSettings | None = None, lean: FloatArray | None = None) -> TasteScorer:
        """Return what the same evidence teaches by other settings, or where `lean` is expected before it."""
        rows = self._rows
        return TasteScorer(
            settings or self.settings, self.known, rows["first"], rows["second"], rows["signs"], rows["weights"], lean
        )

    def favour(self, leans: FloatArray) -> FloatArray:
        """Return by how many nats the evidence is likelier where each of K more leans is expected than it is now [K].

        The evidence is taken as normal around the mode, as Laplace's approximation does (Rasmussen and Williams 2006,
        eq. 3.32, its quadratic part): with z the targets that would give the same mode, B = (K + W⁻¹)⁻¹ and
        d the lean over the rows, the logarithm of N(z | μ + d, B⁻¹) / N(z | μ, B⁻¹) is dᵀB(z − μ) − ½ dᵀBd,
        where B(z − μ) is the dual.

        Args:
            leans: see the class [K, A].
        """
        expected = self._design @ self._standard @ np.asarray(leans, float).T
        doubt = ((self._whiten @ expected) ** 2).sum(axis=0)
        nats: FloatArray = (self._dual @ expected - doubt / 2).astype(np.float32)
        return nats

    def weights(self, edits: Mapping[str, float] | None = None) -> np.ndarray:
        """Return the weights of the attributes, in logits for one standard deviation; `edits` as in `score` [A]."""
        edits = edits or {}
        unknown = edits.keys() - set(ATTRIBUTE_NAMES)
        if unknown:
            raise ValueError(f"There is no attribute {sorted(unknown)[0]!r}; there are {', '.join(ATTRIBUTE_NAMES)}.")
        weights = self._linear.copy()
        for name, leaning in edits.items():
            weights[ATTRIBUTE_NAMES.index(name)] = UNIT * leaning
        return weights

    def _leant(self, standard: np.ndarray) -> np.ndarray:
        """Return what is expected of N pictures before the evidence, beside the mean of the prior [N]."""
        return np.zeros(len(standard)) if self.lean is None else standard @ self.lean

    def _local(self, features: PictureFeatures, standard: np.ndarray) -> np.ndarray:
        """Return the two local kernels between N pictures and those of the evidence [N, n]."""
        return _local_kernel(self.settings, features.looks, standard, self.known.looks, self._standard)

    def _kernel(
        self, one: PictureFeatures, one_standard: np.ndarray, other: PictureFeatures, other_standard: np.ndarray
    ) -> np.ndarray:
        local = _local_kernel(self.settings, one.looks, one_standard, other.looks, other_standard)
        return local + self.settings.linear_variance * one_standard @ other_standard.T

    def _variance(self, features: PictureFeatures, standard: np.ndarray, local: np.ndarray) -> np.ndarray:
        prior = self.settings.local**2 + self.settings.look**2
        prior = prior + self.settings.linear_variance * (standard**2).sum(axis=1)
        cross = local + self.settings.linear_variance * standard @ self._standard.T
        half = self._whiten @ (self._design @ cross.T)
        variance: np.ndarray = np.maximum(1e-6, prior - (half**2).sum(axis=0))
        return variance

    def _solve(self, signs: np.ndarray, weights: np.ndarray) -> None:
        """Find the mode by Newton's method (Rasmussen and Williams, algorithm 3.1, with weighted rows)."""
        kernel = self._design @ self._kernel(self.known, self._standard, self.known, self._standard) @ self._design.T
        mean = self.settings.mean * self._design.sum(axis=1) + self._design @ self._leant(self._standard)
        latent, dual = mean.copy(), np.zeros(len(signs))
        identity = np.eye(len(signs))
        for _ in range(60):
            chance = _sigmoid(signs * latent)
            curvature = np.maximum(1e-9, weights * chance * (1 - chance))
            root = np.sqrt(curvature)
            inner = identity + root[:, None] * kernel * root[None]
            target = curvature * (latent - mean) + weights * signs * (1 - chance)
            proposed = target - root * np.linalg.solve(inner, root * (kernel @ target))
            step = 0.6 * proposed + 0.4 * dual  # a damped step cannot swing between two sides
            moved = mean + kernel @ step
            change = float(np.abs(moved - latent).max(initial=0.0))
            latent, dual = moved, step
            if change < 1e-5:
                break
        chance = _sigmoid(signs * latent)
        root = np.sqrt(np.maximum(1e-9, weights * chance * (1 - chance)))
        lower = np.linalg.cholesky(identity + root[:, None] * kernel * root[None])
        self._whiten = np.linalg.solve(lower, np.diag(root)) if len(signs) else np.zeros((0, 0))
        self._dual = dual
        linear = self.settings.linear_variance * (self._design.T @ dual) @ self._standard
        self._linear = linear if self.lean is None else linear + self.lean


def _local_kernel(
    settings: TasteSettings, looks: FloatArray, standard: np.ndarray, other_looks: FloatArray, other: np.ndarray
) -> np.ndarray:
    apart = (standard**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None] - 2 * standard @ other.T
    near = np.exp(-np.maximum(0.0, apart) / (2 * settings.width**2 * standard.shape[1]))
    alike = np.exp((looks.astype(float) @ other_looks.T.astype(float) - 1) / settings.temperature)
    kernel: np.ndarray = settings.local**2 * near + settings.look**2 * alike
    return kernel


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -40, 40)))
