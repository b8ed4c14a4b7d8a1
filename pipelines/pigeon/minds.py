"""What like-minded people lend a taste of which little is known: a prior, mixed by how likely they make its evidence.

Hierarchical Bayes with a finite mixture (Gelman et al., *Bayesian Data Analysis*, 3rd ed., ch. 5 and 22). Before
anything is known, a new person's taste is, with probability `TasteSettings.alone`, one as anybody's (the Gaussian
process of `pipelines.pigeon.scorer`), and else the same process around `kinship` times the weights of one of the
people who lend theirs, each person as likely as the other. The evidence turns these into responsibilities ρ, by its
marginal likelihood under each. Were the likelihood normal, the posterior mean would be linear in the prior mean, and
Σ ρₖ E[f | evidence, k] the fit with the one prior mean Σ ρₖ mₖ: that fit is made here, by Laplace's approximation.
The spread of the people around that mean is left out, which makes probabilities a little too bold.

People give nothing but weights of named attributes: no picture, no look, no reaction.
Shape legend: A attributes, P people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.features.preprocessing import FloatArray
from pipelines.pigeon.attributes import ATTRIBUTE_NAMES
from pipelines.pigeon.scorer import TasteScorer

LIKE_MINDED = 3.0  # Bayes factor from which evidence is called positive (Kass and Raftery 1995, §3.2)


@dataclass(frozen=True, eq=False)
class Company:
    """What a crowd makes of a person.

    Attributes:
        lean: weights to expect of the person before their evidence, in logits for one standard deviation [A].
        responsibilities: ρ of each person, without what stays with nobody's taste [P].
        factors: Bayes factor of each person against nobody's taste [P].
    """

    lean: FloatArray
    responsibilities: np.ndarray
    factors: np.ndarray

    @property
    def like_minded(self) -> int:
        """How many people the evidence speaks for."""
        return int((self.factors >= LIKE_MINDED).sum())


def lent_weights(scorer: TasteScorer, edits: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return what a person gives of their taste: the weight of every attribute, in logits for one standard deviation.

    The evidence is fitted anew by a model that is linear in the attributes and has all of the variance: in the scorer,
    kernels over the looks of their pictures explain a part, and of these nothing is given.

    Args:
        scorer: of the person, who expects nothing yet.
        edits: leanings that they set themselves; they take the place of what was learned.
    """
    fitted = scorer.again(settings=scorer.settings.linear_alone).weights(edits)
    return {name: round(float(weight), 4) for name, weight in zip(ATTRIBUTE_NAMES, fitted, strict=True)}


def keep_company(scorer: TasteScorer, crowd: Sequence[Sequence[Mapping[str, float]]]) -> Company:
    """Return what a crowd makes of somebody; a taste without evidence is like everybody's, and gets nothing.

    Args:
        scorer: of the person, who expects nothing yet.
        crowd: for each of P people what they give, see `lent_weights`; of several tastes of one person each is as
            likely as the other, and together they count as one.

    Raises:
        ValueError: an attribute is missing, or a weight is no number.
    """
    people = [np.stack([_read(lent) for lent in tastes]) for tastes in crowd if tastes]
    if not people or not scorer.rows:
        return Company(np.zeros(len(ATTRIBUTE_NAMES), np.float32), np.zeros(len(people)), np.ones(len(people)))
    leans = scorer.settings.kinship * np.concatenate(people)
    whose = np.repeat(np.arange(len(people)), [len(tastes) for tastes in people])
    nats = scorer.favour(leans).astype(float)
    within = 1 / np.array([len(tastes) for tastes in people])[whose]
    most = max(0.0, float(nats.max()))  # so that no exponential is too large
    alone = scorer.settings.alone
    shares = (1 - alone) / len(people) * within * np.exp(nats - most)
    shares /= alone * np.exp(-most) + shares.sum()
    return Company(
        lean=(shares @ leans).astype(np.float32),
        responsibilities=np.bincount(whose, shares),
        factors=np.bincount(whose, within * np.exp(np.minimum(nats, 700.0))),
    )


def _read(lent: Mapping[str, float]) -> FloatArray:
    missing = set(ATTRIBUTE_NAMES) - lent.keys()
    if missing:
        raise ValueError(f"What was lent has no weight of {sorted(missing)[0]!r}; it is of another version.")
    weights: FloatArray = np.array([lent[name] for name in ATTRIBUTE_NAMES], np.float32)
    if not np.isfinite(weights).all():
        raise ValueError("What was lent has weights that are no numbers.")
    return weights
