"""Settings of the small VLM and of its training, read from configs/vlm.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

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
        tags: kinds that are told of a picture in words while it learns; 0: none, and no colours either.
        told: the same when it is asked.
        middle: width of the projector between its two layers.
        rank: of the LoRA.
        alpha: of the LoRA; its scale is alpha / rank.
        targets: names of the linear layers that get one.
    """

    image_tokens: int = Field(ge=1)
    placeholder: str = Field(min_length=1)
    tags: int = Field(ge=0)
    told: int = Field(ge=0)
    middle: int = Field(ge=1)
    rank: int = Field(ge=1)
    alpha: int = Field(ge=1)
    targets: tuple[str, ...] = Field(min_length=1)

    @field_validator("image_tokens")
    @classmethod
    def _square(cls, tokens: int) -> int:
        if round(tokens**0.5) ** 2 != tokens:
            raise ValueError(f"{tokens} image tokens make no square grid; write 4, 9, 16, 49 or 196")
        return tokens


class PicturesConfig(_Settings):
    """Which drawings are learned from, and how they are shown.

    Attributes:
        counts: how many of each part of the corpus, at most.
        groups: of drawings whose class words pictures may be tagged with, besides the everyday kinds; pictures of other
            kinds are not learned from.
        photographed: share that is made to look like photos.
        seed: of the choice.
    """

    counts: dict[str, int]
    groups: tuple[str, ...]
    photographed: float = Field(ge=0, le=1)
    seed: int = Field(ge=0)


class LessonConfig(_Settings):
    """What is asked about a picture.

    Attributes:
        cards: most cards in a prompt.
        noise: share of the lessons that may have cards of other things (RAP's noise concepts).
        strangers: share of the lessons whose picture shows none of the cards.
        unseen: share of those with cards that have no picture.
        questions: about one picture, a description among them.
    """

    cards: int = Field(ge=1)
    noise: float = Field(ge=0, le=1)
    strangers: float = Field(ge=0, le=1)
    unseen: float = Field(ge=0, le=1)
    questions: int = Field(ge=1)


class WordsConfig(_Settings):
    """The projector's first lessons, without the language model; see `pipelines.assistant.vlm.words`.

    Attributes:
        steps: optimiser steps; 0: none.
        batch: pictures a step.
        learning_rate: falls as a cosine.
        sharpness: what the scores of words are multiplied by.
    """

    steps: int = Field(ge=0)
    batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    sharpness: float = Field(gt=0)


class VlmTrainingConfig(_Settings):
    """The recipe.

    Attributes:
        steps: optimiser steps.
        batch: lessons a step.
        base: number format of the frozen language model.
        learning_rate: of the projector, after a warm-up, falling as a cosine.
        language_learning_rate: of the LoRA, likewise.
        clip: norm that gradients are clipped to.
        log_every: steps between two lines of the log.
        save_every: steps between two checkpoints.
        seed: of weights and samples.
    """

    steps: int = Field(ge=1)
    batch: int = Field(ge=1)
    base: Literal["float32", "bfloat16"]
    learning_rate: float = Field(gt=0)
    language_learning_rate: float = Field(gt=0)
    clip: float = Field(gt=0)
    log_every: int = Field(ge=1)
    save_every: int = Field(ge=1)
    seed: int = Field(ge=0)


class VlmConfig(_Settings):
    """Everything that can be set."""

    model: VlmModelConfig
    pictures: PicturesConfig
    lessons: LessonConfig
    words: WordsConfig
    training: VlmTrainingConfig


def load_config(file: Path = DEFAULT_CONFIG) -> VlmConfig:
    """Read the settings."""
    return VlmConfig.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
