"""Trains the denoiser (diffusers' `UNet2DConditionModel`) by rectified flow on cached latents and token features.

Where the denoiser has more input channels than latents have, the others take the latents of a sketch: the scene that
the caption names, laid out from drawings, in its colours or in greys, or as a camera might have seen it.
"""

from __future__ import annotations

import json
import logging
import math
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from diffusers import AutoencoderDC, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel
from transformers import AutoTokenizer, BertModel

from pipelines.mini.alpha import contact_sheet
from pipelines.mini.library import DrawingLibrary
from pipelines.mini.pipeline_mini import MiniPipeline
from pipelines.mini.training.loop import MovingAverage, RunLog, attention_kernel, learning_rate_at, resume, save
from pipelines.resolver import resolve

logger = logging.getLogger(__name__)
SHARES = (0.27, 0.28, 0.45)  # plain drawings, recolours, scenes
NO_SKETCH = 0.07  # share of the rows that keep their caption but are shown no sketch, so that the words are learned too
AVERAGE_EVERY = 4  # steps; on a CPU the average costs as much as the optimizer

PREVIEW_PROMPTS = (
    "a dog", "a green cat, flat style", "a rocket, glossy style", "a blue dog, soft style",
    "a purple rabbit, glossy style", "a fox wearing a crown", "a red and white fish, modern style", "an otter",
    "a dog at the beach", "a white owl, modern style", "a cactus next to a balloon", "a black cat at night",
    "three pink pigs", "a green automobile", "a penguin in the snow", "a teal backpack on a yellow background",
)  # fmt: skip


class Samples:
    """Random batches of (latents, token features, mask, sketch), all in memory.

    Captions are dropped with a given share; of three rows without a caption one is without its sketch as well. Guidance
    compares a prompt with no prompt before the same sketch, so it makes the words stronger and not the sketch.
    """

    def __init__(self, folder: Path, dropout: float, seed: int) -> None:
        shelves = json.loads((folder / "shelves.json").read_text())
        self._latents = torch.from_numpy(np.concatenate([np.load(folder / f"{name}.npy") for name in shelves]))
        self._tokens = torch.from_numpy(np.load(folder / "tokens.npy"))
        self._lengths = torch.from_numpy(np.load(folder / "lengths.npy").astype(np.int64))
        self._samples = torch.from_numpy(np.load(folder / "samples.npy").astype(np.int64))
        self._dropout = dropout
        self._generator = torch.Generator().manual_seed(seed)
        weights = _part_weights(self._samples)
        self._cumulative = torch.cumsum(weights / weights.sum(), dim=0)

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return latents [B, C, h, w], tokens float32 [B, T, D], mask bool [B, T], sketch latents [B, C, h, w]."""
        draw = torch.rand(size, generator=self._generator, dtype=torch.float64)
        rows = self._samples[torch.searchsorted(self._cumulative, draw).clamp(max=len(self._samples) - 1)]
        captions = rows[:, 1].clone()
        chance = torch.rand(2, size, generator=self._generator)
        captions[chance[0] < self._dropout] = 0
        unseen = (chance[0] < self._dropout / 3) | (chance[1] < NO_SKETCH) | (rows[:, 3] < 0)
        sketch = self._latents[rows[:, 3].clamp(min=0)].float()
        sketch[unseen] = 0
        mask = torch.arange(self._tokens.shape[1])[None] < self._lengths[captions][:, None]
        return self._latents[rows[:, 0]].float(), self._tokens[captions].float(), mask, sketch


def _part_weights(samples: torch.Tensor) -> torch.Tensor:
    """Weigh the parts by `SHARES`, whatever their sizes."""
    shares = torch.tensor(SHARES, dtype=torch.float64)
    counts = torch.bincount(samples[:, 2], minlength=len(shares)).double().clamp(min=1)
    return (shares / counts)[samples[:, 2]]


def draw_shares(rows: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Return noise shares [rows]: half of them logit-normal (Esser et al. 2024, eq. 19), half uniform.

    The middle is where the picture is decided; but sampling starts at 1, which logit-normal shares hardly ever reach,
    and a first step that was never trained leaves blotches.
    """
    middle, even = torch.sigmoid(torch.randn(rows, device=device)), torch.rand(rows, device=device)
    return torch.where(torch.rand(rows, device=device) < 0.5, middle, even)


def flow_loss(
    unet: UNet2DConditionModel, batch: tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], autocast: object
) -> torch.Tensor:
    """Return the rectified-flow loss: the mean squared error of the velocity (noise - latents).

    Args:
        unet: takes x_s = (1 - s)·latents + s·noise at timestep 1000·s.
        batch: latents [B, C, h, w] of about unit variance, token features [B, T, D], their mask bool [B, T], latents of
            the sketch [B, C, h, w] (zero: none), which denoisers with latent inputs alone are not shown.
        autocast: context in which the denoiser runs.
    """
    latents, tokens, mask, sketch = batch
    noise = torch.randn_like(latents)
    share = draw_shares(latents.shape[0], latents.device)
    mixed = torch.lerp(latents, noise, share[:, None, None, None])
    if unet.config.in_channels > mixed.shape[1]:
        mixed = torch.cat([mixed, sketch], dim=1)
    mixed = mixed.to(memory_format=torch.channels_last)
    with autocast:  # type: ignore[attr-defined]
        velocity = unet(mixed, 1000 * share, tokens, encoder_attention_mask=mask).sample
    return (velocity.float() - (noise - latents)).square().mean()


def train(config: dict, data: Path, out: Path, preview_every: int = 250) -> None:
    """Train (or go on training) the denoiser of `config` and write the denoiser, averaged, to ``out/unet``."""
    options = config["denoiser"]
    set_seed(config["seed"])
    accelerator = Accelerator(mixed_precision="bf16", cpu=not torch.cuda.is_available())
    unet = new_denoiser(options["model"])
    if "warm_start" in options:
        warm_start(unet, Path(options["warm_start"]))
    optimizer = torch.optim.AdamW(
        unet.parameters(), lr=options["learning_rate"], betas=(0.9, 0.99), weight_decay=0.01, fused=True
    )
    unet, optimizer = accelerator.prepare(unet, optimizer)
    bare = accelerator.unwrap_model(unet)
    average = MovingAverage(bare, 0.992)  # of every fourth step: a horizon of 500
    accelerator.register_for_checkpointing(average)
    folder = out / "denoiser"
    log, start = RunLog(folder=folder), resume(accelerator, folder)
    samples = Samples(out / "cache", options["caption_dropout"], config["seed"] + start)
    torch.manual_seed(config["seed"] + start)
    for step in range(start, options["steps"]):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, options["steps"], options["learning_rate"])
        drawn = samples.batch(options["batch"])
        with attention_kernel(accelerator.device):
            loss = flow_loss(bare, tuple(part.to(accelerator.device) for part in drawn), accelerator.autocast())
            accelerator.backward(loss)
        accelerator.clip_grad_norm_(bare.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if step % AVERAGE_EVERY == 0:
            average.update(bare)
        log.add(float(loss.detach()))
        if not math.isfinite(log.total):
            raise FloatingPointError(
                f"The loss is not finite at step {step + 1}; lower the learning rate of {options['learning_rate']}."
            )
        if (step + 1) % 50 == 0:
            logger.info("%s", log.report(step + 1))
        if (step + 1) % preview_every == 0 or step + 1 == options["steps"]:
            save(accelerator, folder, step + 1)
            export(config, average, out, folder / f"samples-{step + 1:06d}.png")


def new_denoiser(model: dict) -> UNet2DConditionModel:
    """Return an untrained denoiser that does not look at its reference channels yet."""
    unet = UNet2DConditionModel(**model).to(memory_format=torch.channels_last)
    with torch.no_grad():
        unet.conv_in.weight[:, unet.config.out_channels :] = 0
    return unet


@torch.no_grad()
def warm_start(unet: UNet2DConditionModel, folder: Path) -> None:
    """Take over the weights of a denoiser of the same blocks; channels of a sketch that it has not start at zero."""
    weights = UNet2DConditionModel.from_pretrained(folder).float().state_dict()
    narrow = weights.pop("conv_in.weight")
    unet.conv_in.weight[:, : narrow.shape[1]] = narrow
    missing = unet.load_state_dict(weights, strict=False).missing_keys
    assert missing == ["conv_in.weight"], missing


def export(config: dict, average: MovingAverage, out: Path, preview: Path) -> None:
    """Write the averaged denoiser to ``out/unet`` and a sheet of pictures to `preview`."""
    unet = UNet2DConditionModel(**config["denoiser"]["model"]).eval()
    average.copy_to(unet)
    source = resolve("minilm")
    pipeline = MiniPipeline(
        vae=AutoencoderDC.from_pretrained(out / "vae").float(),
        unet=unet,
        text_encoder=BertModel.from_pretrained(source, add_pooling_layer=False),
        tokenizer=AutoTokenizer.from_pretrained(source),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        text_length=config["text_length"],
    )
    if unet.config.in_channels > unet.config.out_channels:
        pipeline.library = DrawingLibrary.from_pretrained(out / "library")
    pipeline.set_progress_bar_config(disable=True)
    pictures = pipeline(list(PREVIEW_PROMPTS), num_inference_steps=8, seeds=list(range(len(PREVIEW_PROMPTS)))).images
    contact_sheet(pictures, 8).save(preview)
    pipeline.unet.half().save_pretrained(out / "unet", safe_serialization=True)
