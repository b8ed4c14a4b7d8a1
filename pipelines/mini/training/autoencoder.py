"""Trains the RGBA autoencoder (diffusers' `AutoencoderDC`) on the corpus."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import set_seed
from diffusers import AutoencoderDC

from pipelines.mini.alpha import contact_sheet, to_pictures, to_tensor
from pipelines.mini.data.writer import read_corpus
from pipelines.mini.training.loop import MovingAverage, RunLog, learning_rate_at, resume, save

logger = logging.getLogger(__name__)
CORPUS = ("index", "recolours", "scenes", "identities")


def reconstruction_loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean absolute error of pictures, their edges and their half-size copies.

    Args:
        output: premultiplied RGBA [B, 4, S, S] in about [-1, 1].
        target: the same, in [-1, 1].

    L1 on premultiplied colours is the error seen on black; adding (1 - alpha) gives the error on white, which
    keeps the silhouette sharp. Differences of neighbours weigh edges, where drawings have all their information.
    """
    grounds_out, grounds_in = _on_black_and_white(output), _on_black_and_white(target)
    # The squared error moves colours quickly at the start, the absolute one makes flat areas flat at the end.
    loss = F.l1_loss(grounds_out, grounds_in) + F.mse_loss(grounds_out, grounds_in)
    for scale in (1, 2):
        small_out = F.avg_pool2d(grounds_out, scale) if scale > 1 else grounds_out
        small_in = F.avg_pool2d(grounds_in, scale) if scale > 1 else grounds_in
        for axis in (2, 3):
            loss = loss + 0.5 * F.l1_loss(small_out.diff(dim=axis), small_in.diff(dim=axis))
    return loss


def _on_black_and_white(values: torch.Tensor) -> torch.Tensor:
    """Return [B, 7, S, S]: colours on black, colours on white, alpha."""
    colour, alpha = values[:, :3], values[:, 3:]
    return torch.cat([colour, colour + 1 - alpha, alpha], dim=1)


def latent_loss(latents: torch.Tensor) -> torch.Tensor:
    """Return how far each latent channel [B, C, h, w] is from mean 0 and variance 1 over the batch."""
    mean, variance = latents.mean(dim=(0, 2, 3)), latents.var(dim=(0, 2, 3))
    return mean.square().mean() + (variance - 1).square().mean()


class Pictures:
    """Random batches of training pictures of the whole corpus; plain drawings are drawn twice as often."""

    def __init__(self, folder: Path, size: int, seed: int) -> None:
        self._size = size
        self._parts = read_corpus(folder, CORPUS)
        rows = []
        for part, (_, records) in enumerate(self._parts):
            train = np.array([row for row, record in enumerate(records) if record["split"] == "train"])
            rows += [np.stack([np.full_like(train, part), train], axis=1)] * (2 if part == 0 else 1)
        self._rows = np.concatenate(rows)
        self._rng = np.random.default_rng(seed)

    def batch(self, size: int) -> torch.Tensor:
        """Return [size, 4, S, S] premultiplied in [-1, 1], each moved by up to 8 pixels so that no grid is learned."""
        chosen = self._rows[self._rng.integers(len(self._rows), size=size)]
        pictures = np.stack([self._parts[part][0][row] for part, row in chosen])
        down, right = self._rng.integers(-8, 9, size=2)
        return to_tensor(np.roll(pictures, (down, right), axis=(1, 2)), self._size)

    def heldout(self, count: int) -> torch.Tensor:
        """Return the first `count` held-out drawings, spread over the styles."""
        pictures, records = self._parts[0]
        rows = [row for row, record in enumerate(records) if record["split"] == "test"]
        return to_tensor(np.stack([pictures[row] for row in rows[:: max(1, len(rows) // count)][:count]]), self._size)


@torch.no_grad()
def psnr(model: AutoencoderDC, pictures: torch.Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB of reconstructions over black (premultiplied RGBA)."""
    error = F.mse_loss(model.decode(model.encode(pictures).latent).sample.clamp(-1, 1), pictures) / 4
    return float(-10 * torch.log10(error))


def train(config: dict, data: Path, out: Path, preview_every: int = 250) -> None:
    """Train (or go on training) the autoencoder of `config` and write it to ``out/vae``."""
    options = config["autoencoder"]
    set_seed(config["seed"])
    accelerator = Accelerator(mixed_precision="bf16", cpu=not torch.cuda.is_available())
    model = AutoencoderDC(**options["model"]).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options["learning_rate"], betas=(0.9, 0.98), weight_decay=0.01)
    model, optimizer = accelerator.prepare(model, optimizer)
    bare = accelerator.unwrap_model(model)
    average = MovingAverage(bare, 0.998)
    accelerator.register_for_checkpointing(average)
    folder = out / "autoencoder"
    log, start = RunLog(folder=folder), resume(accelerator, folder)
    pictures = Pictures(data, config["size"], config["seed"] + start)
    for step in range(start, options["steps"]):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, options["steps"], options["learning_rate"])
        loss = _step(
            accelerator,
            bare,
            optimizer,
            pictures.batch(options["batch"]).to(accelerator.device),
            options["latent_noise"],
        )
        average.update(bare)
        log.add(loss)
        if (step + 1) % 50 == 0:
            logger.info("%s", log.report(step + 1))
        if (step + 1) % preview_every == 0 or step + 1 == options["steps"]:
            _preview(bare, average, pictures, folder, options["model"])
            save(accelerator, folder, step + 1)
    _export(average, options["model"], pictures, out)


def _step(
    accelerator: Accelerator, model: AutoencoderDC, optimizer: torch.optim.Optimizer, batch: torch.Tensor, noise: float
) -> float:
    batch = batch.to(memory_format=torch.channels_last)
    with accelerator.autocast():
        latents = model.encode(batch).latent
        # Noise on the latents makes the decoder forgive what the denoiser does not get exactly right.
        output = model.decode(latents + noise * torch.randn_like(latents)).sample
    loss = reconstruction_loss(output.float(), batch) + 0.02 * latent_loss(latents.float())
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


def averaged(average: MovingAverage, blocks: dict) -> AutoencoderDC:
    """Return a new autoencoder holding the averaged parameters."""
    model = AutoencoderDC(**blocks).eval()
    average.copy_to(model)
    return model


def _preview(model: AutoencoderDC, average: MovingAverage, pictures: Pictures, folder: Path, blocks: dict) -> None:
    batch = pictures.heldout(24)
    copy = averaged(average, blocks)
    with torch.no_grad():
        output = copy.decode(copy.encode(batch).latent).sample
    rows = [
        picture
        for start in range(0, 24, 12)
        for part in (batch, output)
        for picture in to_pictures(part[start : start + 12])
    ]
    contact_sheet(rows, 12).save(folder / "reconstructions.png")


def _export(average: MovingAverage, blocks: dict, pictures: Pictures, out: Path) -> None:
    model = averaged(average, blocks)
    batch = pictures.heldout(128)
    with torch.no_grad():
        latents = model.encode(batch).latent
    model.register_to_config(scaling_factor=round(float(1 / latents.std()), 5))
    model.save_pretrained(out / "vae", safe_serialization=True)
    figures = {"psnr_heldout_db": round(psnr(model, batch), 2), "latent_std": round(float(latents.std()), 4)}
    (out / "autoencoder" / "figures.json").write_text(json.dumps(figures) + "\n")
    logger.info("autoencoder: %s", figures)
