"""Refines personal LoRAs of the embedded base model by training on the subject's own cut-outs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from studio.engines.base import Refined, Report
from studio.engines.quiet import quieten_libraries
from studio.engines.reading import chosen_device
from studio.errors import InvalidInput, ModelMissing

if TYPE_CHECKING:
    from pipelines.lora import LoraFactors

_TRAINING = (0.25, 0.85)  # what comes before and behind it is drawing, to see what it brings


class DiffusionRefiningEngine:
    """Trains with the diffusion error of the base; the likeness is measured by features that are not trained on.

    The models are loaded for every refinement and let go after it: it is rare, and needs memory.

    Args:
        model: name of the base model that the LoRAs are for.
        encoder: name of the image encoder that measures.
        steps: of training.
        seeds: of the pictures that are drawn before and after, in every style of the base.
        fidelity: of those pictures.
        models: the file that says where models come from; None: the one that is shipped.
        device: ``auto`` takes the GPU where there is one.
        find: from a model's name to its place on this machine; None asks the resolver.
    """

    def __init__(  # noqa: PLR0913 - options of a configuration, all of them with defaults
        self,
        *,
        model: str = "mini",
        encoder: str = "tinyvit",
        steps: int = 60,
        seeds: Sequence[int] = (1, 3),
        fidelity: float = 0.7,
        models: str | Path | None = None,
        device: str = "auto",
        find: Callable[[str], Path] | None = None,
    ) -> None:
        self._names = {"model": model, "encoder": encoder}
        self._steps, self._seeds, self._fidelity, self._device = steps, tuple(seeds), fidelity, device
        self._models = Path(models) if models is not None else None
        self._find = find

    def needs(self) -> tuple[str, ...]:
        """Return the names of the models it uses."""
        return (*self._names.values(), "minilm")

    def refine(self, adapter: bytes, cutouts: Sequence[Image.Image], kind: str, report: Report) -> Refined:
        """See `RefiningEngine.refine`."""
        from pipelines.hyperlora.comparing import gain, likeness
        from pipelines.hyperlora.embedded_base import EmbeddedBase
        from pipelines.hyperlora.own_views import own_captions, own_views
        from pipelines.hyperlora.references import coat_of
        from pipelines.hyperlora.refining import RefineConfig, Refiner
        from pipelines.lora import LoraError, LoraFactors
        from pipelines.mini.alike import look_of_lora

        report(0.0, "Loading the models")
        pipeline, encoder = self._loaded()
        try:
            lora = LoraFactors.from_bytes(adapter)
            lora.check_fits(pipeline.unet)
        except LoraError as error:
            raise InvalidInput(f"{error} Only LoRAs of the embedded base can be refined.") from error
        kind = kind or "thing"
        captions = own_captions(pipeline, kind)
        report(0.05, "Drawing as it is now")
        before = self._drawn(pipeline, captions, kind, lora, report, 0.05)
        report(0.2, "Laying the photos out")
        views = own_views(pipeline, cutouts, kind, coat_of(cutouts), look_of_lora(lora))

        def on_step(done: int, _: float) -> None:
            low, high = _TRAINING
            report(low + (high - low) * done / self._steps, f"Learning, step {done} of {self._steps}")

        refined = Refiner(EmbeddedBase(pipeline, lora.metadata.get("base_model", "")), RefineConfig(steps=self._steps))
        learned = refined.refine(lora, views, on_step)
        after = self._drawn(pipeline, captions, kind, learned, report, _TRAINING[1])
        report(0.97, "Comparing")
        measured = gain(likeness(before, cutouts, encoder), likeness(after, cutouts, encoder))
        return Refined(
            adapter=learned.to_bytes(),
            pictures_before=tuple(before[:: len(self._seeds)]),
            pictures_after=tuple(after[:: len(self._seeds)]),
            likeness_before=measured.before,
            likeness_after=measured.after,
            error=measured.error,
            colours_before=measured.colour_before,
            colours_after=measured.colour_after,
            helps=measured.helps,
        )

    def _drawn(
        self, pipeline: Any, captions: Sequence[str], kind: str, lora: LoraFactors, report: Report, share: float
    ) -> list[Image.Image]:
        """Draw the subject anew in every style; looks at the stop button at every step."""
        from pipelines.mini.pipeline_mini import PersonalSubject

        def on_step(_: object, __: int, ___: object, values: dict[str, Any]) -> dict[str, Any]:
            report(share)
            return values

        prompts = [caption for caption in captions for _ in self._seeds]
        result = pipeline(
            prompts, guidance_scale=1.5, seeds=list(self._seeds) * len(captions), fidelity=self._fidelity,
            subjects=[PersonalSubject(words=kind, lora=lora)], upscale=False, callback_on_step_end=on_step,
        )  # fmt: skip
        pictures: list[Image.Image] = result.images
        return pictures

    def _loaded(self) -> tuple[Any, Any]:
        quieten_libraries()
        from pipelines.features.image_encoders import TinyVitEncoder
        from pipelines.mini.loading import load_pipeline

        base, encoder = (self._place(name) for name in self._names.values())
        pipeline = load_pipeline(base, self._place("minilm"), device=chosen_device(self._device))
        pipeline.set_progress_bar_config(disable=True)
        return pipeline, TinyVitEncoder(encoder)

    def _place(self, name: str) -> Path:
        from pipelines.resolver import DEFAULT_CATALOGUE, ModelNotFound, resolve

        if self._find is not None:
            return self._find(name)
        try:
            return resolve(name, config=self._models or DEFAULT_CATALOGUE)
        except ModelNotFound as error:
            raise ModelMissing(str(error)) from error
