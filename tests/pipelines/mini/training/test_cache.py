from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderDC

from pipelines.mini.colours import in_greys
from pipelines.mini.data.writer import read_corpus
from pipelines.mini.training import cache
from tests.pipelines.mini.tiny_mini import AUTOENCODER, TEXT_LENGTH, TEXT_WIDTH, training_config

# 4 plain drawings, each also in greys and as a photo, 2 recolours, 2 scenes and their sketches; individuals are not
# captioned, comics not wanted
SHELVES = {"index": 4, "greys": 4, "photographed": 4, "recolours": 2, "scenes": 2, "scenes_sketches": 2}


@pytest.fixture
def out(data: Path, minilm: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    torch.manual_seed(0)
    AutoencoderDC(**AUTOENCODER, scaling_factor=0.5).save_pretrained(folder / "vae")
    cache.train(training_config(3), data, folder)
    return folder / "cache"


def test_latents_and_tokens_of_training_pictures_only(out: Path) -> None:
    assert json.loads((out / "shelves.json").read_text()) == list(SHELVES)
    for name, count in SHELVES.items():
        latents = np.load(out / f"{name}.npy")
        assert latents.shape == (count, 8, 4, 4) and np.isfinite(latents).all()
    tokens, lengths, samples = (np.load(out / f"{name}.npy") for name in ("tokens", "lengths", "samples"))
    captions = json.loads((out / "captions.json").read_text())
    assert tokens.shape == (len(captions), TEXT_LENGTH, TEXT_WIDTH)
    assert captions[0] == "" and lengths[0] == 2
    assert not tokens[np.arange(TEXT_LENGTH)[None] >= lengths[:, None]].any()
    assert np.bincount(samples[:, 2]).tolist() == [4 * 4, 2 * 2, 2]  # plain drawings, recolours, scenes
    assert samples[:, 1].min() > 0
    # the plain name is always among the captions that are kept
    for picture in {*range(4), *range(12, 16)}:
        kept = {captions[row] for row in samples[samples[:, 0] == picture, 1]}
        assert any(text.startswith("a ") and text.endswith(" mug") and len(text.split()) == 3 for text in kept)


def test_every_sample_has_a_sketch_of_its_own_thing(out: Path) -> None:
    samples = np.load(out / "samples.npy")
    pictures, _, parts, sketches = samples.T
    assert set(pictures[parts == 0]) == {0, 1, 2, 3}
    for picture, sketch in zip(pictures[parts == 0], sketches[parts == 0], strict=True):
        # in colours, in greys or as a photo; of red mugs there is another hand's drawing too
        assert sketch in {picture, 4 + picture, 8 + picture} or (picture, sketch) in {(0, 3), (3, 0)}
    assert len({sketch // 4 for sketch in sketches[parts == 0]}) == 3
    for picture, sketch in zip(pictures[parts == 1], sketches[parts == 1], strict=True):
        assert sketch in {picture - 12, 4 + picture - 12}  # the plain drawing, mostly in greys
    assert [*zip(pictures[parts == 2], sketches[parts == 2], strict=True)] == [(14, 16), (15, 17)]


@pytest.fixture
def index(data: Path) -> tuple[np.ndarray, list[dict]]:
    [found] = read_corpus(data, ["index"])
    return found


def test_sketches_come_in_the_shares_asked_for(index: tuple[np.ndarray, list[dict]]) -> None:
    pictures, records = index
    many = [{**record, "captions": [f"caption {n}" for n in range(4)]} for record in records[:4]]
    found: list[np.ndarray] = []
    for seed in range(60):
        parts = {name: (pictures, many if name != "scenes" else []) for name in cache.CAPTIONS}
        kept = {name: list(range(len(part[1]))) for name, part in parts.items()}
        found.append(cache._samples(parts, kept, np.random.default_rng(seed))[1])
    samples = np.concatenate(found)
    plain, recoloured = (samples[samples[:, 2] == part, 3] for part in (0, 1))
    shares = cache.SKETCHES_OF_DRAWINGS
    assert np.mean(plain // 4 == 1) == pytest.approx(shares["greys"], abs=0.05)
    assert np.mean(plain // 4 == 2) == pytest.approx(shares["photographed"], abs=0.05)
    assert np.mean(recoloured // 4 == 1) == pytest.approx(cache.SKETCHES_OF_RECOLOURS["greys"], abs=0.05)
    for weights in (cache.SKETCHES_OF_DRAWINGS, cache.SKETCHES_OF_RECOLOURS):
        assert sum(weights.values()) == pytest.approx(1)


def test_a_shelf_changes_what_it_reads(index: tuple[np.ndarray, list[dict]]) -> None:
    pictures, _ = index
    plain = cache.Shelf("index", pictures, [0, 2, 3])
    assert np.array_equal(plain.read(slice(1, 3)), pictures[[2, 3]])
    grey = cache.Shelf("greys", pictures, [0, 2], lambda picture, _: in_greys(picture)).read(slice(0, 64))
    assert np.array_equal(grey, np.stack([in_greys(pictures[row]) for row in (0, 2)]))
    photos = [cache._photographed(1, np.asarray(pictures[0]), row) for row in (0, 0, 1)]
    assert np.array_equal(photos[0], photos[1]) and not np.array_equal(photos[0], photos[2])


def test_what_is_there_is_kept_and_what_does_not_fit_is_made_anew(out: Path, data: Path) -> None:
    whole = np.load(out / "greys.npy")
    marked = np.load(out / "index.npy")
    marked[0] = 7
    np.save(out / "index.npy", marked)
    np.save(out / "greys.npy", whole[:1])
    cache.train(training_config(3), data, out.parent)
    assert np.array_equal(np.load(out / "index.npy"), marked)
    np.testing.assert_allclose(np.load(out / "greys.npy"), whole, atol=1e-3)
