"""Many interests: a taste as a mixture over clusters of what was liked (kNN-Embed, El-Kishky et al. 2022).

Shape legend: n pictures, k interests, E width of an embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.features.preprocessing import FloatArray, normalise_rows

MOST_INTERESTS = 5
_MEMBERS = 3  # fewer pictures than this are no interest of their own
_APART = 0.15  # 1 − cosine: centres that are nearer to each other are of one interest, however tidy the cut
_WORTHWHILE = 0.08  # silhouette by which a further interest has to be clearer than one fewer


@dataclass(frozen=True, eq=False)
class Interests:
    """A mixture.

    Attributes:
        shares: of each interest, summing to 1, the largest first [k].
        centres: of length 1 [k, E].
        members: which interest each picture belongs to [n].
    """

    shares: FloatArray
    centres: FloatArray
    members: np.ndarray

    def __len__(self) -> int:
        return len(self.shares)


def find_interests(embeddings: FloatArray, weights: FloatArray, *, most: int = MOST_INTERESTS) -> Interests:
    """Cluster what was liked; as many interests as the pictures clearly fall into.

    Args:
        embeddings: of liked pictures, of length 1 [n, E], n at least 1.
        weights: how much each counts, above 0 [n].
        most: interests at most; 1 gives the mean taste.

    Raises:
        ValueError: no picture.
    """
    if not len(embeddings):
        raise ValueError("No liked picture, so there are no interests to find.")
    best, best_quality = _clustered(embeddings, weights, 1), 0.0
    for count in range(2, min(most, len(embeddings) // _MEMBERS) + 1):
        found = _clustered(embeddings, weights, count)
        alike = found.centres @ found.centres.T - 2 * np.eye(count)
        if np.bincount(found.members, minlength=count).min() < _MEMBERS or alike.max() > 1 - _APART:
            continue
        quality = _silhouette(embeddings, found.members)
        if quality > best_quality + (_WORTHWHILE if len(best) == 1 else 0.01):
            best, best_quality = found, quality
    return best


def smoothed(shares: FloatArray, neighbours: FloatArray, share: float) -> FloatArray:
    """Mix a person's shares with those of like-minded people who agreed to that (eq. of kNN-Embed).

    Args:
        shares: p(c|u) over the same clusters for everybody [k].
        neighbours: p(c|u') of the nearest people [m, k]; m may be 0.
        share: λ in 0–1, how much the neighbours count.
    """
    if not len(neighbours) or share <= 0:
        return shares
    mixed: FloatArray = ((1 - share) * shares + share * neighbours.mean(axis=0)).astype(np.float32)
    return mixed


def allocate(count: int, shares: Sequence[float] | FloatArray) -> list[int]:
    """Deal `count` candidates out to interests in proportion to their shares, by largest remainders.

    Where there are enough candidates every interest gets one, so that minority tastes survive.
    """
    wanted = np.asarray(shares, float) / max(1e-9, float(np.sum(shares)))
    spare = count - len(wanted) if count >= len(wanted) else count
    dealt = np.ones(len(wanted), int) if count >= len(wanted) else np.zeros(len(wanted), int)
    quotas = np.maximum(0.0, wanted * count - dealt)
    quotas = quotas * spare / max(1e-9, quotas.sum()) if quotas.sum() else wanted * spare
    dealt += np.floor(quotas).astype(int)
    for place in np.argsort(-(quotas - np.floor(quotas)), kind="stable")[: count - int(dealt.sum())]:
        dealt[place] += 1
    return [int(number) for number in dealt]


def _clustered(embeddings: FloatArray, weights: FloatArray, count: int) -> Interests:
    """Spherical k-means from seeds that are far from each other; the same pictures give the same interests."""
    centres = [normalise_rows((embeddings * weights[:, None]).sum(axis=0, keepdims=True))[0]]
    if count > 1:
        centres = [embeddings[int(np.argmax(embeddings @ centres[0]))]]
    while len(centres) < count:
        centres.append(embeddings[int(np.argmin(np.max(embeddings @ np.stack(centres).T, axis=1)))])
    centre, members = np.stack(centres), np.zeros(len(embeddings), int)
    for _ in range(20):
        members = np.argmax(embeddings @ centre.T, axis=1)
        mask = (members[None] == np.arange(count)[:, None]) * weights[None]
        moved = normalise_rows(mask @ embeddings)
        moved = np.where(mask.sum(axis=1, keepdims=True) > 0, moved, centre)
        if np.allclose(moved, centre):
            break
        centre = moved
    masses = np.bincount(members, weights=weights, minlength=count)
    order = np.argsort(-masses, kind="stable")
    return Interests(
        (masses[order] / max(1e-9, masses.sum())).astype(np.float32),
        centre[order].astype(np.float32),
        np.argsort(order)[members],
    )


def _silhouette(embeddings: FloatArray, members: np.ndarray) -> float:
    distances = 1 - embeddings @ embeddings.T
    inside, outside = np.zeros(len(members)), np.full(len(members), np.inf)
    for cluster in np.unique(members):
        chosen = members == cluster
        mean = distances[:, chosen].sum(axis=1)
        inside = np.where(chosen, mean / max(1, chosen.sum() - 1), inside)
        outside = np.where(chosen, outside, np.minimum(outside, mean / chosen.sum()))
    return float(np.mean((outside - inside) / np.maximum(1e-9, np.maximum(outside, inside))))
