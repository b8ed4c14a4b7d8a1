"""The small VLM: image tokens take the places of placeholders among the embeddings of a language model (LLaVA's way).

Shape legend: B prompts, L their length in tokens, P pictures in all prompts together, T tokens of a picture, F width
of a frozen image token, H width of the language model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pipelines.assistant.vlm.configuration_vlm import VlmModelConfig
from pipelines.features.image_encoders import ImageEncoder
from pipelines.features.preprocessing import FloatArray

_PROJECTOR, _CONFIG, _ADAPTER = "projector.safetensors", "config.json", "adapter"


class Projector(nn.Sequential):
    """Frozen image tokens to embeddings: two layers as in LLaVA-1.5, their input brought to one scale."""

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__(nn.LayerNorm(features), nn.Linear(features, hidden), nn.GELU(), nn.Linear(hidden, hidden))


class SmallVlm(nn.Module):
    """A language model that is shown pictures.

    Args:
        language: a causal language model of transformers, already with LoRA (see `fresh` and `load`).
        projector: from image tokens to its embeddings.
        config: of both.
        placeholder: id of the token that stands where a picture's tokens go.
    """

    def __init__(self, language: Any, projector: Projector, config: VlmModelConfig, placeholder: int) -> None:
        super().__init__()
        self.language, self.projector, self.config, self.placeholder = language, projector, config, placeholder

    @classmethod
    def fresh(cls, language: Any, tokenizer: Any, features: int, config: VlmModelConfig) -> Self:
        """Put a LoRA that changes nothing yet, and a random projector, around a frozen language model.

        Args:
            language: a causal language model of transformers.
            tokenizer: its own.
            features: width of a frozen image token.
            config: what is trained.
        """
        lora = LoraConfig(
            r=config.rank, lora_alpha=config.alpha, target_modules=list(config.targets), task_type="CAUSAL_LM"
        )
        projector = Projector(features, language.config.hidden_size)
        return cls(get_peft_model(language, lora), projector, config, placeholder_id(tokenizer, config.placeholder))

    @classmethod
    def load(cls, folder: Path, language: Any, tokenizer: Any) -> Self:
        """Put what was trained around the language model that it was trained with.

        Raises:
            FileNotFoundError: the folder holds no small VLM.
        """
        about = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        config = VlmModelConfig.model_validate(about["model"])
        projector = Projector(about["features"], language.config.hidden_size)
        projector.load_state_dict(load_file(folder / _PROJECTOR))
        adapted = PeftModel.from_pretrained(language, str(folder / _ADAPTER))
        return cls(adapted, projector, config, placeholder_id(tokenizer, config.placeholder))

    def save(self, folder: Path) -> None:
        """Write what was trained, safetensors only; the language model itself is not written."""
        folder.mkdir(parents=True, exist_ok=True)
        self.language.save_pretrained(str(folder / _ADAPTER), safe_serialization=True)
        save_file(
            {name: value.contiguous() for name, value in self.projector.state_dict().items()}, folder / _PROJECTOR
        )
        features = self.projector[0].normalized_shape[0]
        about = {"model": self.config.model_dump(mode="json"), "features": features}
        (folder / _CONFIG).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")

    @property
    def lora(self) -> list[nn.Parameter]:
        """The weights of the LoRA."""
        return [weight for name, weight in self.language.named_parameters() if "lora_" in name]

    def embed(self, tokens: Tensor, pictures: Tensor) -> Tensor:
        """Return the embeddings of prompts with their pictures in place.

        Args:
            tokens: ids [B, L], with T placeholders for each picture, in the order of the pictures.
            pictures: [P, T, F].

        Returns:
            [B, L, H].

        Raises:
            ValueError: there is not a placeholder for every token of the pictures.
        """
        words = self.language.get_input_embeddings()(tokens)
        places = tokens == self.placeholder
        shown = self.projector(pictures.to(self.projector[1].weight.dtype)).flatten(0, 1).to(words.dtype)
        if int(places.sum()) != len(shown):
            raise ValueError(f"{int(places.sum())} places for image tokens do not fit {len(shown)} tokens of pictures.")
        return words.masked_scatter(places[..., None], shown)

    def forward(self, tokens: Tensor, mask: Tensor, pictures: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss over the labelled tokens.

        Args:
            tokens: ids [B, L].
            mask: 1 for tokens, 0 for padding, [B, L].
            pictures: [P, T, F].
            labels: ids, −100 where nothing is to be learned, [B, L].
        """
        seen = self.embed(tokens, pictures)
        loss: Tensor = self.language(inputs_embeds=seen, attention_mask=mask, labels=labels).loss
        return loss


def placeholder_id(tokenizer: Any, placeholder: str) -> int:
    """Return the id of the placeholder; raises `ValueError` where it is no single token of the tokenizer."""
    ids = tokenizer(placeholder, add_special_tokens=False)["input_ids"]
    if len(ids) != 1:
        raise ValueError(
            f"The placeholder {placeholder!r} is {len(ids)} tokens of this language model; it has to be one."
        )
    return int(ids[0])


def image_tokens(pictures: Sequence[Image.Image], encoder: ImageEncoder, count: int) -> FloatArray:
    """Return the frozen tokens of pictures, the encoder's patches averaged over a square grid.

    Returns:
        float32 [P, count, F].
    """
    patches = encoder.tokens(pictures)
    side = int(patches.shape[1] ** 0.5)
    patches = patches[:, -(side * side) :]  # without a class token
    grid = torch.from_numpy(np.ascontiguousarray(patches)).unflatten(1, (side, side)).permute(0, 3, 1, 2)
    pooled = nn.functional.adaptive_avg_pool2d(grid, round(count**0.5))
    found: FloatArray = pooled.flatten(2).transpose(1, 2).contiguous().numpy()
    return found
