"""What the hypernetwork's pipeline returns."""

from __future__ import annotations

from dataclasses import dataclass

from diffusers.utils import BaseOutput

from pipelines.lora import LoraFactors


@dataclass
class HyperLoraPipelineOutput(BaseOutput):
    """One personal LoRA.

    Attributes:
        lora: the factors, for the base model that `HyperLora.config.base_model` names.
        references: how many pictures it was predicted from.
    """

    lora: LoraFactors
    references: int
