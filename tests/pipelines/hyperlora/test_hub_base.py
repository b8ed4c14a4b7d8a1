from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from pipelines.hub_models import HubModel
from pipelines.hyperlora import train
from pipelines.hyperlora.configuration_hyperlora import TrainingConfig
from pipelines.hyperlora.hub_base import HubBase, UnsupportedBase
from pipelines.hyperlora.modeling_hyperlora import HyperLora
from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.hyperlora.training import Trainer, TrainingData
from tests.pipelines.hyperlora.tiny_base import write_identities
from tests.pipelines.hyperlora.tiny_hyperlora import SIZES, PixelEncoder, cutout
from tests.pipelines.tiny_hub_models import SIZE, TINY, write_model

CONFIG = TrainingConfig(
    model=SIZES, steps=2, batch=2, warmup=1, log_every=1, sample_every=2, save_every=2, sample_steps=2, precision="no"
)


def opened(name: str) -> HubBase:
    return HubBase(TINY[name](), f"tiny-{name}@0")


@pytest.fixture(params=["sd15", "sdxl"])
def base(request: pytest.FixtureRequest) -> HubBase:
    return opened(request.param)


def test_pictures_are_laid_on_white_and_brought_to_size(base: HubBase) -> None:
    pictures = np.zeros((2, 16, 16, 4), np.uint8)
    pictures[1, ..., :3] = 255  # white under full transparency as well
    latents = base.encode_pictures(pictures)
    assert base.edge == SIZE and latents.shape == (2, 4, SIZE // 8, SIZE // 8)
    torch.testing.assert_close(latents[0], latents[1])
    pictures[1] = (200, 0, 0, 255)
    assert not torch.allclose(base.encode_pictures(pictures)[1], latents[0])
    drawn = base.decode(latents)
    assert [(picture.mode, picture.size) for picture in drawn] == [("RGBA", (SIZE, SIZE))] * 2


def test_conditions_are_what_the_pipeline_itself_gives_the_unet(base: HubBase) -> None:
    seen: list[dict] = []
    pipeline, captions = base._pipeline, ["a dog", ""]
    with torch.no_grad():
        hook = base.model.register_forward_pre_hook(lambda _, __, given: seen.append(given), with_kwargs=True)
        pipeline(captions, num_inference_steps=1, guidance_scale=1.0, output_type="latent", height=SIZE, width=SIZE)
        hook.remove()
    conditions = base.encode_text(captions)
    torch.testing.assert_close(conditions.pop("encoder_hidden_states"), seen[0]["encoder_hidden_states"])
    for name, value in conditions.items():
        torch.testing.assert_close(value, seen[0]["added_cond_kwargs"][name].to(value.dtype))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_noise_is_that_of_the_scheduler(prediction: str) -> None:
    pipeline = TINY["sd15"]()
    pipeline.scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config, prediction_type=prediction)
    base = HubBase(pipeline, "tiny@0")
    latents, noise = torch.randn(3, 4, 8, 8), torch.randn(3, 4, 8, 8)
    noised = base.noised(latents, noise, torch.tensor([0.0, 0.5, 1.0]))
    assert noised.timesteps.tolist() == [0, 500, 999]
    torch.testing.assert_close(noised.latents[0], latents[0], rtol=0.1, atol=0.1)
    torch.testing.assert_close(noised.latents[2], noise[2], rtol=0.1, atol=0.3)
    share = base._noise.alphas_cumprod[noised.timesteps].sqrt().view(-1, 1, 1, 1)
    rest = (1 - base._noise.alphas_cumprod[noised.timesteps]).sqrt().view(-1, 1, 1, 1)
    expected = noise if prediction == "epsilon" else share * noise - rest * latents
    torch.testing.assert_close(noised.target, expected)


def test_a_hypernetwork_is_trained_on_it(base: HubBase, tmp_path: Path) -> None:
    write_identities(tmp_path)
    encoder, views = PixelEncoder(), train.IdentityViews.read(tmp_path)
    data = TrainingData.prepare(views, base, encoder, CONFIG, tmp_path / "cache")
    heldout = train.IdentityViews.read(tmp_path, ("test",))
    preview = train.Preview.of(heldout, base, encoder, steps=2, guidance=2.0, count=1)
    run = Trainer(base, data, CONFIG, tmp_path / "run", preview)
    run.train()
    assert (tmp_path / "run" / "samples" / "000002.png").is_file()
    pipeline = HyperLoraPipeline.from_pretrained(tmp_path / "run" / "pipeline", dtype=torch.float32)
    assert pipeline.hyperlora.config.base_model == base.name
    lora = pipeline.predict([cutout((220, 30, 30))], encoder)
    lora.check_fits(base.model)


def test_the_base_is_recognised_by_what_it_is(tmp_path: Path) -> None:
    base = train.open_base(HubModel(model=str(write_model("sdxl", tmp_path / "sdxl"))))
    assert isinstance(base, HubBase) and base.name.startswith(str(tmp_path / "sdxl"))
    with pytest.raises(UnsupportedBase, match="FluxPipeline"):
        train.open_base(HubModel(model=str(write_model("flux", tmp_path / "flux"))))


@pytest.mark.parametrize("name", ["hyperlora.sd15", "hyperlora.sdxl", "hyperlora"])
def test_the_worked_configurations_are_valid(name: str) -> None:
    file = Path(__file__).parents[3] / "configs" / f"{name}.yaml"
    config = TrainingConfig.read(file)
    tiny = opened("sdxl" if name.endswith("xl") else "sd15")
    small = config.model | {"width": 16, "heads": 2, "bases": 2}
    model = HyperLora.for_model(tiny.model, config.targets, **small)
    assert dataclasses.asdict(config)["seed"] == yaml.safe_load(file.read_text())["seed"]
    assert len(model.config.layers) > 0
