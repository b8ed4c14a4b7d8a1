"""Pictures of a subject to its personal LoRA, in one forward pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers import DiffusionPipeline
from PIL import Image
from torch import Tensor

from pipelines.hyperlora.modeling_hyperlora import HyperLora
from pipelines.hyperlora.pipeline_output import HyperLoraPipelineOutput
from pipelines.hyperlora.references import TokenEncoder, coat_of, look_of, reference_tokens
from pipelines.lora import COAT, LOOK, LoraFactors
from pipelines.mini.alike import look_to_text


class HyperLoraPipeline(DiffusionPipeline):
    """Predicts a personal LoRA from one to eight cut-outs of a subject.

    The image encoder is handed in with each call: it is shared with the rest of an application and is not saved here.

    Args:
        hyperlora: the trained hypernetwork.
    """

    def __init__(self, hyperlora: HyperLora) -> None:
        super().__init__()
        self.register_modules(hyperlora=hyperlora)

    def check_inputs(self, cutouts: Sequence[Image.Image]) -> None:
        """Raise `ValueError` unless there is at least one cut-out and not more than the hypernetwork takes."""
        most = self.hyperlora.config.max_references
        if not 1 <= len(cutouts) <= most:
            raise ValueError(f"{len(cutouts)} cut-outs were given; the hypernetwork takes 1 to {most}.")

    def encode_references(self, cutouts: Sequence[Image.Image], image_encoder: TokenEncoder) -> Tensor:
        """Return the tokens of the cut-outs [1, R, T, D] on the hypernetwork's device."""
        tokens = torch.from_numpy(reference_tokens(cutouts, image_encoder))
        return tokens[None].to(self.hyperlora.device, self.hyperlora.dtype)

    @torch.no_grad()
    def __call__(
        self, cutouts: Sequence[Image.Image], image_encoder: TokenEncoder, metadata: dict[str, str] | None = None
    ) -> HyperLoraPipelineOutput:
        """Predict the LoRA of the subject that all the cut-outs show; their order does not matter.

        Args:
            cutouts: RGBA pictures, 1 to `max_references`.
            image_encoder: the frozen encoder that the hypernetwork was trained with.
            metadata: text that is to travel with the LoRA, beside the subject's main colours and its look.

        Raises:
            ValueError: no or too many cut-outs, or one that is wholly transparent.
        """
        self.check_inputs(cutouts)
        tokens = self.encode_references(cutouts, image_encoder)
        output = self.hyperlora(tokens, torch.ones(tokens.shape[:2], device=tokens.device))
        notes = {"base_model": self.hyperlora.config.base_model, "references": str(len(cutouts)), **(metadata or {})}
        notes |= {COAT: " ".join(coat_of(cutouts)), LOOK: look_to_text(look_of(tokens[0].float().cpu().numpy()))}
        lora = output.row(0, self.hyperlora.config.component, notes)
        return HyperLoraPipelineOutput(lora=lora, references=len(cutouts))

    def predict(self, cutouts: Sequence[Image.Image], image_encoder: TokenEncoder) -> LoraFactors:
        """Return only the factors of `__call__`."""
        return self(cutouts, image_encoder).lora
