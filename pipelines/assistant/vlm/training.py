"""Training the small VLM: the projector first, then the LoRA with it; from cached image tokens, seeded, resumable."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn

from pipelines.assistant.vlm.batches import batch_of
from pipelines.assistant.vlm.configuration_vlm import VlmConfig
from pipelines.assistant.vlm.modeling_vlm import SmallVlm
from pipelines.assistant.vlm.samples import Depicted, sample
from pipelines.mini.training.loop import RunLog, learning_rate_at, resume, save

logger = logging.getLogger(__name__)


class _Trained(nn.Module):
    """What a checkpoint holds: the language model's own weights never change and stay out of it."""

    def __init__(self, model: SmallVlm) -> None:
        super().__init__()
        self.projector, self.lora = model.projector, nn.ParameterList(model.lora)


class VlmTrainer:
    """One run.

    Args:
        language: a causal language model of transformers.
        tokenizer: its own, with a chat template.
        pictures: drawings with captions.
        features: their image tokens, [N, T, F].
        config: of the run.
        out: folder for the log, the checkpoint and the trained parts.
    """

    def __init__(
        self,
        language: Any,
        tokenizer: Any,
        pictures: Sequence[Depicted],
        features: Tensor,
        config: VlmConfig,
        out: Path,
    ) -> None:
        set_seed(config.training.seed)
        self.tokenizer, self.pictures, self.features, self.config, self.out = tokenizer, pictures, features, config, out
        self.model = SmallVlm.fresh(language, tokenizer, features.shape[-1], config.model)

    def train(self) -> Path:
        """Do the steps that are left; return the folder of what was trained."""
        recipe = self.config.training
        accelerator = Accelerator(cpu=not torch.cuda.is_available())
        self.model.to(accelerator.device)
        parts = _Trained(self.model)
        rates = (recipe.learning_rate, recipe.language_learning_rate)
        groups = [{"params": list(parts.projector.parameters())}, {"params": list(parts.lora)}]
        parts, optimizer = accelerator.prepare(parts, torch.optim.AdamW(groups, lr=rates[0], weight_decay=0.0))
        log = RunLog(folder=self.out)
        self.model.train()
        for step in range(resume(accelerator, self.out), recipe.steps):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = learning_rate_at(step, recipe.steps, rate, max(1, recipe.steps // 30))
            if step < recipe.projector_only:
                optimizer.param_groups[1]["lr"] = 0.0
            loss = self.loss(step, accelerator.device)
            optimizer.zero_grad()
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(parts.parameters(), recipe.clip)
            optimizer.step()
            log.add(float(loss.detach()))
            if (step + 1) % recipe.log_every == 0:
                logger.info("%s", log.report(step + 1))
            if (step + 1) % recipe.save_every == 0 or step + 1 == recipe.steps:
                save(accelerator, self.out, step + 1)
        self.model.eval()
        self.model.save(self.out / "vlm")
        return self.out / "vlm"

    def loss(self, step: int, device: torch.device) -> Tensor:
        """Return the loss of a step; a step draws the same samples whether the run was broken off or not."""
        recipe = self.config.training
        rng = random.Random(recipe.seed * 1_000_003 + step)
        samples = [
            sample(self.pictures, rng, concepts=recipe.concepts, noise=recipe.noise) for _ in range(recipe.batch)
        ]
        made = batch_of(samples, self.features, self.tokenizer, self.config.model)
        loss: Tensor = self.model(
            made.tokens.to(device), made.mask.to(device), made.pictures.to(device), made.labels.to(device)
        )
        return loss
