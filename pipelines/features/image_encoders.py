"""Frozen image encoders over ONNX graphs, one class per graph.

Shape legend: N pictures, T tokens of a picture, D width of a feature, S input edge.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from pipelines.features.preprocessing import (
    CLIP_MEAN,
    CLIP_STD,
    IMAGENET_MEAN,
    IMAGENET_STD,
    FloatArray,
    alpha_grid,
    has_alpha,
    normalise_rows,
    to_pixels,
)
from pipelines.features.sessions import Provider, open_session

INPUT_EDGE = 224


class ImageEncoder(ABC):
    """Pictures to L2-normalised vectors, and to tokens.

    Attributes:
        name: the model's name for the resolver.
        dim: D of `embed`.
        token_dim: D of `tokens`.
        token_count: T of `tokens`.
    """

    name: ClassVar[str]
    dim: ClassVar[int]
    token_dim: ClassVar[int]
    token_count: ClassVar[int]
    mean: ClassVar[tuple[float, float, float]] = IMAGENET_MEAN
    std: ClassVar[tuple[float, float, float]] = IMAGENET_STD
    batch_size: ClassVar[int] = 8

    def __init__(self, path: Path | str, *, threads: int = 1, provider: Provider = "cpu") -> None:
        """Open the graph.

        Args:
            path: the .onnx file.
            threads: intra-op threads of onnxruntime.
            provider: where it runs.
        """
        self.session = open_session(path, threads=threads, provider=provider)
        self._input = self.session.get_inputs()[0].name

    def embed(self, images: Sequence[Image.Image]) -> FloatArray:
        """Encode pictures into one vector each.

        Args:
            images: RGB or RGBA of any size; transparency is laid on a neutral ground.

        Returns:
            float32 [N, D], rows of length 1.
        """
        pooled = [self._pool(part, outputs) for part, outputs in self._run(images)]
        return normalise_rows(np.concatenate(pooled)) if pooled else np.zeros((0, self.dim), np.float32)

    def tokens(self, images: Sequence[Image.Image]) -> FloatArray:
        """Encode pictures into their tokens, as the graph gives them.

        Returns:
            float32 [N, T, D].
        """
        parts = [self._tokens(outputs) for _, outputs in self._run(images)]
        return np.concatenate(parts) if parts else np.zeros((0, self.token_count, self.token_dim), np.float32)

    def embed_and_tokens(self, images: Sequence[Image.Image]) -> tuple[FloatArray, FloatArray]:
        """Give `embed` and `tokens` of the same pictures from one pass through the graph."""
        runs = list(self._run(images))
        if not runs:
            return self.embed(images), self.tokens(images)
        pooled = normalise_rows(np.concatenate([self._pool(part, outputs) for part, outputs in runs]))
        return pooled, np.concatenate([self._tokens(outputs) for _, outputs in runs])

    def _run(self, images: Sequence[Image.Image]) -> Iterator[tuple[Sequence[Image.Image], list[FloatArray]]]:
        for start in range(0, len(images), self.batch_size):
            part = images[start : start + self.batch_size]
            pixels = np.stack([to_pixels(image, INPUT_EDGE, mean=self.mean, std=self.std) for image in part])
            yield part, self.session.run(None, {self._input: pixels})

    @abstractmethod
    def _pool(self, images: Sequence[Image.Image], outputs: list[FloatArray]) -> FloatArray:
        """Turn the graph's outputs for a batch into [N, D], not yet normalised."""

    @abstractmethod
    def _tokens(self, outputs: list[FloatArray]) -> FloatArray:
        """Turn the graph's outputs for a batch into [N, T, D]."""


class ClipVisionEncoder(ImageEncoder):
    """CLIP ViT-B/16's vision tower in int8: 512-d projected embedding, 197 × 768 tokens (class token first)."""

    name = "clip-vision"
    dim = 512
    token_dim = 768
    token_count = 197
    mean = CLIP_MEAN
    std = CLIP_STD
    # The graph quantises activations by the range of the whole batch, so a picture's feature would depend on its
    # neighbours; one at a time it is a function of the picture alone, and on a CPU no slower.
    batch_size = 1

    def _pool(self, images: Sequence[Image.Image], outputs: list[FloatArray]) -> FloatArray:
        return outputs[0]

    def _tokens(self, outputs: list[FloatArray]) -> FloatArray:
        return outputs[1]


class TinyVitEncoder(ImageEncoder):
    """TinyViT-5M trained on ImageNet-22k: 320-d pooled feature; its only token is that feature."""

    name = "tinyvit"
    dim = 320
    token_dim = 320
    token_count = 1

    def _pool(self, images: Sequence[Image.Image], outputs: list[FloatArray]) -> FloatArray:
        return outputs[0]

    def _tokens(self, outputs: list[FloatArray]) -> FloatArray:
        return outputs[0][:, None, :]


class DinoV2Encoder(ImageEncoder):
    """DINOv2 ViT-S/14, patch features pooled to an 8 × 8 grid: 64 tokens × 384, row by row.

    The graph has no class token. A cut-out is pooled over the cells its subject covers; an opaque photo over the
    middle 4 × 4, where a photographed subject usually is (0.92 instead of 0.59 right on the photos of 20 subjects).
    """

    name = "dinov2"
    dim = 384
    token_dim = 384
    token_count = 64
    grid: ClassVar[int] = 8

    def _pool(self, images: Sequence[Image.Image], outputs: list[FloatArray]) -> FloatArray:
        weights = np.stack([self._weights(image) for image in images])
        pooled: FloatArray = np.einsum("nhwd,nhw->nd", outputs[0], weights).astype(np.float32)
        return pooled

    def _tokens(self, outputs: list[FloatArray]) -> FloatArray:
        return outputs[0].reshape(len(outputs[0]), self.token_count, self.token_dim)

    def _weights(self, image: Image.Image) -> FloatArray:
        """Weights of the cells, [8, 8] summing to 1."""
        weights = np.zeros((self.grid, self.grid), np.float32)
        weights[2:6, 2:6] = 1.0
        if has_alpha(image):
            shares = alpha_grid(image, INPUT_EDGE, self.grid)
            # A wholly transparent picture has no subject to pool over; the middle is as good as any place.
            weights = shares if shares.sum() > 1e-6 else weights
        return weights / weights.sum()


IMAGE_ENCODERS: dict[str, type[ImageEncoder]] = {
    encoder.name: encoder for encoder in (ClipVisionEncoder, TinyVitEncoder, DinoV2Encoder)
}


def load_image_encoder(name: str, path: Path | str, *, threads: int = 1, provider: Provider = "cpu") -> ImageEncoder:
    """Open the encoder called `name` from a graph on disk.

    Raises:
        ValueError: no encoder has that name.
    """
    if name not in IMAGE_ENCODERS:
        raise ValueError(f"No image encoder is called {name!r}; known are {', '.join(sorted(IMAGE_ENCODERS))}.")
    return IMAGE_ENCODERS[name](path, threads=threads, provider=provider)
