"""Trains the hypernetwork end to end: the diffusion error of the frozen base, taken through the predicted LoRA.

Shape legend: B rows, R references, T tokens of one, D their width, C latent channels, h × w latent size, N views.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from numpy.typing import NDArray
from torch import Tensor

from pipelines.hyperlora.caching import cache_latents, cache_references, cache_texts
from pipelines.hyperlora.configuration_hyperlora import TrainingConfig
from pipelines.hyperlora.denoising import DenoisingBase
from pipelines.hyperlora.identities import IdentityViews, PairSampler
from pipelines.hyperlora.losses import diffusion_loss, draw_noise_levels, output_penalty
from pipelines.hyperlora.modeling_hyperlora import HyperLora
from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.hyperlora.previews import Preview
from pipelines.hyperlora.references import TokenEncoder
from pipelines.lora import RowLora
from pipelines.mini.training.loop import MovingAverage, RunLog, attention_kernel, learning_rate_at, resume, save

logger = logging.getLogger(__name__)
WEIGHTS = "diffusion_pytorch_model.safetensors"


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What is frozen, computed beforehand and held in memory.

    Attributes:
        references: float16 [individuals, versions, T, D].
        latents: float16 [N, C, h, w].
        weights: float32 [N, h, w] of the loss.
        texts: conditions of the base, each [captions, …], the empty caption first.
        captions: [N]: which caption belongs to a view.
        sampler: pairs them.
        sketches: float16 [N, C, h, w]: what the base is shown of every view; None: nothing.
        greys: the same without the subject's colours; None: there are none.
    """

    references: NDArray[np.float16]
    latents: NDArray[np.float16]
    weights: NDArray[np.float32]
    texts: dict[str, Tensor]
    captions: NDArray[np.int64]
    sampler: PairSampler
    sketches: NDArray[np.float16] | None = None
    greys: NDArray[np.float16] | None = None

    @classmethod
    def prepare(
        cls, views: IdentityViews, base: DenoisingBase, encoder: TokenEncoder, config: TrainingConfig, cache: Path
    ) -> TrainingData:
        """Compute what is missing in the cache folder and read it."""
        references = cache_references(
            views, encoder, config.reference_versions, cache, config.seed, config.cluttered_versions
        )
        latents = np.array(cache_latents(views, base, cache))
        texts, captions = cache_texts(views, base, cache)
        targets = views.targets()
        sampler = PairSampler(
            targets=tuple(tuple(targets[name]) for name in views.names()),
            own=tuple(views.references()[name] for name in views.names()),
            own_share=config.own_share,
            versions=config.reference_versions,
            max_references=config.max_references,
            caption_dropout=config.caption_dropout,
            reference_dropout=config.reference_dropout,
            seed=config.seed,
            grey_share=config.grey_share if views.greys is not None else 0.0,
            opens=config.opens(),
        )
        weights = views.weights(latents.shape[-1], config.outside_weight)
        sketches = np.array(cache_latents(views, base, cache, "sketches")) if views.sketches is not None else None
        greys = np.array(cache_latents(views, base, cache, "greys")) if views.greys is not None else None
        return cls(np.array(references), latents, weights, texts, captions, sampler, sketches, greys)

    def shown(self, targets: NDArray[np.int64], greys: NDArray[np.bool_]) -> Tensor | None:
        """Return the sketches [B, C, h, w] of some views, those without colours where `greys` [B] says so."""
        if self.sketches is None:
            return None
        shown = self.sketches[targets]
        if self.greys is not None:
            shown[greys] = self.greys[targets[greys]]
        return torch.from_numpy(shown).float()


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's tensors on the device.

    Attributes:
        tokens: of the references [B, R, T, D].
        mask: bool [B, R].
        latents: of the targets [B, C, h, w].
        noise: like the latents.
        levels: of the noise, 0–1 [B].
        weights: of the loss [B, h, w].
        conditions: of the base, each [B, …].
    """

    tokens: Tensor
    mask: Tensor
    latents: Tensor
    noise: Tensor
    levels: Tensor
    weights: Tensor
    conditions: dict[str, Tensor]


class Trainer:
    """One training run.

    Args:
        base: the frozen model.
        data: of the run.
        config: of the run.
        out: folder for checkpoints, the loss log, sample grids and the trained pipeline.
        preview: draws the sample grids.
    """

    def __init__(
        self, base: DenoisingBase, data: TrainingData, config: TrainingConfig, out: Path, preview: Preview
    ) -> None:
        set_seed(config.seed)
        self._base, self._data, self._config, self._out, self._preview = base, data, config, out, preview
        self._accelerator = Accelerator(mixed_precision=config.precision, cpu=not torch.cuda.is_available())
        base.model.requires_grad_(False).eval()
        model = self._untrained()
        if config.warm_start:
            model.start_from(HyperLora.from_pretrained(config.warm_start, dtype=torch.float32))
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay
        )
        model, self._optimizer = self._accelerator.prepare(model, optimizer)
        self.model: HyperLora = self._accelerator.unwrap_model(model, keep_fp32_wrapper=False)
        self._average = MovingAverage(self.model, config.ema)
        self._accelerator.register_for_checkpointing(self._average)

    def _untrained(self) -> HyperLora:
        base, config = self._base, self._config
        return HyperLora.for_model(
            base.model, config.targets, component=base.component, base_model=base.name, **config.model
        )

    def train(self) -> HyperLoraPipeline:
        """Train, or go on training, to the configured step; returns (and writes) the averaged hypernetwork."""
        config = self._config
        log, start = RunLog(folder=self._out), resume(self._accelerator, self._out)
        for step in range(start, config.steps):
            rate = learning_rate_at(step, config.steps, config.learning_rate, config.warmup)
            for group in self._optimizer.param_groups:
                group["lr"] = rate
            figures = self._step(self.batch(step))
            log.add(figures.pop("loss"))
            done = step + 1
            if done % config.log_every == 0:
                logger.info("%s", log.report(done, rate=round(rate, 7), **figures))
            if done % config.sample_every == 0 or done == config.steps:
                self._preview.write(self.averaged(), self._out / "samples" / f"{done:06d}.png")
            if done % config.save_every == 0 or done == config.steps:
                save(self._accelerator, self._out, done)
        return self.export()

    def averaged(self) -> HyperLora:
        """Return a copy that holds the running mean of the weights."""
        copy = type(self.model).from_config(self.model.config).eval()
        self._average.copy_to(copy)
        return copy

    def export(self) -> HyperLoraPipeline:
        """Write the averaged hypernetwork in half precision as a pipeline folder, with the recipe that made it."""
        pipeline = HyperLoraPipeline(self.averaged().to(torch.float16))
        pipeline.save_pretrained(self._out / "pipeline", safe_serialization=True)
        (self._out / "pipeline" / "recipe.json").write_text(json.dumps(self._recipe(), indent=2) + "\n")
        return pipeline

    def _recipe(self) -> dict:
        """Return what made the weights: settings, base, what they started from, and the last line of the log."""
        lines = (self._out / "loss.jsonl").read_text().splitlines()
        started = [Path(self._config.warm_start) / WEIGHTS] if self._config.warm_start else []
        return {
            "config": asdict(self._config),
            "base": self._base.name,
            "started_from_sha256": [hashlib.sha256(file.read_bytes()).hexdigest() for file in started],
            "individuals": len(self._data.sampler.targets),
            "last_log": json.loads(lines[-1]) if lines else None,
        }

    def batch(self, step: int) -> Batch:
        """Return the batch of a step; it depends on seed and step alone."""
        data, config, device = self._data, self._config, self._accelerator.device
        pairs = data.sampler.draw(step, config.batch)
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        latents = torch.from_numpy(data.latents[pairs.targets]).float()
        captions = torch.from_numpy(np.where(pairs.captioned, data.captions[pairs.targets], 0))
        conditions = {name: value[captions].to(device) for name, value in data.texts.items()}
        shown = data.shown(pairs.targets, pairs.greys)
        if shown is not None:
            conditions["sketch"] = shown.to(device)
        return Batch(
            tokens=torch.from_numpy(data.references[pairs.references[..., 0], pairs.references[..., 1]]).to(device),
            mask=torch.from_numpy(pairs.mask).to(device),
            latents=latents.to(device),
            noise=torch.randn(latents.shape, generator=generator).to(device),
            levels=draw_noise_levels(len(latents), config.noise_shift, generator).to(device),
            weights=torch.from_numpy(data.weights[pairs.targets]).to(device),
            conditions=conditions,
        )

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the diffusion error through the predicted LoRA, and the size of the LoRA."""
        noisy, target, timesteps = self._base.noised(batch.latents, batch.noise, batch.levels)
        with self._accelerator.autocast(), attention_kernel(noisy.device):
            output = self.model(batch.tokens, batch.mask)
            with RowLora(self._base.model, output.layers, torch.ones(len(noisy), device=noisy.device)):
                predicted = self._base.predict(noisy, timesteps, batch.conditions)
        return diffusion_loss(predicted, target, batch.weights), output_penalty(output, self._config.regularise)

    def _step(self, batch: Batch) -> dict[str, float]:
        error, penalty = self.loss(batch)
        self._accelerator.backward(error + self._config.regularisation * penalty)
        norm = self._accelerator.clip_grad_norm_(self.model.parameters(), self._config.clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._average.update(self.model)
        return {
            "loss": float(error.detach()),
            "penalty": round(float(penalty.detach()), 5),
            "gradient": round(float(norm), 4),
        }
