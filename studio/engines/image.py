"""Draws transparent pictures with the embedded base model."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from studio.engines.base import ImageCapabilities, ImageJob, Report, StyleReading, Subject
from studio.engines.quiet import quieten_libraries
from studio.engines.reading import chosen_device, class_prompt, in_order, word_of
from studio.engines.styles import read_style, style_of
from studio.errors import ModelMissing

if TYPE_CHECKING:
    from pipelines.mini.heads import HeadFinder
    from pipelines.mini.pipeline_mini import PersonalSubject
    from pipelines.pigeon.conditioning import Taste


class DiffusersImageEngine:
    """Text and subjects to pictures.

    Args:
        model: a name in `models` whose folder holds ``studio.json`` beside the weights: what the model can do.
        models: the file that says where models come from; None takes the project's own.
        device: ``auto`` takes the GPU where there is one.
        taste: name in `models` of the layers that read tokens of tastes, trained for this model; None: words alone.
    """

    def __init__(
        self, model: str = "mini", models: str | None = None, device: str = "auto", taste: str | None = "pigeon"
    ) -> None:
        self._name, self._device, self._taste = model, device, taste
        self._attention: Any = None
        self._models = Path(models) if models is not None else None
        self._pipeline: Any = None
        self._capabilities: ImageCapabilities | None = None

    def capabilities(self) -> ImageCapabilities:
        """Read ``studio.json`` of the model; loads no weights."""
        if self._capabilities is None:
            folder = self._folder()
            card = json.loads((folder / "studio.json").read_text())
            tastes = self._taste is not None and self._layers() is not None
            palettes = (folder / "library").is_dir()  # they colour what it draws after
            self._capabilities = ImageCapabilities(
                model_hash=_hash(folder / card.pop("weights")), tastes=tastes, palettes=palettes, **card
            )
        return self._capabilities

    def generate(self, job: ImageJob, report: Report) -> list[Image.Image]:
        """Draw one RGBA picture per seed, all in one batch; reports and looks at the stop button at every step."""
        report(0.0, "Loading the model" if self._pipeline is None else "Starting")
        pipeline = self._loaded()
        style = style_of(job, pipeline, self.capabilities().model)

        def on_step(_: object, step: int, __: object, values: dict[str, Any]) -> dict[str, Any]:
            preview = pipeline.decode(values["denoised"][:1], upscale=False)[0]
            report((step + 1) / (job.steps + 1), "Drawing", preview)
            return values

        with style:
            result = pipeline(
                [class_prompt(job)] * len(job.seeds),
                num_inference_steps=job.steps,
                guidance_scale=job.guidance,
                seeds=list(job.seeds),
                fidelity=job.fidelity,
                subjects=personal_subjects(job),
                taste=self._told(job, pipeline),
                palette=job.palette,
                callback_on_step_end=on_step,
            )
        report(1.0, "Done")
        pictures: list[Image.Image] = result.images
        return pictures

    def read_style(self, data: bytes) -> StyleReading:
        """See `ImageEngine.read_style`."""
        return read_style(data, self._folder(), self.capabilities().model)

    def _told(self, job: ImageJob, pipeline: Any) -> Taste | None:
        """Return the job's taste for each of its pictures."""
        folder = self._layers() if job.taste else None
        if folder is None:
            return None
        from pipelines.pigeon.conditioning import Taste
        from pipelines.pigeon.pipeline_pigeon import load_layers, read_tokens

        if self._attention is None:
            self._attention = load_layers(folder, pipeline.unet)
        return Taste(self._attention, read_tokens(job.taste).expand(len(job.seeds), -1, -1))

    def _layers(self) -> Path | None:
        """Return the folder of the layers; None where none are shipped for this model."""
        from pipelines.resolver import DEFAULT_CATALOGUE, ModelNotFound, resolve

        try:
            return resolve(self._taste, config=self._models or DEFAULT_CATALOGUE) if self._taste else None
        except ModelNotFound:
            return None

    def needs(self) -> tuple[str, ...]:
        """Return the names of the models it uses."""
        return self._name, "minilm", "clip-vision"

    def _folder(self) -> Path:
        return _resolved(self._name, self._models)

    @property
    def _probe(self) -> Path:
        return self._folder() / "library" / "head_probe.json"

    def _head_finder(self) -> HeadFinder | None:
        """Return what finds heads under hats; it opens its network for the first photo that is to wear one."""
        from pipelines.features.image_encoders import ClipVisionEncoder
        from pipelines.mini.heads import HeadFinder, HeadProbe

        if not self._probe.is_file():  # a base that came without one
            return None
        return HeadFinder(
            lambda: ClipVisionEncoder(_resolved("clip-vision", self._models)), HeadProbe.read(self._probe)
        )

    def _loaded(self) -> Any:
        if self._pipeline is None:
            import torch

            quieten_libraries()
            from pipelines.attention import apply_attention, probe_attention
            from pipelines.mini.loading import load_pipeline

            device = chosen_device(self._device)
            dtype = torch.float16 if device.startswith("cuda") else torch.float32
            pipeline = load_pipeline(self._folder(), _resolved("minilm", self._models), device=device, dtype=dtype)
            apply_attention(pipeline.unet, probe_attention(device, dtype))
            pipeline.heads = self._head_finder()
            self._pipeline = pipeline
        return self._pipeline


def personal_subjects(job: ImageJob) -> list[PersonalSubject]:
    """Return the subjects that have a look of their own, in the order in which the prompt names them."""
    from pipelines.lora import LoraFactors
    from pipelines.mini.pipeline_mini import PersonalSubject

    return [
        PersonalSubject(
            words=word_of(subject),
            lora=LoraFactors.from_bytes(subject.adapter) if subject.adapter else None,
            cutouts=photo_cutouts(subject, job),
        )
        for subject in in_order(job)
        if subject.adapter or subject.cutouts
    ]


def photo_cutouts(subject: Subject, job: ImageJob) -> tuple[Image.Image | None, ...]:
    """Return for every picture the cut-out that a subject is drawn after, its photos taking turns; None: drawn anew."""
    cutouts = subject.cutouts
    if not cutouts or not job.poses:
        return ()
    return tuple(
        cutouts[seed // 2 % len(cutouts)] if pose == "photo" else None
        for seed, pose in zip(job.seeds, job.poses, strict=True)
    )


def _resolved(name: str, models: Path | None) -> Path:
    from pipelines.resolver import DEFAULT_CATALOGUE, ModelNotFound, resolve

    try:
        return resolve(name, config=models or DEFAULT_CATALOGUE)
    except ModelNotFound as error:
        raise ModelMissing(str(error)) from error


def _hash(weights: Path) -> str:
    """Return the first ten hex digits of the file's SHA-256, as picture recipes name models."""
    digest = hashlib.sha256()
    with weights.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:10]
