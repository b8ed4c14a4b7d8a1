from __future__ import annotations

import pytest
import torch
from PIL import Image

from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.own_views import PRIOR
from tests.bench.baselines.own_rows import OUTSIDE_WEIGHT, OwnRows, diffusion_error
from tests.pipelines.mini.tiny_mini import tiny_pipeline


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedBase:
    torch.set_num_threads(1)
    return EmbeddedBase(tiny_pipeline(tmp_path_factory.mktemp("minilm"), sketches=True), "tiny@0")


@pytest.fixture(scope="module")
def own(base: EmbeddedBase) -> OwnRows:
    cutout = Image.new("RGBA", (80, 60))
    cutout.paste((220, 60, 40, 255), (8, 8, 40, 52))
    cutout.paste((40, 60, 220, 255), (40, 8, 72, 52))
    return OwnRows.of(base, [cutout], "dog", ("#dc3c28", "#283cdc"))


def test_a_thing_is_seen_straight_and_in_the_mirror(base: EmbeddedBase, own: OwnRows) -> None:
    half = len(own.latents) // 2
    straight, mirrored = (base.decode(part) for part in (own.latents[:half], own.latents[half:]))
    assert own.captions[:half] == own.captions[half:] and len(own.captions) == 2 * half
    assert straight[0].tobytes() != mirrored[0].tobytes()
    torch.testing.assert_close(own.weights[:half].flip(2), own.weights[half:])
    assert own.weights.min() >= OUTSIDE_WEIGHT and own.weights.max() <= 1


def test_about_half_of_the_rows_are_shown_without_colours(own: OwnRows) -> None:
    assert (own.coloured - own.greys).abs().amax(dim=(1, 2, 3)).min() > 1e-4
    batch = own.draw(200, torch.Generator().manual_seed(0))
    grey = (batch.sketches == own.greys[batch.captions]).flatten(1).all(dim=1)
    assert 70 < grey.sum() < 130
    torch.testing.assert_close(batch.sketches[~grey], own.coloured[batch.captions][~grey])
    torch.testing.assert_close(batch.latents, own.latents[batch.captions])


def test_the_class_is_seen_as_the_library_draws_it(base: EmbeddedBase) -> None:
    rows = OwnRows.of_class(base, "dog")
    assert len(rows.latents) == PRIOR == len(rows.captions)
    torch.testing.assert_close(rows.latents, rows.coloured)


def test_the_error_depends_on_the_seed_and_the_words(base: EmbeddedBase, own: OwnRows) -> None:
    batch = own.draw(4, torch.Generator().manual_seed(0))

    def error(caption: str, seed: int) -> float:
        with torch.no_grad():
            text = base.encode_text([caption] * 4)
            return float(diffusion_error(base, batch, text, torch.Generator().manual_seed(seed)))

    assert error("a dog", 1) == error("a dog", 1)
    assert len({error("a dog", 1), error("a dog", 2), error("a red boot", 1)}) == 3
