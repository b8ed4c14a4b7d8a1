"""The small VLM: image tokens take the places of placeholders among the embeddings of a language model (LLaVA's way).

Shape legend: B prompts, L their length in tokens, P pictures in all prompts together, T tokens of a picture, F width
of a frozen image token, H width of the language model.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import DynamicCache

from pipelines.assistant.vlm.batches import UNLEARNED, Batch
from pipelines.assistant.vlm.configuration_vlm import VlmModelConfig

_PROJECTOR, _CONFIG, _ADAPTER = "projector.safetensors", "config.json", "adapter"


class Projector(nn.Sequential):
    """Frozen image tokens to embeddings: two layers as in LLaVA-1.5, narrow between, their input brought to one scale.

    Args:
        features: width of an image token.
        middle: width between the layers; it decides the size of what is shipped.
        hidden: width of the language model.
    """

    def __init__(self, features: int, middle: int, hidden: int) -> None:
        super().__init__(nn.LayerNorm(features), nn.Linear(features, middle), nn.GELU(), nn.Linear(middle, hidden))


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
        projector = Projector(features, config.middle, language.config.hidden_size)
        return cls(get_peft_model(language, lora), projector, config, placeholder_id(tokenizer, config.placeholder))

    @classmethod
    def load(cls, folder: Path, language: Any, tokenizer: Any) -> Self:
        """Put what was trained around the language model that it was trained with.

        Raises:
            FileNotFoundError: the folder holds no small VLM.
        """
        about = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        config = VlmModelConfig.model_validate(about["model"])
        projector = Projector(about["features"], config.middle, language.config.hidden_size)
        projector.load_state_dict(load_file(folder / _PROJECTOR))
        adapted = PeftModel.from_pretrained(language, str(folder / _ADAPTER))
        adapted.requires_grad_(False)
        return cls(adapted, projector, config, placeholder_id(tokenizer, config.placeholder))

    def save(self, folder: Path) -> None:
        """Write what was trained in half precision, safetensors only; the language model itself is not written."""
        adapter = folder / _ADAPTER
        adapter.mkdir(parents=True, exist_ok=True)
        lora = copy.copy(self.language.peft_config["default"])
        lora.base_model_name_or_path = None  # a place on the machine that it was trained on
        lora.save_pretrained(str(adapter))
        save_file(_halves(get_peft_model_state_dict(self.language)), adapter / "adapter_model.safetensors")
        save_file(_halves(self.projector.state_dict()), folder / _PROJECTOR)
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

    def forward(self, batch: Batch) -> Tensor:
        """Return the mean loss over the labelled tokens; logits are computed for those alone.

        Args:
            batch: see `Batch`.
        """
        seen = self.embed(batch.tokens, batch.pictures)
        inner = self.language.get_base_model()
        states = inner.model(
            inputs_embeds=seen,
            attention_mask=batch.sees,
            position_ids=batch.positions,
            past_key_values=self._remembered(batch.common, len(seen)),
            use_cache=True,
        ).last_hidden_state
        learned = batch.labels != UNLEARNED
        logits = inner.lm_head(states[learned])
        return nn.functional.cross_entropy(logits.float(), batch.labels[learned])

    def _remembered(self, common: Tensor, rows: int) -> DynamicCache:
        """Return the keys and values of ids [C], computed once and shown to `rows` prompts; gradients pass through."""
        words = self.language.get_input_embeddings()(common[None])
        inner = self.language.get_base_model().model
        once = inner(inputs_embeds=words, use_cache=True, past_key_values=DynamicCache()).past_key_values
        found = DynamicCache()
        for number, layer in enumerate(once.layers):
            found.update(layer.keys.expand(rows, -1, -1, -1), layer.values.expand(rows, -1, -1, -1), number)
        return found


def _halves(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().to("cpu", torch.float16).contiguous() for name, value in weights.items()}


def placeholder_id(tokenizer: Any, placeholder: str) -> int:
    """Return the id of the placeholder; raises `ValueError` where it is no single token of the tokenizer."""
    ids = tokenizer(placeholder, add_special_tokens=False)["input_ids"]
    if len(ids) != 1:
        raise ValueError(
            f"The placeholder {placeholder!r} is {len(ids)} tokens of this language model; it has to be one."
        )
    return int(ids[0])
