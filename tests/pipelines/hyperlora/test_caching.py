from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.hyperlora import caching
from pipelines.hyperlora.caching import CacheMismatch, cache_latents, cache_references, cache_texts
from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.references import TOKEN_COUNT, TOKEN_DIM, reference_tokens
from tests.pipelines.hyperlora.tiny_base import TinyBase, write_identities
from tests.pipelines.hyperlora.tiny_hyperlora import PixelEncoder


@pytest.fixture
def views(tmp_path: Path) -> IdentityViews:
    torch.set_num_threads(1)
    write_identities(tmp_path)
    return IdentityViews.read(tmp_path)


class Counting(PixelEncoder):
    def __init__(self) -> None:
        self.seen = 0

    def tokens(self, images):
        self.seen += len(images)
        return super().tokens(images)


def test_references_are_encoded_once(views: IdentityViews, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "_CHUNK", 2)
    encoder = Counting()
    cached = cache_references(views, encoder, 2, tmp_path / "cache", seed=0)
    assert cached.shape == (5, 2, TOKEN_COUNT, TOKEN_DIM) and encoder.seen == 10
    clean = reference_tokens([views.picture(0)], PixelEncoder())[0]
    np.testing.assert_allclose(cached[0, 0].astype(np.float32), clean, atol=0.02)
    assert np.abs(cached[0, 1].astype(np.float32) - clean).max() > 0.1
    cache_references(views, encoder, 2, tmp_path / "cache", seed=0)
    assert encoder.seen == 10
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"references.npy"}


def test_an_interrupted_run_keeps_what_is_done(
    views: IdentityViews, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caching, "_CHUNK", 2)

    class Interrupted(Counting):
        def tokens(self, images):
            if self.seen:
                raise KeyboardInterrupt
            return super().tokens(images)

    with pytest.raises(KeyboardInterrupt):
        cache_references(views, Interrupted(), 2, tmp_path / "cache", seed=0)
    encoder = Counting()
    parts = cache_references(views, encoder, 2, tmp_path / "cache", seed=0)
    assert encoder.seen == 6
    np.testing.assert_array_equal(parts, cache_references(views, Counting(), 2, tmp_path / "other", seed=0))


def test_latents_and_texts(views: IdentityViews, tmp_path: Path) -> None:
    base = TinyBase()
    latents = cache_latents(views, base, tmp_path / "cache", batch=4)
    assert latents.shape == (15, 4, 8, 8)
    np.testing.assert_allclose(latents[3], base.encode_pictures(views.pictures[3:4].copy())[0], atol=1e-3)
    conditions, rows = cache_texts(views, base, tmp_path / "cache")
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"latents.npy", "texts.safetensors"}
    texts = ["", "a block", "a block, view 1", "a block, view 2"]
    torch.testing.assert_close(conditions["tokens"], base.encode_text(texts)["tokens"])
    np.testing.assert_array_equal(rows[:3], [1, 2, 3])


def test_sketches_are_encoded_beside_the_views(tmp_path: Path) -> None:
    write_identities(tmp_path, sketches=True)
    views, base = IdentityViews.read(tmp_path), TinyBase()
    assert views.sketches is not None
    latents, sketches = (
        cache_latents(views, base, tmp_path / "cache", what, batch=4) for what in ("latents", "sketches")
    )
    assert sketches.shape == latents.shape
    np.testing.assert_allclose(sketches[3], base.encode_pictures(views.sketches[3:4].copy())[0], atol=1e-3)
    np.testing.assert_allclose(latents[3], base.encode_pictures(views.pictures[3:4].copy())[0], atol=1e-3)
    assert not np.array_equal(sketches, latents)
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"latents.npy", "sketches.npy"}


def test_sketches_that_there_are_not_are_not_made_up(views: IdentityViews, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no sketches"):
        cache_latents(views, TinyBase(), tmp_path / "cache", "sketches")


def test_a_cache_of_another_corpus_gets_a_sentence(views: IdentityViews, tmp_path: Path) -> None:
    cache_references(views, PixelEncoder(), 1, tmp_path / "cache", seed=0)
    with pytest.raises(CacheMismatch, match=r"holds \[5, 1, 50, 832\] but the corpus needs \[5, 2\]; delete"):
        cache_references(views, PixelEncoder(), 2, tmp_path / "cache", seed=0)
