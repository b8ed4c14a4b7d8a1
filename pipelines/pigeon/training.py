"""Trains the history encoder and the taste layers of a frozen base, in two stages (Pigeon, §3; Diffusion-DPO).

Stage 1, masked preference reconstruction: a liked picture is drawn after its caption, a part of itself as reference,
and the rest of the person's history. Stage 2, pairwise preference alignment: of two pictures of one thing, the one
that the person's taste prefers is made likelier than the other.
Shape legend: N pictures, M of them drawn, P people, H pictures of a history, R reference tokens, B rows, C latent
channels.
"""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn

from pipelines.mini.sketching import with_sketch
from pipelines.mini.training.loop import RunLog, attention_kernel, learning_rate_at, resume, save
from pipelines.pigeon.conditioning import TasteAttention, taste_conditions
from pipelines.pigeon.configuration_pigeon import PigeonConfig, StageConfig
from pipelines.pigeon.losses import diffusion_dpo, row_errors
from pipelines.pigeon.modeling_pigeon import PigeonEncoder
from pipelines.pigeon.pipeline_pigeon import write

HELD_OUT = 0.05  # share of people, the last ones, who are not trained with
logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class PigeonData:
    """What is frozen, computed beforehand and held in memory.

    Attributes:
        features: of pictures, those that are drawn before those that people see [N, F].
        references: tokens of what is drawn [M, R, D].
        latents: scaled latents of it [M, C, h, w].
        conditions: of the base for each caption, and its sketch in greys where the base is shown one, each [M, …].
        empty: of the base for no caption, each [1, …]; what is sketched is shown all the same.
        histories: indices of the pictures that stand for each person's history, −1 for padding [P, H].
        weights: how much each counts [P, H].
        liked: for each person, of what is drawn the version they like most [P lists].
        pairs: (person, preferred, other) of versions of one drawing [Q, 3].
    """

    features: Tensor
    references: Tensor
    latents: Tensor
    conditions: dict[str, Tensor]
    empty: dict[str, Tensor]
    histories: Tensor
    weights: Tensor
    liked: list[np.ndarray]
    pairs: np.ndarray


@dataclass(frozen=True, eq=False)
class _Chance:
    """What a step leaves to chance, besides the mask.

    Attributes:
        noise: [B, C, h, w].
        levels: of it, 0–1 [B].
        untold: which rows are not told their caption [B].
    """

    noise: Tensor
    levels: Tensor
    untold: Tensor


@dataclass(frozen=True, eq=False)
class _Shown:
    """What tokens are told beside a person's history.

    Attributes:
        pictures: to be drawn, the references [B].
        ratio: share of each reference that is hidden [B].
        own: which rows are told of their picture as if it alone was liked, instead of the history [B].
    """

    pictures: np.ndarray
    ratio: Tensor
    own: Tensor


class PigeonModel(nn.Module):
    """What is trained: the encoder, and the taste layers of one denoiser."""

    def __init__(self, encoder: PigeonEncoder, attention: TasteAttention) -> None:
        super().__init__()
        self.encoder, self.attention = encoder, attention


class PigeonTrainer:
    """One run.

    Args:
        unet: the frozen denoiser; velocities of a rectified flow, timesteps 0–1000.
        data: of the run.
        config: of the run.
        out: folder for the log, checkpoints and the trained parts.
    """

    def __init__(self, unet, data: PigeonData, config: PigeonConfig, out: Path) -> None:
        set_seed(config.seed)
        self.unet = unet.requires_grad_(False).to(memory_format=torch.channels_last)
        self.data, self.config, self.out = data, config, out
        encoder = PigeonEncoder(
            **{
                "feature_dim": data.features.shape[-1],
                "reference_dim": data.references.shape[-1],
                "condition_dim": unet.config.cross_attention_dim,
                "history_length": data.histories.shape[1],
                **config.model,
            }
        )
        if not config.mask_learns:
            encoder.mask_encoder.requires_grad_(False)
            encoder.mask_output.requires_grad_(False)
        self.model = PigeonModel(encoder, TasteAttention(unet, encoder.config.tokens, encoder.config.condition_dim))
        self.numbers = np.random.default_rng(config.seed)

    def train(self) -> Path:
        """Run both stages, each from its last checkpoint; return the folder of what was trained."""
        self._stage("first", self.config.first, self._reconstruction)
        self._write(self.out / "first" / "pigeon")
        # Left in training mode: at the first step both must hide the same, or their difference says nothing.
        before = copy.deepcopy(self.model.encoder).requires_grad_(False), self._frozen_layers()
        self._stage("second", self.config.second, lambda batch: self._preference(batch, before))
        return self._write(self.out / "pigeon")

    def _stage(self, name: str, stage: StageConfig, loss_of) -> None:
        accelerator = Accelerator(cpu=not torch.cuda.is_available())
        optimizer = torch.optim.AdamW(self.model.parameters(), stage.learning_rate, weight_decay=0.01)
        model, optimizer = accelerator.prepare(self.model, optimizer)
        folder = self.out / name
        log = RunLog(folder=folder)
        model.train()
        with attention_kernel(accelerator.device):
            for step in range(resume(accelerator, folder), stage.steps):
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate_at(step, stage.steps, stage.learning_rate, max(1, stage.steps // 10))
                loss, more = loss_of(stage.batch)
                optimizer.zero_grad()
                accelerator.backward(loss)
                accelerator.clip_grad_norm_(model.parameters(), self.config.clip)
                optimizer.step()
                log.add(float(loss.detach()))
                saved = (step + 1) % self.config.save_every == 0 or step + 1 == stage.steps
                if saved:
                    save(accelerator, folder, step + 1)
                    more |= self.gains()
                if saved or (step + 1) % self.config.log_every == 0:
                    logger.info("%s %s", name, log.report(step + 1, **more))

    @torch.no_grad()
    def gains(self, batch: int = 64) -> dict[str, float]:
        """Return by what share the error is lower with somebody's taste than without any, for rows without a reference.

        Of people that are not trained with, always the same rows: with their own taste, and with somebody else's.
        """
        people = self._people_with(self.data.liked, batch, np.random.default_rng(0), held_out=True)
        pictures = np.array([self.data.liked[person][0] for person in people])
        training = self.model.encoder.training
        self.model.encoder.eval()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            chance = self._chance(batch)
            own, other = (self._tokens(self.model.encoder, some) for some in (people, np.roll(people, batch // 2)))
            errors = [self._errors(pictures, chance, tokens).mean() for tokens in (torch.zeros_like(own), own, other)]
        self.model.encoder.train(training)
        return {name: round(float(1 - errors[n] / errors[0]), 4) for n, name in ((1, "gain"), (2, "gain_of_another"))}

    def _reconstruction(self, batch: int) -> tuple[Tensor, dict[str, float]]:
        people = self._people_with(self.data.liked, batch)
        pictures = np.array([self.numbers.choice(self.data.liked[person]) for person in people])
        ratio = torch.rand(batch) if self.config.masked else torch.zeros(batch)
        own = torch.rand(batch) < self.config.own_share
        tokens = self._tokens(self.model.encoder, people, _Shown(pictures, ratio, own))
        return self._errors(pictures, self._chance(batch), tokens).mean(), {}

    def _preference(self, batch: int, before: tuple[PigeonEncoder, dict]) -> tuple[Tensor, dict[str, float]]:
        rows = self.data.pairs[self.numbers.integers(0, len(self.data.pairs), batch)]
        people, better, worse = rows.T
        state = torch.random.get_rng_state()
        tokens = self._tokens(self.model.encoder, people)  # no reference: the history alone has to tell the two apart
        with torch.no_grad():
            torch.random.set_rng_state(state)  # the same noise of the mask for the model it began with
            first = self._tokens(before[0], people)
        # One noise and one level for both pictures, so that what differs is the picture.
        chance = self._chance(batch)
        errors = [self._errors(pictures, chance, tokens) for pictures in (better, worse)]
        with torch.no_grad(), _Swapped(self.model.attention, before[1]):
            old = [self._errors(pictures, chance, first) for pictures in (better, worse)]
        loss, right = diffusion_dpo(errors[0], errors[1], old[0], old[1], beta=self.config.beta)
        return loss, {"preferred": round(float(right), 3)}

    def _errors(self, pictures: np.ndarray, chance: _Chance, tokens: Tensor) -> Tensor:
        """Return each row's error of the velocity [B]."""
        latents = self.data.latents[pictures].float()
        share = chance.levels.view(-1, 1, 1, 1)
        noisy = (1 - share) * latents + share * chance.noise
        conditions = {}
        for name, values in self.data.conditions.items():
            mask = chance.untold.view(-1, *[1] * (values.ndim - 1))
            other = self.data.empty.get(name)
            conditions[name] = values[pictures] if other is None else torch.where(mask, other, values[pictures])
        rows = with_sketch(noisy, conditions).contiguous(memory_format=torch.channels_last)
        with self.model.attention, torch.autocast(rows.device.type, torch.bfloat16, enabled=self.config.half):
            predicted = self.unet(rows, 1000 * chance.levels, **conditions, **taste_conditions(tokens)).sample
        return row_errors(predicted.float(), latents, chance.noise)

    def _chance(self, batch: int) -> _Chance:
        # More of the noisy levels: where a picture is almost there, its colours are seen and nothing is to be told.
        levels = torch.rand(batch).sqrt()
        levels[torch.rand(batch) < self.config.pure_share] = 1.0
        return _Chance(
            noise=torch.randn(batch, *self.data.latents.shape[1:]),
            levels=levels,
            untold=torch.rand(batch) < self.config.caption_dropout,
        )

    def _tokens(self, encoder: PigeonEncoder, people: np.ndarray, shown: _Shown | None = None) -> Tensor:
        """Return the tokens of people."""
        data, dropout = self.data, self.config if encoder.training else None
        chosen, weights = data.histories[people].clone(), data.weights[people].clone()
        if shown is not None:
            chosen[shown.own] = -1
            chosen[shown.own, 0] = torch.from_numpy(shown.pictures)[shown.own].to(chosen.dtype)
            weights[shown.own] = 1.0
        there = chosen >= 0
        pictures = np.zeros(len(people), int) if shown is None else shown.pictures
        ratio = torch.ones(len(people)) if shown is None else shown.ratio
        references = data.references[pictures].float()
        present = torch.full((len(people), 1), shown is not None)
        if dropout:
            present = present & (torch.rand(len(people), 1) >= dropout.reference_dropout)
        features = data.features[chosen.clamp_min(0)].float()
        return encoder(features, there, references, present.expand(references.shape[:2]), ratio, weights).tokens

    def _frozen_layers(self) -> dict:
        return {name: value.detach().clone() for name, value in self.model.attention.state_dict().items()}

    def _people_with(
        self, liked: list[np.ndarray], count: int, numbers: np.random.Generator | None = None, *, held_out: bool = False
    ) -> np.ndarray:
        able = np.array([person for person, pictures in enumerate(liked) if len(pictures)])
        last = max(1, round(HELD_OUT * len(able)))
        return (numbers or self.numbers).choice(able[-last:] if held_out else able[:-last], count)

    def _write(self, folder: Path) -> Path:
        return write(folder, self.model.encoder, self.model.attention)


class _Swapped:
    """The taste layers with other weights, for as long as a block lasts."""

    def __init__(self, attention: TasteAttention, layers: dict) -> None:
        self._attention, self._layers = attention, layers

    def __enter__(self) -> None:
        self._now = {name: value.detach().clone() for name, value in self._attention.state_dict().items()}
        self._load(self._layers)

    def __exit__(self, *_: object) -> None:
        self._load(self._now)

    @torch.no_grad()
    def _load(self, layers: dict) -> None:
        # `.data`, since the graph of what is trained already holds these tensors and must not see them change
        for name, value in self._attention.named_parameters():
            value.data = layers[name]
