"""mini-CLIP put together: frozen encoders and the trained heads behind the text-image protocol."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from pipelines.features.image_encoders import ImageEncoder
from pipelines.features.preprocessing import FloatArray
from pipelines.features.text_encoder import MiniLMTextEncoder
from pipelines.textimage.modeling_mini_clip import MiniClip


class MiniClipTextImage:
    """Our own text-image model; follows `pipelines.textimage.base.TextImageModel`."""

    def __init__(
        self, heads: MiniClip, image_encoders: Sequence[ImageEncoder], text_encoder: MiniLMTextEncoder
    ) -> None:
        """Join the parts.

        Args:
            heads: the trained projections.
            image_encoders: in the order of the heads' `image_features`.
            text_encoder: of the width that the heads expect.

        Raises:
            ValueError: encoders that are not the ones the heads were trained on.
        """
        names = [encoder.name for encoder in image_encoders]
        if names != list(heads.config.image_features):
            raise ValueError(f"The heads were trained on {list(heads.config.image_features)}, not on {names}.")
        if text_encoder.dim != heads.config.text_dim:
            raise ValueError(
                f"The heads take texts {heads.config.text_dim} wide, the encoder gives {text_encoder.dim}."
            )
        self.heads = heads.eval().requires_grad_(False)
        self.image_encoders = tuple(image_encoders)
        self.text_encoder = text_encoder

    def embed_images(self, images: Sequence[Image.Image]) -> FloatArray:
        """Encode pictures, RGB or RGBA of any size, to [N, D] with rows of length 1."""
        return self.project_features([encoder.embed(images) for encoder in self.image_encoders])

    def project_features(self, features: Sequence[FloatArray]) -> FloatArray:
        """Bring embeddings that the encoders gave earlier, one array per encoder, to [N, D]."""
        joined = torch.from_numpy(np.concatenate(features, axis=1))
        projected: FloatArray = self.heads.project_images(joined.to(self.heads.device)).cpu().numpy()
        return projected

    def embed_texts(self, texts: Sequence[str]) -> FloatArray:
        """Encode texts to [M, D] with rows of length 1."""
        features = torch.from_numpy(self.text_encoder.embed(texts))
        projected: FloatArray = self.heads.project_texts(features.to(self.heads.device)).cpu().numpy()
        return projected

    def similarity(self, image_embeddings: FloatArray, text_embeddings: FloatArray) -> FloatArray:
        """Score every pair: [N, M] logits."""
        return image_embeddings @ text_embeddings.T * np.float32(self.heads.scale().item())
