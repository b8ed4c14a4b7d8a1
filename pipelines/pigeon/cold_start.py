"""Which two pictures to show somebody nothing is known of: the pair whose answer tells most (BALD, Houlsby 2011)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.evidence import Evidence
from pipelines.pigeon.features import PictureFeatures
from pipelines.pigeon.scorer import TasteScorer

PICKS = 8  # after which a taste is known well enough to begin with
_TRIED = 600


def information(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return the bits an answer is expected to tell, when the preference is normal with these moments [P].

    The answer's entropy less the entropy that stays if the preference were known, by Houlsby's approximation.
    """
    chance = 1 / (1 + np.exp(-mean / np.sqrt(1 + np.pi * spread**2 / 8)))
    chance = np.clip(chance, 1e-6, 1 - 1e-6)
    entropy = -(chance * np.log2(chance) + (1 - chance) * np.log2(1 - chance))
    # σ(x) ≈ Φ(x·√(π/8)), for which the expected entropy has a closed form
    scale = np.pi * np.log(2) / 2 * 8 / np.pi
    stays = np.sqrt(scale / (spread**2 + scale)) * np.exp(-(mean**2) / (2 * (spread**2 + scale)))
    told: np.ndarray = np.maximum(0.0, entropy - stays)
    return told


def next_pair(
    scorer: TasteScorer | None,
    pool: PictureFeatures,
    settings: TasteSettings,
    *,
    shown: Collection[int] = (),
    seed: int = 0,
) -> tuple[int, int]:
    """Choose the pair of the pool to ask about next.

    Args:
        scorer: what is known so far; None: nothing.
        pool: features of what may be shown.
        settings: the prior, for when nothing is known.
        shown: what was shown before; shown again only where too little else is left.
        seed: of the pairs that are tried.

    Raises:
        ValueError: fewer than two pictures.
    """
    if len(pool) < 2:
        raise ValueError(f"{len(pool)} pictures are no pair.")
    left = [place for place in range(len(pool)) if place not in shown]
    places = np.array(left if len(left) >= 2 else range(len(pool)))
    numbers = np.random.default_rng(seed)
    pairs = np.stack([numbers.choice(places, 2, replace=False) for _ in range(_TRIED if len(places) > 2 else 1)])
    known = scorer or TasteScorer.learn(pool, Evidence(rows=()), settings)
    mean, spread = known.difference(pool, pairs)
    one, other = pairs[int(np.argmax(information(mean, spread)))]
    return int(one), int(other)
