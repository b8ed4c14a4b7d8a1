"""Photos to cut-outs and class words, and cut-outs to a personal LoRA predicted in one forward pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from studio.engines.base import PhotoReading, Report
from studio.engines.quiet import quieten_libraries
from studio.errors import InvalidPhoto, ModelMissing

if TYPE_CHECKING:
    from pipelines.features.image_encoders import ClipVisionEncoder
    from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline
    from pipelines.matting import Matte, Matting
    from pipelines.recognition.looks import LookEncoder
    from pipelines.textimage.kinds import KindRecogniser

WEIGHTS = "hyperlora/diffusion_pytorch_model.safetensors"


class HyperLoraSubjectEngine:
    """Cuts subjects out, names their kind, and predicts their LoRA with the hypernetwork.

    Models are looked up by name and loaded when they are first needed; importing this module loads nothing.

    Args:
        hyperlora: name of the hypernetwork for the resolver.
        matting: name of the network that cuts out.
        encoder: name of the image encoder that the hypernetwork was trained with.
        kinds: how many class words `read` gives.
        models: the file that says where models come from; None: the one that is shipped.
        find: from a model's name to its place on this machine; None asks the resolver.
    """

    def __init__(
        self,
        *,
        hyperlora: str = "hyperlora",
        matting: str = "u2netp",
        encoder: str = "clip-vision",
        kinds: int = 5,
        models: str | Path | None = None,
        find: Callable[[str], Path] | None = None,
    ) -> None:
        self._names = {"hyperlora": hyperlora, "matting": matting, "encoder": encoder}
        self._kinds = kinds
        self._models = Path(models) if models is not None else None
        self._find = find

    def read(self, photo: Image.Image) -> PhotoReading:
        """Find the subject in an upright RGB photo.

        Raises:
            InvalidPhoto: nothing in it stands out.
            ModelMissing: a model could not be had.
        """
        from pipelines.matting import SubjectNotFoundError

        with _models_may_be_missing():
            try:
                matte = self._matting.matte(photo)
                cutout = self._matting.cut_out(photo, matte)
                box = self._matting.box(matte)
            except SubjectNotFoundError as error:
                raise InvalidPhoto(str(error)) from error
            kinds = self._recogniser.recognise([cutout], top=self._kinds)[0]
            look = self._look(photo, matte)
        return PhotoReading(cutout=cutout, coverage=matte.coverage, kinds=kinds, look=look, box=box)

    def groups(self, looks: Sequence[bytes]) -> list[list[int]]:
        """Group photos by their looks; see `pipelines.recognition.one_subject`."""
        import numpy as np

        from pipelines.recognition.one_subject import groups_alike, load_threshold

        rows = np.frombuffer(b"".join(looks), np.float32).reshape(len(looks), -1)
        return groups_alike(rows, load_threshold())

    def personalize(self, cutouts: Sequence[Image.Image], kind: str, report: Report) -> bytes:
        """Predict the personal LoRA of the subject from RGBA cut-outs.

        The hypernetwork takes at most eight; of more, as many as it takes are chosen evenly from first to last.

        Args:
            cutouts: at least one.
            kind: class word, kept in the file's metadata.
            report: told before each part of the work.

        Returns:
            safetensors bytes, diffusers layout, half precision.

        Raises:
            InvalidPhoto: a cut-out without anything in it.
            ModelMissing: a model could not be had.
        """
        from pipelines.hyperlora.references import NoSubject

        with _models_may_be_missing():
            report(0.0, "Loading the hypernetwork")
            pipeline, encoder = self._pipeline, self._encoder
            report(0.3, "Looking at the pictures")
            chosen = evenly_chosen(cutouts, pipeline.hyperlora.config.max_references)
            try:
                output = pipeline(chosen, encoder, {"kind": kind, "model": self.model()})
            except NoSubject as error:
                raise InvalidPhoto(str(error)) from error
        report(1.0, "Personal weights are ready")
        data: bytes = output.lora.to_bytes()
        return data

    def describe(self, cutouts: Sequence[Image.Image], kind: str) -> str:
        """Name the main colours of the subject over all its RGBA cut-outs; no more can be said reliably."""
        from pipelines.colour_words import colours_in_words

        return colours_in_words(cutouts, kind)

    def model(self) -> str:
        """Name and version of the hypernetwork; another value makes stored LoRAs outdated."""
        with _models_may_be_missing():
            return f"{self._names['hyperlora']}@{self._version}"

    def needs(self) -> tuple[str, ...]:
        """Return the names of the models it uses."""
        from pipelines.textimage.configuration import load_config

        kinds = load_config()
        ours = kinds.kind == "mini-clip" and kinds.training is not None
        of_kinds = (kinds.model, *kinds.training.heads.image_features, "minilm") if ours and kinds.training else ()
        return tuple(dict.fromkeys((*self._names.values(), "tinyvit", *of_kinds)))

    def _look(self, photo: Image.Image, matte: Matte) -> bytes:
        from pipelines.recognition.looks import crop
        from pipelines.recognition.regions import box_of

        return self._looks.embed([crop(photo, box_of(matte.alpha))])[0].tobytes()

    @cached_property
    def _version(self) -> str:
        file = self._path("hyperlora") / WEIGHTS
        if not file.is_file():
            raise ModelMissing(
                f"{file.parent.parent} has no {WEIGHTS}: the hypernetwork is not there. Train it with "
                "python -m pipelines.hyperlora.train, or copy its folder there."
            )
        return hashlib.sha256(file.read_bytes()).hexdigest()[:12]

    @cached_property
    def _pipeline(self) -> HyperLoraPipeline:
        import torch

        quieten_libraries()
        from pipelines.hyperlora.pipeline_hyperlora import HyperLoraPipeline

        assert self._version  # says in a sentence when the weights are not there
        pipeline: HyperLoraPipeline = HyperLoraPipeline.from_pretrained(
            self._path("hyperlora"), dtype=torch.float32, local_files_only=True
        )
        return pipeline

    @cached_property
    def _encoder(self) -> ClipVisionEncoder:
        from pipelines.features.image_encoders import ClipVisionEncoder

        return ClipVisionEncoder(self._path("encoder"))

    @cached_property
    def _looks(self) -> LookEncoder:
        from pipelines.features.image_encoders import TinyVitEncoder
        from pipelines.recognition.looks import LookEncoder

        return LookEncoder(TinyVitEncoder(self._place("tinyvit")), self._encoder)

    @cached_property
    def _matting(self) -> Matting:
        from pipelines.matting import Matting

        return Matting(self._path("matting"))

    @cached_property
    def _recogniser(self) -> KindRecogniser:
        quieten_libraries()
        from pipelines.textimage.configuration import load_config
        from pipelines.textimage.loading import load_kind_recogniser, load_text_image

        return load_kind_recogniser(load_text_image(load_config(), find=self._place))

    def _path(self, part: str) -> Path:
        return self._place(self._names[part])

    def _place(self, name: str) -> Path:
        from pipelines.resolver import DEFAULT_CATALOGUE, resolve

        return self._find(name) if self._find is not None else resolve(name, config=self._models or DEFAULT_CATALOGUE)


def evenly_chosen(cutouts: Sequence[Image.Image], most: int) -> list[Image.Image]:
    """Return at most `most` of the pictures, evenly spread, the first always among them."""
    if len(cutouts) <= most:
        return list(cutouts)
    return [cutouts[place * len(cutouts) // most] for place in range(most)]


@contextmanager
def _models_may_be_missing() -> Iterator[None]:
    """Say in the studio's own words that a model is not there."""
    from pipelines.resolver import ResolverError

    try:
        yield
    except ResolverError as error:
        raise ModelMissing(str(error)) from error
