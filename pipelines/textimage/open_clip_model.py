"""Any model of open_clip behind the text-image protocol."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import open_clip
import torch
from PIL import Image

from pipelines.features.preprocessing import FloatArray, normalise_rows, on_ground


class OpenClipTextImage:
    """A pretrained open_clip model; follows `pipelines.textimage.base.TextImageModel`."""

    def __init__(self, model: str, pretrained: str | None, *, device: str = "cpu", batch_size: int = 16) -> None:
        """Load the model.

        Args:
            model: open_clip's name of the architecture, or `hf-hub:…`.
            pretrained: tag of the weights, or a local file; None leaves them random.
            device: a torch device.
            batch_size: pictures or texts per forward pass.
        """
        self.model, _, self.preprocess = open_clip.create_model_and_transforms(model, pretrained=pretrained)
        self.model.to(device).eval().requires_grad_(False)
        self.tokenizer = open_clip.get_tokenizer(model)
        self.device = device
        self.batch_size = batch_size

    @torch.no_grad()
    def embed_images(self, images: Sequence[Image.Image]) -> FloatArray:
        """Encode pictures, RGB or RGBA of any size, to [N, D] with rows of length 1."""
        parts = []
        for start in range(0, len(images), self.batch_size):
            pixels = [self.preprocess(on_ground(image)) for image in images[start : start + self.batch_size]]
            parts.append(self.model.encode_image(torch.stack(pixels).to(self.device)).float().cpu().numpy())
        return normalise_rows(np.concatenate(parts))

    @torch.no_grad()
    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts to [M, D] with rows of length 1."""
        parts = []
        for start in range(0, len(texts), self.batch_size):
            tokens = self.tokenizer(list(texts[start : start + self.batch_size])).to(self.device)
            parts.append(self.model.encode_text(tokens).float().cpu().numpy())
        return normalise_rows(np.concatenate(parts))

    def similarity(self, image_embeddings: FloatArray, text_embeddings: FloatArray) -> FloatArray:
        """Score every pair: [N, M] logits."""
        return image_embeddings @ text_embeddings.T * np.float32(self.model.logit_scale.exp().item())
