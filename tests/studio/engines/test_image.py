from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save

from pipelines.lora import LoraAdapter, LoraFactors
from pipelines.lora_files import LAYOUTS, LoraLabel, export_lora
from pipelines.mini.heads import HeadProbe
from pipelines.pigeon.conditioning import TasteAttention
from pipelines.pigeon.modeling_pigeon import PigeonEncoder
from pipelines.pigeon.pipeline_pigeon import write
from studio.engines.base import ImageJob, Style, Subject
from studio.engines.image import DiffusersImageEngine, personal_subjects, photo_cutouts
from studio.errors import InvalidInput, JobCancelled, ModelMissing
from tests.pipelines.mini.tiny_mini import SIZE, random_lora, save_pipeline, tiny_pipeline

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


class Told:
    """Notes what is reported; presses stop at a given report."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.shares: list[float] = []
        self.previews: list[Image.Image] = []
        self._stop_at = stop_at

    def __call__(self, share: float, message: str = "", preview: Image.Image | None = None) -> None:
        self.shares.append(share)
        if preview is not None:
            self.previews.append(preview)
        if len(self.shares) == self._stop_at:
            raise JobCancelled("stopped")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue, and beside it the base and the text encoder it names, at tiny size."""
    folder = tmp_path_factory.mktemp("models")
    pipeline = tiny_pipeline(folder / "minilm")
    save_pipeline(pipeline, folder / "mini")
    (folder / "lora.safetensors").write_bytes(random_lora(pipeline).to_bytes(torch.float32))
    card = {
        "model": "Keepsake tiny",
        "weights": WEIGHTS,
        "width": 4 * SIZE,
        "height": 4 * SIZE,
        "default_steps": 2,
        "default_guidance": 3.0,
        "scheduler": "Euler flow",
        "transparent": True,
        "personal": True,
    }
    (folder / "mini" / "studio.json").write_text(json.dumps(card))
    entries = {
        name: {"purpose": "test", "licence": "Apache-2.0", "sources": [{"local": name}]} for name in ("mini", "minilm")
    }
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": entries}))
    return folder


@pytest.fixture(scope="module")
def engine(folder: Path) -> DiffusersImageEngine:
    return DiffusersImageEngine("mini", models=str(folder / "models.yaml"), device="cpu")


def job(*seeds: int, adapter: bytes | None = None, fidelity: float = 1.0, count: int = 1) -> ImageJob:
    subjects = tuple(Subject(mention=f"bo{number}", kind="dog", adapter=adapter) for number in range(count))
    return ImageJob(prompt="a @bo0", subjects=subjects, seeds=seeds, steps=2, guidance=3.0, fidelity=fidelity)


def pixels(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(picture) for picture in pictures])


def test_heads_are_looked_for_where_the_base_has_a_probe_and_the_network_opens_late(folder: Path) -> None:
    probe = folder / "mini" / "library" / "head_probe.json"
    fresh = DiffusersImageEngine("mini", models=str(folder / "models.yaml"), device="cpu")
    assert fresh._head_finder() is None
    probe.parent.mkdir(exist_ok=True)
    HeadProbe(np.zeros(768, np.float32), 0.0).write(probe)
    try:
        finder = fresh._head_finder()  # the catalogue has no clip-vision, and nothing asks for it yet
        assert finder is not None
        with pytest.raises(ModelMissing, match="clip-vision"):
            finder(Image.new("RGBA", (8, 8), "red"))
    finally:
        probe.unlink()
        probe.parent.rmdir()


def test_capabilities_are_read_without_loading_weights(folder: Path, engine: DiffusersImageEngine) -> None:
    fresh = DiffusersImageEngine("mini", models=str(folder / "models.yaml"))
    abilities = fresh.capabilities()
    assert (abilities.model, abilities.width, abilities.transparent) == ("Keepsake tiny", 4 * SIZE, True)
    assert abilities.model_hash == hashlib.sha256((folder / "mini" / WEIGHTS).read_bytes()).hexdigest()[:10]
    assert fresh._pipeline is None


def test_pictures_are_transparent_and_depend_on_their_seed(engine: DiffusersImageEngine) -> None:
    told = Told()
    pictures = engine.generate(job(7, 8), told)
    assert [(picture.mode, picture.size) for picture in pictures] == [("RGBA", (4 * SIZE, 4 * SIZE))] * 2
    first, second = pixels(pictures)
    assert not np.array_equal(first, second)
    alone = pixels(engine.generate(job(8), Told()))[0]
    assert np.abs(alone.astype(int) - second).max() <= 1
    assert told.shares == sorted(told.shares) and (told.shares[0], told.shares[-1]) == (0.0, 1.0)
    assert {(preview.mode, preview.size) for preview in told.previews} == {("RGBA", (SIZE, SIZE))}
    assert len(told.previews) == 2


def test_a_personal_lora_counts_as_much_as_fidelity_says(folder: Path, engine: DiffusersImageEngine) -> None:
    adapter = (folder / "lora.safetensors").read_bytes()
    base = pixels(engine.generate(job(7), Told()))
    assert np.array_equal(pixels(engine.generate(job(7, adapter=adapter, fidelity=0.0), Told())), base)
    assert not np.array_equal(pixels(engine.generate(job(7, adapter=adapter), Told())), base)
    assert np.array_equal(pixels(engine.generate(job(7), Told())), base)


def test_a_taste_is_told_by_the_layers_that_are_shipped(folder: Path, engine: DiffusersImageEngine) -> None:
    assert not engine.capabilities().tastes
    unet = engine._loaded().unet
    attention = TasteAttention(unet, tokens=3, width=6)
    for layer in attention.layers.values():
        torch.nn.init.normal_(layer.to_v_ip[0].weight)
    encoder = PigeonEncoder(
        feature_dim=4, reference_dim=8, condition_dim=6, width=16, heads=2, blocks=1, tokens=3, history_length=4
    )
    write(folder / "pigeon", encoder, attention)
    entries = yaml.safe_load((folder / "models.yaml").read_text())
    entries["models"]["pigeon"] = {"purpose": "test", "licence": "Apache-2.0", "sources": [{"local": "pigeon"}]}
    (folder / "tasteful.yaml").write_text(yaml.safe_dump(entries))
    tasteful = DiffusersImageEngine("mini", models=str(folder / "tasteful.yaml"), device="cpu")
    assert tasteful.capabilities().tastes
    base = pixels(tasteful.generate(job(7, 8), Told()))
    told = dataclasses.replace(job(7, 8), taste=save({"tokens": torch.randn(1, 3, 6)}))
    assert not np.array_equal(pixels(tasteful.generate(told, Told())), base)
    assert np.array_equal(pixels(tasteful.generate(job(7, 8), Told())), base)


def test_stop_takes_effect_at_the_next_step(folder: Path, engine: DiffusersImageEngine) -> None:
    base = pixels(engine.generate(job(7), Told()))
    told = Told(stop_at=2)
    with pytest.raises(JobCancelled):
        engine.generate(job(7, adapter=(folder / "lora.safetensors").read_bytes()), told)
    assert len(told.shares) == 2
    assert np.array_equal(pixels(engine.generate(job(7), Told())), base)


def test_two_personal_subjects_are_drawn_together(folder: Path, engine: DiffusersImageEngine) -> None:
    adapter = (folder / "lora.safetensors").read_bytes()
    other = LoraFactors.from_bytes(adapter).scaled(-1).to_bytes(torch.float32)

    def of(*adapters: bytes) -> np.ndarray:
        subjects = tuple(Subject(mention=f"bo{at}", kind="dog", adapter=one) for at, one in enumerate(adapters))
        both = ImageJob(prompt="@bo0 and @bo1", subjects=subjects, seeds=(7,), steps=2, guidance=3.0, fidelity=1.0)
        return pixels(engine.generate(both, Told()))

    pictures = [of(adapter, other), of(other, adapter), of(adapter, adapter)]
    assert len({picture.tobytes() for picture in pictures}) == 3
    assert np.array_equal(of(adapter, other), pictures[0])


def test_subjects_come_with_their_words_in_the_order_of_the_prompt(folder: Path) -> None:
    lora = (folder / "lora.safetensors").read_bytes()
    bo = Subject(mention="bo", kind="dog", adapter=lora, cutouts=PHOTOS[:1])
    mug, plain = Subject(mention="cup", kind="", adapter=lora), Subject(mention="cat", kind="cat", adapter=None)
    found = personal_subjects(
        ImageJob(
            prompt="@cup with @bo and @cat", subjects=(bo, mug, plain), seeds=(4, 5), steps=2, guidance=3.0,
            fidelity=1.0, poses=("photo", "drawn"),
        )
    )  # fmt: skip
    assert [(one.words, one.lora is not None) for one in found] == [("thing", True), ("dog", True)]
    assert [list(one.cutouts) for one in found] == [[], [PHOTOS[0], None]]


def test_a_missing_model_gets_a_sentence(folder: Path, tmp_path: Path) -> None:
    catalogue = tmp_path / "models.yaml"
    catalogue.write_text((folder / "models.yaml").read_text())
    with pytest.raises(ModelMissing, match="mini"):
        DiffusersImageEngine("mini", models=str(catalogue)).capabilities()


def cutout(colour: str, size: tuple[int, int] = (24, 10)) -> Image.Image:
    picture = Image.new("RGBA", (32, 32))
    picture.paste(Image.new("RGBA", size, colour), (4, 4))
    return picture


PHOTOS = tuple(cutout(colour) for colour in ("red", "lime", "blue"))


def posed(
    *seeds: int, poses: tuple[str, ...], cutouts: tuple[Image.Image, ...] = PHOTOS, prompt: str = "a @bo"
) -> ImageJob:
    subjects = (
        Subject(mention="hat", kind="hat", adapter=None),
        Subject(mention="bo", kind="dog", adapter=None, cutouts=cutouts),
    )
    return ImageJob(prompt=prompt, subjects=subjects, seeds=seeds, steps=2, guidance=3.0, fidelity=1.0, poses=poses)


def cutouts_of(asked: ImageJob) -> list[Image.Image | None]:
    return list(photo_cutouts(asked.subjects[-1], asked))


def test_photos_take_turns_where_a_picture_follows_one() -> None:
    seeds = (0, 1, 2, 4, 5, 6)
    poses = ("photo", "drawn", "photo", "photo", "drawn", "photo")
    red, green, blue = PHOTOS
    assert cutouts_of(posed(*seeds, poses=poses)) == [red, None, green, blue, None, red]


def test_the_photo_depends_on_the_seed_and_not_on_the_batch() -> None:
    together = cutouts_of(posed(7, 8, 9, poses=("photo",) * 3))
    alone = [cutouts_of(posed(seed, poses=("photo",))) for seed in (7, 8, 9)]
    assert together == [picture for found in alone for picture in found]


def test_without_poses_or_cut_outs_everything_is_drawn_anew() -> None:
    assert cutouts_of(posed(1, 2, poses=())) == []
    assert cutouts_of(posed(1, 2, poses=("photo", "drawn"), cutouts=())) == []
    assert cutouts_of(job(1, 2)) == []


def test_poses_that_do_not_fit_the_seeds_are_no_job() -> None:
    with pytest.raises(ValueError, match="shorter"):
        cutouts_of(posed(1, 2, poses=("photo",)))


@pytest.fixture(scope="module")
def sketching(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> DiffusersImageEngine:
    """An engine whose model is shown sketches."""
    models = tmp_path_factory.mktemp("sketching")
    save_pipeline(tiny_pipeline(models / "minilm", sketches=True), models / "mini")
    for name in ("mini/studio.json", "models.yaml"):
        (models / name).write_text((folder / name).read_text())
    return DiffusersImageEngine("mini", models=str(models / "models.yaml"), device="cpu")


def test_a_picture_may_follow_a_photo(sketching: DiffusersImageEngine) -> None:
    photo, drawn = pixels(sketching.generate(posed(4, 5, poses=("photo", "drawn")), Told()))
    anew = pixels(sketching.generate(posed(4, 5, poses=("drawn", "drawn")), Told()))
    assert not np.array_equal(photo, anew[0])
    assert np.abs(drawn.astype(int) - anew[1]).max() <= 1
    assert np.array_equal(pixels(sketching.generate(posed(4, 5, poses=()), Told())), anew)


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_an_exported_lora_comes_back_as_a_style_with_the_same_picture(
    folder: Path, engine: DiffusersImageEngine, layout: str
) -> None:
    lora = LoraFactors.from_bytes((folder / "lora.safetensors").read_bytes())
    file = export_lora(lora, layout, LoraLabel(trigger="a dog"), torch.float32)
    fresh = DiffusersImageEngine("mini", models=str(folder / "models.yaml"))
    assert (fresh.read_style(file).layers, fresh._pipeline) == (len(lora.layers), None)
    base = pixels(engine.generate(job(7), Told()))
    with LoraAdapter(engine._loaded().unet, lora, scale=0.6):
        everywhere = pixels(engine.generate(job(7), Told()))
    styled = pixels(engine.generate(replace(job(7), style=Style(file=file, strength=0.6)), Told()))
    assert np.abs(styled.astype(int) - everywhere).max() <= 1
    assert not np.array_equal(styled, base)
    assert np.array_equal(pixels(engine.generate(job(7), Told())), base)


def test_a_style_that_was_stopped_or_does_not_fit_leaves_the_base(folder: Path, engine: DiffusersImageEngine) -> None:
    lora = LoraFactors.from_bytes((folder / "lora.safetensors").read_bytes())
    style = Style(file=export_lora(lora, "kohya", LoraLabel(), torch.float32), strength=1.0)
    base = pixels(engine.generate(job(7), Told()))
    with pytest.raises(JobCancelled):
        engine.generate(replace(job(7), style=style), Told(stop_at=2))
    with pytest.raises(InvalidInput, match="not a readable safetensors file"):
        engine.generate(replace(job(7), style=Style(file=b"x" * 40, strength=1.0)), Told())
    assert np.array_equal(pixels(engine.generate(job(7), Told())), base)
