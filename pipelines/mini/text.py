"""The frozen text encoder's token features, as the denoiser is conditioned on them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import BertModel, PreTrainedTokenizerBase


@torch.no_grad()
def encode_tokens(
    encoder: BertModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], length: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token features and their mask.

    Args:
        encoder: MiniLM or another BERT, frozen.
        tokenizer: its tokenizer; longer texts are cut at `length` tokens.
        texts: captions; the empty text is the unconditional one.
        length: tokens per text, padding included.

    Returns:
        float32 [N, length, D] (zero at padding) and bool [N, length].
    """
    batch = tokenizer(list(texts), padding="max_length", truncation=True, max_length=length, return_tensors="pt").to(
        encoder.device
    )
    used = int(batch["attention_mask"].sum(dim=1).max())  # padding costs as much as words, so it is not run
    hidden = encoder(
        input_ids=batch["input_ids"][:, :used], attention_mask=batch["attention_mask"][:, :used]
    ).last_hidden_state
    mask = batch["attention_mask"].bool()
    features = hidden.new_zeros(len(texts), length, hidden.shape[-1])
    features[:, :used] = hidden * mask[:, :used, None]
    return features.float(), mask


def mean_features(
    encoder: BertModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], length: int = 32
) -> torch.Tensor:
    """Return the mean token features of texts, [N, D] of unit length: what MiniLM was trained to compare."""
    features, mask = encode_tokens(encoder, tokenizer, texts, length)
    return torch.nn.functional.normalize(features.sum(dim=1) / mask.sum(dim=1, keepdim=True), dim=-1)
