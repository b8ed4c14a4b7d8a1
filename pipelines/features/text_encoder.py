"""The frozen sentence encoder.

Shape legend: N texts, T tokens, D = 384.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from pipelines.features.preprocessing import FloatArray, normalise_rows

# What the model was trained with; its positions reach 512, but longer inputs were never seen in training.
MAX_SENTENCE_TOKENS = 128


class MiniLMTextEncoder:
    """all-MiniLM-L6-v2: texts to one vector each (mean over tokens), or to token features."""

    name = "minilm"

    def __init__(self, folder: Path | str, *, device: str = "cpu", batch_size: int = 64) -> None:
        """Load the encoder from a local folder.

        Args:
            folder: with model.safetensors, tokenizer.json and config.json.
            device: a torch device.
            batch_size: texts per forward pass.

        Raises:
            FileNotFoundError: the folder has no model.safetensors.
        """
        folder = Path(folder)
        if not (folder / "model.safetensors").is_file():
            raise FileNotFoundError(f"No model.safetensors in {folder}; fetch it with `python -m studio models fetch`.")
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        self.model.to(device).eval().requires_grad_(False)
        self.device = device
        self.batch_size = batch_size
        self.dim: int = self.model.config.hidden_size

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts into one vector each: the mean over their tokens.

        Returns:
            float32 [N, D], rows of length 1.
        """
        vectors = np.zeros((len(texts), self.dim), np.float32)
        # Texts of like length together, so that little is spent on padding.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            hidden, mask = self._encode([texts[index] for index in chosen], MAX_SENTENCE_TOKENS, padding=True)
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
            vectors[chosen] = mean.float().cpu().numpy()
        return normalise_rows(vectors)

    def tokens(self, texts: Sequence[str], max_length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Encode texts into token features, padded or cut to the same length.

        Args:
            texts: N texts.
            max_length: T, including the two marker tokens.

        Returns:
            hidden float32 [N, T, D], zero where padded, and mask bool [N, T], on the encoder's device.
        """
        hidden, mask = self._encode(list(texts), max_length, padding="max_length")
        return hidden * mask.unsqueeze(-1).to(hidden.dtype), mask.bool()

    @torch.no_grad()
    def _encode(self, texts: list[str], max_length: int, padding: bool | str) -> tuple[torch.Tensor, torch.Tensor]:
        batch = self.tokenizer(texts, padding=padding, truncation=True, max_length=max_length, return_tensors="pt").to(
            self.device
        )
        hidden: torch.Tensor = self.model(**batch).last_hidden_state
        return hidden, batch["attention_mask"]
