"""What every way of personalization hands back, so that all of them are drawn and measured by one piece of code."""

from __future__ import annotations

import gc
import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
import psutil
from numpy.typing import NDArray
from torch import Tensor, nn

from pipelines.hyperlora.denoising import DenoisingBase
from pipelines.lora import LoraFactors, RowLora
from pipelines.mini.alike import Look
from pipelines.mini.dressing import Adapted, AdaptedDresser
from pipelines.mini.pipeline_mini import MiniPipeline

_ARTICLE = re.compile(r"^an? ")


def _unadapted(_: Tensor) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, eq=False, kw_only=True)
class Learned:
    """What was learned of one thing, and how it is drawn.

    Attributes:
        adapted: adapts the denoiser while the context is open, for rows with these scales [N]; 0 is the base. A LoRA is
            added to its layers, image tokens are read beside the text. None: the denoiser stays as it is.
        name: word that captions call the thing by, before its class word; "": by its class word alone.
        speaking: while the context is open, the text encoder knows that word.
        look: what the thing looks like, by which the studio chooses what it is drawn after; None: its class word does.
        seconds: of one core, from the references to this; what else the machine does does not count.
        memory: peak of what the learning took beyond the loaded models, bytes.
        size: of what has to be kept, bytes.
    """

    adapted: Adapted | None = None
    name: str = ""
    speaking: Callable[[], AbstractContextManager[None]] = nullcontext
    look: Look | None = None
    seconds: float = 0.0
    memory: int = 0
    size: int = 0

    @classmethod
    def of_lora(cls, model: nn.Module, lora: LoraFactors, **entries) -> Self:
        """Return how a LoRA is drawn; `entries` are the other attributes."""
        return cls(adapted=partial(RowLora, model, lora.layers), size=len(lora.to_bytes()), **entries)

    @property
    def personal(self) -> bool:
        """Whether anything was learned."""
        return self.adapted is not None or bool(self.name)

    def adapting(self, scales: Tensor) -> AbstractContextManager:
        """Adapt the denoiser for rows with these scales [N]."""
        return (self.adapted or _unadapted)(scales)

    def encode_text(self, base: DenoisingBase, captions: Sequence[str]) -> dict[str, Tensor]:
        """Return the conditions of captions that call the thing by its class word, in the words learned for it."""
        with self.speaking():
            return base.encode_text([called(caption, self.name) for caption in captions])


def called(caption: str, name: str) -> str:
    """Return "a dog, flat style" as "a NAME dog, flat style"; the caption itself for the name ""."""
    if not name:
        return caption
    found = _ARTICLE.match(caption)
    return f"a {name} {caption[found.end() :]}" if found else f"{name} {caption}"


class LearnedDresser(AdaptedDresser):
    """Dresses drawings as what was learned expects the thing to look, called in the words learned for it.

    Args:
        pipeline: whose denoiser is adapted.
        learned: of the thing.
        coat: main colours of the thing; (): hues are as expected.
    """

    def __init__(self, pipeline: MiniPipeline, learned: Learned, coat: Sequence[str]) -> None:
        super().__init__(pipeline, learned.adapting, coat)
        self._learned = learned

    def __call__(self, drawing: NDArray[np.uint8], words: str) -> NDArray[np.uint8]:
        """Return the drawing with the look of the thing, see `AdaptedDresser`."""
        with self._learned.speaking():
            return super().__call__(drawing, called(words, self._learned.name))


class Costs:
    """Measures, while the context is open, processor time, and by how much the process's resident memory grows at most.

    Models that are loaded before do not count, nor does the clearing up that comes before the first look at the memory.
    What the process has freed and not given back can be taken again without growing; so of several measurements of the
    same thing the largest tells.

    Attributes:
        memory: bytes.
        seconds: of one core; when the context is closed, of all of it.
    """

    def __init__(self, every: float = 0.02) -> None:
        self._every, self._done = every, threading.Event()
        self._process = psutil.Process()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.memory, self.seconds = 0, 0.0

    def __enter__(self) -> Self:
        gc.collect()
        self._before = self._process.memory_info().rss
        self._thread.start()
        self._started = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.look()
        self._done.set()
        self._thread.join()

    def look(self) -> Self:
        """Look now: the attributes are those up to here."""
        self.memory = max(self.memory, self._process.memory_info().rss - self._before)
        self.seconds = time.process_time() - self._started
        return self

    def _watch(self) -> None:
        while not self._done.wait(self._every):
            self.memory = max(self.memory, self._process.memory_info().rss - self._before)
