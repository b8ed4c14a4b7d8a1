"""Whether photos show one and the same thing: which of them look alike, directly or by way of others.

Shape legend: N photos, D width of a look.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from pipelines.features.preprocessing import FloatArray

DEFAULT_CONFIG = Path(__file__).resolve().parents[2] / "configs" / "one_subject.yaml"


def load_threshold(config: Path = DEFAULT_CONFIG) -> float:
    """Read from which cosine on two photos may show one thing.

    Raises:
        FileNotFoundError: the file is missing.
        KeyError: it has no threshold.
    """
    return float(yaml.safe_load(config.read_text(encoding="utf-8"))["threshold"])


def groups_alike(looks: FloatArray, threshold: float) -> list[list[int]]:
    """Group photos so that each one looks like at least one other of its group (single linkage).

    A dog from the front and from behind may look unlike; a third photo from the side joins them. So one link is
    enough, and the threshold lies below all links that were measured between photos of one thing.

    Args:
        looks: [N, D], rows of length 1.
        threshold: least cosine of a link.

    Returns:
        Groups of indices, each in order; the largest first, of equally large ones the one with the first photo.
    """
    alike = looks @ looks.T >= threshold
    groups: list[list[int]] = []
    left = set(range(len(looks)))
    while left:
        reached, edge = set(), {min(left)}
        while edge:
            reached |= edge
            edge = {other for one in edge for other in left if alike[one, other]} - reached
        groups.append(sorted(reached))
        left -= reached
    return sorted(groups, key=lambda group: (-len(group), group[0]))
