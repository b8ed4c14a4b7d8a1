"""Places in a photo by an open-vocabulary detector of transformers: OWLv2, Grounding DINO and their like.

Shape legend: Q boxes that the model proposes, W words that are looked for (or, for Grounding DINO, tokens).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import torch
from PIL import Image
from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

from pipelines.recognition.regions import Box, area, without_repeats

# What is looked for besides the kinds of the known things, so that unknown things have places too.
GENERIC = ("person", "animal", "toy", "object")
BOXES_MAX = 12  # each place costs two networks' look at it
_WORDS_MAX = 40  # Grounding DINO reads at most 256 tokens
_SAME = 0.6
_SMALLEST = 0.003


class DetectorError(Exception):
    """The detector cannot be had, or does not fit."""


class OpenVocabularyProposer:
    """Asks a zero-shot detector for things of some kinds.

    Args:
        model: behind ``AutoModelForZeroShotObjectDetection``.
        processor: of that model.
        threshold: least score of a box, 0–1.
        most: boxes of a photo.
    """

    def __init__(self, model: Any, processor: Any, *, threshold: float = 0.2, most: int = BOXES_MAX) -> None:
        self.model, self.processor = model.eval(), processor
        self._threshold, self._most = threshold, most

    @classmethod
    def open(
        cls,
        model: str,
        *,
        revision: str | None = None,
        device: str = "cpu",
        dtype: str = "auto",
        threshold: float = 0.2,
    ) -> Self:
        """Load a model from a folder or the hub: safetensors only, and no code of its own.

        Raises:
            DetectorError: it cannot be had, or it is no zero-shot detector.
        """
        chosen = {"revision": revision, "trust_remote_code": False}
        try:
            processor = AutoProcessor.from_pretrained(model, **chosen)
            weights = AutoModelForZeroShotObjectDetection.from_pretrained(
                model, dtype=dtype, use_safetensors=True, **chosen
            )
        except (OSError, ValueError, KeyError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise DetectorError(
                f"The detector {model} cannot be loaded: {reason}. Check its name and the network, or give a folder."
            ) from error
        if not hasattr(processor, "post_process_grounded_object_detection"):
            raise DetectorError(f"{model} is no open-vocabulary detector; choose OWLv2 or Grounding DINO.")
        return cls(weights.to(device), processor, threshold=threshold)

    def propose(self, photo: Image.Image, kinds: Sequence[str] = ()) -> list[Box]:
        """See `RegionProposer.propose`; at most as many boxes as were asked for, the surest first."""
        scores, boxes = self._detect(photo, words_for(kinds))
        ordered = [boxes[at] for at in torch.argsort(scores, descending=True).tolist()]
        shares = [_within(box, photo.size) for box in ordered]
        return without_repeats((box for box in shares if area(box) >= _SMALLEST), _SAME)[: self._most]

    @torch.inference_mode()
    def _detect(self, photo: Image.Image, words: list[str]) -> tuple[torch.Tensor, list[list[float]]]:
        """Return the scores [Q] and the boxes [Q, 4] in pixels of what is above the threshold."""
        inputs = self.processor(images=photo, text=[words], truncation=True, return_tensors="pt").to(self.model.device)
        for name, value in inputs.items():
            if value.is_floating_point():
                inputs[name] = value.to(self.model.dtype)
        outputs = self.model(**inputs)
        (found,) = self.processor.post_process_grounded_object_detection(
            outputs, threshold=self._threshold, target_sizes=[(photo.height, photo.width)]
        )
        return found["scores"].float().cpu(), found["boxes"].float().cpu().tolist()


def words_for(kinds: Sequence[str]) -> list[str]:
    """Return what is looked for: the kinds, each once, and the generic ones."""
    # a full stop ends a thing for Grounding DINO
    own = list(dict.fromkeys(" ".join(kind.replace(".", " ").lower().split()) for kind in kinds if kind.strip()))
    return list(dict.fromkeys([*own[: _WORDS_MAX - len(GENERIC)], *GENERIC]))


def _within(box: list[float], size: tuple[int, int]) -> Box:
    """From pixels to shares, cut off at the photo's edges."""
    left, top, right, bottom = (min(1.0, max(0.0, value / side)) for value, side in zip(box, size * 2, strict=True))
    return left, top, right, bottom
