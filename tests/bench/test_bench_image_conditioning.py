from __future__ import annotations

import numpy as np

from tests.bench.bench_image_conditioning import PAIRS, WAYS, _by_family, differences


def scores(value: float) -> dict[str, np.ndarray]:
    """Two prompts, four individuals, who differ much more than the ways do."""
    return {"meter": np.array([[0.1, 0.9, 0.5, 0.3], [0.2, 0.8, 0.5, 0.3]]) + value}


def test_differences_are_paired() -> None:
    found = {way.name: scores(0.01 * place) for place, way in enumerate(WAYS)}
    places = {way.name: place for place, way in enumerate(WAYS)}
    compared = differences(found)
    assert len(compared) == len(PAIRS)
    for (one, other), figures in zip(PAIRS, compared.values(), strict=True):
        mean, error = figures["meter"]
        assert np.isclose(mean, 0.01 * (places[one] - places[other])) and error < 1e-6


def test_families_are_told_apart() -> None:
    families = _by_family({"own LoRA": scores(0.0)}, ["dogs", "cats", "dogs", "cats"])
    assert families["dogs"]["own LoRA"]["meter"][0] == 0.325
    assert families["cats"]["own LoRA"]["meter"][0] == 0.575
    assert families["all"]["own LoRA"]["meter"][0] == 0.45
