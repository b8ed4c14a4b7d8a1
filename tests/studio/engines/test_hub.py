from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.lora import Factor, LoraFactors, layer_table
from pipelines.lora_files import LAYOUTS, LoraLabel, export_lora
from pipelines.safetensors_bytes import write_tensors
from pipelines.text_to_image import denoiser
from studio.engines.base import ImageJob, Style, Subject
from studio.engines.hub import HubImageEngine
from studio.errors import InvalidInput, JobCancelled, ModelMissing
from tests.pipelines.tiny_hub_models import SIZE, TINY, write_model


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


@pytest.fixture(scope="module", params=list(TINY))
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> HubImageEngine:
    """An engine of every family, its model loaded once."""
    folder = write_model(request.param, tmp_path_factory.mktemp(request.param))
    return HubImageEngine(model=str(folder), width=SIZE, height=SIZE, steps=2, guidance=3.0, personal=True)


def job(*seeds: int, adapter: bytes | None = None, fidelity: float = 1.0, count: int = 1) -> ImageJob:
    names = [f"bo{number}" for number in range(count)]
    subjects = tuple(Subject(mention=name, kind="dog", adapter=adapter) for name in names)
    return ImageJob(prompt="a dog", subjects=subjects, seeds=seeds, steps=2, guidance=3.0, fidelity=fidelity)


def pixels(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(picture) for picture in pictures])


def lora_of(engine: HubImageEngine, strength: float = 0.5) -> bytes:
    component, module = denoiser(engine._loaded())
    noise = torch.Generator().manual_seed(0)
    layers = {}
    for spec in layer_table(module):
        down = torch.randn(2, spec.in_features, generator=noise)
        layers[spec.name] = Factor(down, strength * torch.randn(spec.out_features, 2, generator=noise))
    return LoraFactors(layers, component=component).to_bytes(torch.float32)


def test_pictures_are_opaque_and_depend_on_their_seed_alone(engine: HubImageEngine) -> None:
    told = Told()
    together = pixels(engine.generate(job(7, 8), told))
    assert together.shape == (2, SIZE, SIZE, 4)
    assert (together[..., 3] == 255).all()
    assert not np.array_equal(together[0], together[1])
    assert np.array_equal(pixels(engine.generate(job(8), Told()))[0], together[1])
    assert told.shares == sorted(told.shares)
    assert (told.shares[0], told.shares[-1]) == (0.0, 1.0)


def test_every_step_shows_a_picture(engine: HubImageEngine) -> None:
    told = Told()
    engine.generate(job(7), told)
    assert len(told.previews) >= 2
    assert {(preview.mode, preview.size) for preview in told.previews} == {("RGBA", (SIZE, SIZE))}


def same_picture(one: np.ndarray, other: np.ndarray) -> bool:
    """Say whether they differ by rounding alone: weights that lie elsewhere in memory may take another CPU kernel."""
    return int(np.abs(one.astype(int) - other).max()) <= 1


def test_a_personal_lora_changes_the_picture_and_is_gone_afterwards(engine: HubImageEngine) -> None:
    base = pixels(engine.generate(job(7), Told()))
    before = {name: value.clone() for name, value in denoiser(engine._loaded())[1].state_dict().items()}
    adapter = lora_of(engine)
    personal = pixels(engine.generate(job(7, adapter=adapter), Told()))
    half = pixels(engine.generate(job(7, adapter=adapter, fidelity=0.5), Told()))
    assert not np.array_equal(personal, base)
    assert not np.array_equal(half, personal)
    assert same_picture(pixels(engine.generate(job(7, adapter=adapter, fidelity=0.0), Told())), base)
    after = denoiser(engine._loaded())[1].state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert same_picture(pixels(engine.generate(job(7), Told())), base)


def test_stopping_leaves_the_base_as_it_was(engine: HubImageEngine) -> None:
    base = pixels(engine.generate(job(7), Told()))
    told = Told(stop_at=2)
    with pytest.raises(JobCancelled):
        engine.generate(job(7, adapter=lora_of(engine)), told)
    assert len(told.shares) == 2
    assert same_picture(pixels(engine.generate(job(7), Told())), base)


def test_a_lora_for_another_model_gets_a_sentence(engine: HubImageEngine) -> None:
    component, _ = denoiser(engine._loaded())
    foreign = LoraFactors({"other.to_q": Factor(torch.ones(1, 4), torch.ones(4, 1))}, component=component)
    with pytest.raises(InvalidInput, match=r"other\.to_q.*option personal"):
        engine.generate(job(7, adapter=foreign.to_bytes()), Told())


def test_two_personal_subjects_share_the_picture(engine: HubImageEngine) -> None:
    before = pixels(engine.generate(job(7), Told()))
    lora = LoraFactors.from_bytes(lora_of(engine))
    adapters = [lora.to_bytes(torch.float32), lora.scaled(-1.0).to_bytes(torch.float32)]

    def of(*chosen: bytes) -> np.ndarray:
        subjects = tuple(Subject(mention=f"bo{at}", kind="dog", adapter=one) for at, one in enumerate(chosen))
        both = ImageJob(prompt="@bo0 and @bo1", subjects=subjects, seeds=(7,), steps=2, guidance=3.0, fidelity=1.0)
        return pixels(engine.generate(both, Told()))

    forth, back = of(*adapters), of(*reversed(adapters))
    assert not same_picture(forth, back)
    assert same_picture(of(*adapters), forth)
    assert same_picture(pixels(engine.generate(job(7), Told())), before)


def test_an_unknown_form_of_guidance_gets_a_sentence(tmp_path: Path) -> None:
    engine = HubImageEngine(model=str(tmp_path / "nothing"), form="best")
    with pytest.raises(InvalidInput, match="no form of guidance 'best'"):
        engine.generate(job(7), Told())


def test_capabilities_come_from_the_index(tmp_path: Path) -> None:
    folder = write_model("sdxl", tmp_path / "one")
    abilities = HubImageEngine(model=str(folder), width=SIZE, height=2 * SIZE, steps=9).capabilities()
    assert (abilities.scheduler, abilities.default_steps) == ("EulerDiscrete", 9)
    assert (abilities.width, abilities.height) == (SIZE, 2 * SIZE)
    assert not abilities.transparent and not abilities.personal
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    assert HubImageEngine(model=str(folder)).capabilities().model_hash != abilities.model_hash


def test_weights_that_could_carry_code_are_not_read(tmp_path: Path) -> None:
    folder = write_model("sd15", tmp_path)
    for weights in (folder / "unet").glob("*.safetensors"):
        weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(ModelMissing, match="cannot be read"):
        HubImageEngine(model=str(folder), width=SIZE, height=SIZE).generate(job(7), Told())


def test_a_pipeline_with_code_of_its_own_is_refused(tmp_path: Path) -> None:
    folder = write_model("sd15", tmp_path)
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": ["mine", "MyPipeline"]}))
    with pytest.raises(ModelMissing, match="code of its own"):
        HubImageEngine(model=str(folder)).capabilities()


def test_a_model_that_is_nowhere_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPSAKE_OFFLINE", "1")
    with pytest.raises(ModelMissing, match=r"nobody/nothing@main is neither a folder nor to be had from"):
        HubImageEngine(model="nobody/nothing").capabilities()
    with pytest.raises(ModelMissing, match=r"model_index\.json"):
        HubImageEngine(model=str(tmp_path)).capabilities()


@pytest.mark.parametrize(("option", "value"), [("width", 100), ("height", 0), ("dtype", "int8")])
def test_options_are_checked(option: str, value: object) -> None:
    with pytest.raises(InvalidInput, match=f"{option} is {value!r}"):
        HubImageEngine(model="x", **{option: value})


def test_an_exported_lora_comes_back_as_a_style_with_the_same_picture(engine: HubImageEngine) -> None:
    adapter = lora_of(engine, strength=0.3)
    lora = LoraFactors.from_bytes(adapter)
    base = pixels(engine.generate(job(7), Told()))
    personal = pixels(engine.generate(job(7, adapter=adapter), Told()))  # with fidelity 1 everywhere as well
    for layout in LAYOUTS if lora.component == "unet" else ("diffusers",):
        file = export_lora(lora, layout, LoraLabel(trigger="a dog"), torch.float32)
        read = engine.read_style(file)
        assert (read.trigger, read.layers, read.left_out) == ("a dog", len(lora.layers), ())
        styled = pixels(engine.generate(replace(job(7), style=Style(file=file, strength=1.0)), Told()))
        assert np.abs(styled.astype(int) - personal).max() <= 1
        assert not np.array_equal(styled, base)
    both = replace(job(7, adapter=adapter, fidelity=0.5, count=2), style=Style(file=file, strength=0.5))
    assert engine.generate(both, Told())[0].size == (SIZE, SIZE)
    assert np.array_equal(pixels(engine.generate(job(7), Told())), base)


def test_a_style_for_another_base_gets_a_sentence(engine: HubImageEngine) -> None:
    name = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    down, up = torch.ones(2, 2048), torch.ones(640, 2)
    file = write_tensors({f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}, {})
    for use in (
        engine.read_style,
        lambda data: engine.generate(replace(job(7), style=Style(file=data, strength=1.0)), Told()),
    ):
        with pytest.raises(InvalidInput, match="seems to be made for SDXL, but the studio draws with"):
            use(file)
