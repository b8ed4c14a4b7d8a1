"""Settings of the text-image model and of its training, read from configs/textimage.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

DEFAULT_CONFIG = Path(__file__).parents[2] / "configs" / "textimage.yaml"


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CorpusConfig(_Settings):
    """Which part of the corpus is read, and how it is shown to the image encoders.

    Attributes:
        styles: the hands whose drawings are read.
        recolours: drawings taken at random from the recoloured ones.
        scenes: pictures taken at random from the composed scenes.
        white_share: share of drawings laid on white.
        neutral_share: share laid on the encoders' neutral ground; the rest gets a random plain colour.
        validation_share: share of training concepts kept out to choose settings by; 0 for the shipped fit.
        seed: of all of this.
    """

    styles: tuple[str, ...] = Field(min_length=1)
    recolours: int = Field(ge=0)
    scenes: int = Field(ge=0)
    white_share: float = Field(ge=0, le=1)
    neutral_share: float = Field(ge=0, le=1)
    validation_share: float = Field(ge=0, lt=1)
    seed: int = Field(ge=0)


class HeadsConfig(_Settings):
    """Shape of the projection heads.

    Attributes:
        image_features: encoders whose embeddings are joined, the anchor of the joint space first.
        hidden_dim: width of the residual MLPs.
        dropout: of the MLPs, in training.
    """

    image_features: tuple[str, ...] = Field(min_length=1)
    hidden_dim: int = Field(ge=8)
    dropout: float = Field(ge=0, lt=1)


class FitConfig(_Settings):
    """The contrastive fit.

    Attributes:
        steps: optimiser steps.
        batch_size: drawings a step; each brings one of its texts.
        learning_rate: peak, after a warm-up of a twentieth of the steps, falling as a cosine.
        weight_decay: of AdamW, on matrices.
        anchor_weight: strength of the pull of the image head towards its frozen features.
        feature_noise: standard deviation, relative to a feature's length, of noise added to image features.
        label_smoothing: share of the target spread over the whole batch.
        save_every: steps between resumable states.
        seed: of initialisation, texts and batches.
    """

    steps: int = Field(ge=1)
    batch_size: int = Field(ge=2)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    anchor_weight: float = Field(ge=0)
    feature_noise: float = Field(ge=0)
    label_smoothing: float = Field(ge=0, lt=1)
    save_every: int = Field(ge=1)
    seed: int = Field(ge=0)


class TrainingConfig(_Settings):
    """Everything that decides what the training gives."""

    corpus: CorpusConfig
    heads: HeadsConfig
    fit: FitConfig


class TextImageConfig(_Settings):
    """Which text-image model is used, and how ours is trained.

    Attributes:
        kind: `mini-clip`, ours, or `open-clip`, any model of that library.
        model: for mini-clip the resolver's name or a folder; for open-clip the architecture's name.
        pretrained: open-clip only: tag of its weights, or a local file.
        threads: threads of the image encoders.
        training: recipe of mini-clip.
    """

    kind: Literal["mini-clip", "open-clip"]
    model: str
    pretrained: str | None = None
    threads: int = Field(default=1, ge=1)
    training: TrainingConfig | None = None


def load_config(path: Path = DEFAULT_CONFIG) -> TextImageConfig:
    """Read and check a configuration file.

    Raises:
        FileNotFoundError: no such file.
        pydantic.ValidationError: a key is unknown or a value out of bounds; the message names it.
    """
    return TextImageConfig.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
