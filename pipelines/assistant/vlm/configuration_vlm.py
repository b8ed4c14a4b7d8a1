"""Settings of the small VLM and of its training, read from configs/vlm.yaml."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

DEFAULT_CONFIG = Path(__file__).resolve().parents[3] / "configs" / "vlm.yaml"


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VlmModelConfig(_Settings):
    """Shape of what is trained.

    Attributes:
        image_tokens: tokens of a picture in a prompt, a square number.
        placeholder: the token of the language model that stands where they go.
        rank: of the LoRA.
        alpha: of the LoRA; its scale is alpha / rank.
        targets: names of the linear layers that get one.
    """

    image_tokens: int = Field(ge=1)
    placeholder: str = Field(min_length=1)
    rank: int = Field(ge=1)
    alpha: int = Field(ge=1)
    targets: tuple[str, ...] = Field(min_length=1)

    @field_validator("image_tokens")
    @classmethod
    def _square(cls, tokens: int) -> int:
        if round(tokens**0.5) ** 2 != tokens:
            raise ValueError(f"{tokens} image tokens make no square grid; write 4, 9, 16, 49 or 196")
        return tokens


class VlmTrainingConfig(_Settings):
    """The recipe.

    Attributes:
        steps: optimiser steps.
        projector_only: the first of them, in which the language model stays as it is.
        batch: samples a step.
        learning_rate: of the projector, after a warm-up, falling as a cosine.
        language_learning_rate: of the LoRA, likewise.
        concepts: most cards in a prompt.
        noise: share of samples whose picture shows none of the cards.
        clip: norm that gradients are clipped to.
        log_every: steps between two lines of the log.
        save_every: steps between two checkpoints.
        seed: of weights and samples.
    """

    steps: int = Field(ge=1)
    projector_only: int = Field(ge=0)
    batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    language_learning_rate: float = Field(gt=0)
    concepts: int = Field(ge=1)
    noise: float = Field(ge=0, le=1)
    clip: float = Field(gt=0)
    log_every: int = Field(ge=1)
    save_every: int = Field(ge=1)
    seed: int = Field(ge=0)


class VlmConfig(_Settings):
    """Everything that can be set."""

    model: VlmModelConfig
    training: VlmTrainingConfig


def load_config(file: Path = DEFAULT_CONFIG) -> VlmConfig:
    """Read the settings."""
    return VlmConfig.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
