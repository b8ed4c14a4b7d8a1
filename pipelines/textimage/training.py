"""Fitting the projection heads: seeded, resumable, from cached features only.

Shape legend: N drawings, M texts, F joined width of the image features, S width of the sentence feature.
"""

from __future__ import annotations

import hashlib
import logging
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from pipelines.features.preprocessing import FloatArray
from pipelines.textimage.configuration import FitConfig, HeadsConfig
from pipelines.textimage.loss import soft_contrastive_loss
from pipelines.textimage.modeling_mini_clip import MiniClip
from pipelines.textimage.text_pool import TextPool

# Relative to the mean square of the text features' directions.
_RIDGE = 0.03

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """What a fit reads.

    Attributes:
        images: [N, F], each encoder's part of length 1.
        texts: [M, S], features of `pool.texts`.
        pool: which text is true of which drawing.
    """

    images: FloatArray
    texts: FloatArray
    pool: TextPool


class Fit:
    """A contrastive fit of the heads that can stop after any step and go on where it was."""

    def __init__(self, data: TrainingSet, heads: HeadsConfig, config: FitConfig, image_dims: tuple[int, ...]) -> None:
        """Prepare step 0.

        Args:
            data: features and truths.
            heads: shape of the heads.
            config: of the fit.
            image_dims: widths of the image features, in the order of `heads.image_features`.
        """
        torch.manual_seed(config.seed)
        self.data = data
        self.config = config
        self.model = MiniClip(
            image_features=heads.image_features,
            image_dims=image_dims,
            text_dim=data.texts.shape[1],
            hidden_dim=heads.hidden_dim,
            dropout=heads.dropout,
        )
        self._images = torch.from_numpy(data.images)
        self._texts = torch.from_numpy(data.texts)
        self.model.image_mean.copy_(self._images.mean(dim=0))
        self._start_from_least_squares()
        self.optimizer = torch.optim.AdamW(_parameter_groups(self.model, config.weight_decay), lr=config.learning_rate)
        self.step = 0
        self._recipe = hashlib.sha256(f"{heads!r}{config!r}{data.images.shape}{len(data.pool.texts)}".encode())

    @torch.no_grad()
    def _start_from_least_squares(self) -> None:
        """Set the text head's linear map to the ridge regression from texts to the frozen features of their drawings.

        It is solved in a second and is most of what there is to learn; the contrastive steps sharpen it.
        """
        rows, numbers = self.data.pool.pairs()
        texts = functional.pad(self._texts, (0, 1), value=1.0).double()
        anchors = self.model.anchor(self._images).double()
        # Summed by text first: a text of many drawings is met once, weighted by how many they are.
        counts = torch.bincount(torch.from_numpy(numbers), minlength=len(texts)).double()
        sums = torch.zeros(len(texts), anchors.shape[1], dtype=torch.float64)
        sums.index_add_(0, torch.from_numpy(numbers), anchors[torch.from_numpy(rows)])
        squares = texts.T @ (texts * counts[:, None])
        ridge = _RIDGE * squares.diagonal().mean() * torch.eye(len(squares), dtype=torch.float64)
        solution = torch.linalg.solve(squares + ridge, texts.T @ sums).float()
        self.model.text_head.linear.weight.copy_(solution[:-1].T)
        self.model.text_head.linear.bias.copy_(solution[-1])

    def run(self, state: Path | None = None) -> MiniClip:
        """Do the steps that are left.

        Args:
            state: file for the resumable state; None keeps none.

        Returns:
            The fitted heads, in evaluation mode.
        """
        self.model.train()
        while self.step < self.config.steps:
            loss = self.advance()
            if self.step % 50 == 0:
                logger.info("step %d of %d: loss %.4f, scale %.1f", self.step, self.config.steps, loss, self._scale())
            if state is not None and (self.step % self.config.save_every == 0 or self.step == self.config.steps):
                self.save(state)
        return self.model.eval()

    def advance(self) -> float:
        """Do one step; returns its loss."""
        # Every step has its own generators, so a resumed run draws what an unbroken one would have drawn.
        rng = np.random.default_rng([self.config.seed, self.step])
        torch.manual_seed(int(rng.integers(2**31)))
        rows = rng.choice(len(self._images), size=min(self.config.batch_size, len(self._images)), replace=False)
        numbers = self.data.pool.draw(rows, rng)
        true = torch.from_numpy(self.data.pool.true(rows, numbers))
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * _schedule(self.step, self.config.steps)
        loss = self._loss(self._images[rows], self._texts[numbers], true)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return float(loss.detach())

    def _loss(self, images: torch.Tensor, texts: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        noise = torch.randn_like(images) * (self.config.feature_noise / math.sqrt(images.shape[1]))
        image_embeddings = self.model.project_images(images + noise)
        text_embeddings = self.model.project_texts(texts)
        logits = self.model.scale() * image_embeddings @ text_embeddings.T
        contrast = soft_contrastive_loss(logits, true, smoothing=self.config.label_smoothing)
        away = 1 - functional.cosine_similarity(image_embeddings, self.model.anchor(images), dim=-1)
        return contrast + self.config.anchor_weight * away.mean()

    def _scale(self) -> float:
        return float(self.model.scale().detach())

    def save(self, file: Path) -> None:
        """Write weights and optimiser state, whole or not at all."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in moments.items()}
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{file.name}.part")
        metadata = {"step": str(self.step), "recipe": self._recipe.hexdigest()}
        save_file({name: value.contiguous() for name, value in tensors.items()}, partial, metadata=metadata)
        partial.replace(file)

    def resume(self, file: Path) -> bool:
        """Go on from a saved state.

        Returns:
            Whether there was one of this very recipe; another recipe's state is left alone.
        """
        if not file.is_file():
            return False
        metadata = _metadata(file)
        if metadata.get("recipe") != self._recipe.hexdigest():
            logger.warning("%s belongs to another recipe; starting anew.", file)
            return False
        tensors = load_file(file)
        self.model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
        state = self.optimizer.state_dict()
        state["state"] = {}
        for key, value in tensors.items():
            if key.startswith("optimizer."):
                _, number, name = key.split(".")
                state["state"].setdefault(int(number), {})[name] = value
        self.optimizer.load_state_dict(state)
        self.step = int(metadata["step"])
        return True


def _metadata(file: Path) -> dict[str, str]:
    with safe_open(file, framework="pt") as handle:
        return handle.metadata() or {}


def _parameter_groups(model: MiniClip, weight_decay: float) -> list[dict]:
    """Decay matrices only; the image head's linear map would otherwise be pulled from the identity to zero."""
    decayed = [p for name, p in model.named_parameters() if p.ndim == 2 and name != "image_head.linear.weight"]
    chosen = {id(p) for p in decayed}
    rest = [p for p in model.parameters() if id(p) not in chosen]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def _schedule(step: int, steps: int) -> float:
    """Share of the peak learning rate: linear warm-up over a twentieth, then half a cosine down to zero."""
    warm_up = max(1, steps // 20)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))
