"""Learns a thing in every way that is compared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from PIL import Image

from pipelines.features.image_encoders import ClipVisionEncoder
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.own_views import own_views
from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
from pipelines.hyperlora.references import TokenEncoder, coat_of, reference_tokens
from pipelines.hyperlora.refining import Refiner
from pipelines.lora import LoraFactors
from pipelines.mini.alike import look_of_lora
from pipelines.resolver import resolve
from pipelines.safetensors_bytes import write_tensors
from tests.bench.baselines.dreambooth_lora import DreamBoothConfig, DreamBoothLora
from tests.bench.baselines.image_conditioning import ImageConditioning
from tests.bench.baselines.method import Costs, Learned
from tests.bench.baselines.textual_inversion import TextualInversion

CLASS, PREDICTED, REFINED, CONDITIONED, INVERTED = "class", "predicted", "refined", "image conditioning", "inversion"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run of DreamBooth: its learning rate, and whether drawings of the class are shown beside the thing."""

    rate: float
    prior: bool

    @property
    def name(self) -> str:
        """What it is called in a table."""
        return f"DreamBooth-LoRA {self.rate:g}{'' if self.prior else ' without prior'}"

    def at(self, steps: int) -> str:
        """Return what a checkpoint is called among what was learned."""
        return f"{self.name}, {steps} steps"


class Learner:
    """Learns every subject in every way.

    Args:
        base: the frozen model.
        hypernetwork: predicts LoRAs.
        adapter: folder of trained image conditioning; None: it is left out.
        checkpoints: of DreamBooth.
        runs: of DreamBooth.
    """

    def __init__(
        self,
        base: EmbeddedBase,
        hypernetwork: HyperLoraPipeline,
        adapter: Path | None,
        checkpoints: Sequence[int],
        runs: Sequence[Run],
    ) -> None:
        self._base, self._hypernetwork, self._clip = base, hypernetwork, ClipVisionEncoder(resolve("clip-vision"))
        config = hypernetwork.hyperlora.config
        targets = [name for name, _, _ in config.layers]
        settings = DreamBoothConfig(targets=targets, rank=config.rank, checkpoints=checkpoints)
        self._dreambooth = {
            run: DreamBoothLora(
                base, replace(settings, learning_rate=run.rate, prior=settings.prior if run.prior else 0)
            )
            for run in runs
        }
        self._inversion = TextualInversion(base)
        self._conditioning: Callable[[Sequence[Image.Image]], Learned] | None = None
        if adapter is not None:
            opened = ImageConditioning.from_pretrained(adapter, dtype=torch.float32).eval()
            self._conditioning = partial(conditioned, opened, base, self._clip)

    def learn(self, cutouts: Sequence[Image.Image], kind: str, wanted: Collection[str]) -> dict[str, Learned]:
        """Return what was learned of a subject, by the way it was; `wanted` are the ways that are needed."""
        coat = coat_of(cutouts)
        predicted, lora = self._predict(cutouts)
        found = {CLASS: Learned(), PREDICTED: predicted}
        if REFINED in wanted:
            found[REFINED] = self._refine(predicted, lora, cutouts, kind, coat)
        if CONDITIONED in wanted and self._conditioning is not None:
            found[CONDITIONED] = self._conditioning(cutouts)
        if INVERTED in wanted:
            found[INVERTED] = self._inversion.learn(cutouts, kind, coat)
        for run, trainer in self._dreambooth.items():
            if any(name.startswith(f"{run.name}, ") for name in wanted):
                trained = trainer.learn(cutouts, kind, coat)
                found |= {run.at(steps): learned for steps, learned in trained.items()}
        return found

    def predict(self, cutouts: Sequence[Image.Image]) -> Learned:
        """Return what the hypernetwork makes of a subject."""
        return self._predict(cutouts)[0]

    def _predict(self, cutouts: Sequence[Image.Image]) -> tuple[Learned, LoraFactors]:
        with Costs() as costs:
            lora = self._hypernetwork.predict(cutouts, self._clip)
        look = look_of_lora(lora)
        predicted = Learned.of_lora(self._base.model, lora, look=look, seconds=costs.seconds, memory=costs.memory)
        return predicted, lora

    def _refine(
        self, start: Learned, lora: LoraFactors, cutouts: Sequence[Image.Image], kind: str, coat: Sequence[str]
    ) -> Learned:
        with Costs() as costs:
            refined = Refiner(self._base).refine(lora, own_views(self._base.pipeline, cutouts, kind, coat))
        seconds, memory = start.seconds + costs.seconds, max(start.memory, costs.memory)
        return Learned.of_lora(self._base.model, refined, seconds=seconds, memory=memory)


@torch.no_grad()
def conditioned(
    adapter: ImageConditioning, base: EmbeddedBase, encoder: TokenEncoder, cutouts: Sequence[Image.Image]
) -> Learned:
    """Return what image conditioning makes of a subject: its image tokens."""
    with Costs() as costs:
        references = torch.from_numpy(reference_tokens(cutouts, encoder))[None]
        tokens = adapter(references, torch.ones(references.shape[:2]))
    adapted = adapter.adapted(base.model, tokens[0])
    size = len(write_tensors({"tokens": tokens[0].to(torch.float16)}, {}))
    return Learned(adapted=adapted, seconds=costs.seconds, memory=costs.memory, size=size)
