"""Pictures to scores by frozen features; see `pipelines/meters`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from studio.domain.scores import Scores
from studio.engines.base import ImageJob, Report
from studio.engines.quiet import quieten_libraries
from studio.engines.reading import class_prompt
from studio.errors import ModelMissing

if TYPE_CHECKING:
    from pipelines.meters.pipeline_meters import MeterPipeline


class FeatureMeterEngine:
    """Measures likeness by the parts and colours of pictures, and agreement by the text-image model.

    Networks are loaded when they are first needed; importing this module loads nothing.

    Args:
        threads: of the networks; nothing is drawn meanwhile.
        models: the file that says where models come from; None: the one that is shipped.
        find: from a model's name to its place on this machine; None asks the resolver.
    """

    def __init__(
        self, *, threads: int = 2, models: str | Path | None = None, find: Callable[[str], Path] | None = None
    ) -> None:
        self._threads = threads
        self._models = Path(models) if models is not None else None
        self._find = find

    def score(self, pictures: Sequence[Image.Image], job: ImageJob, report: Report) -> list[Scores]:
        """Measure the RGBA pictures of a job against its prompt and the cut-outs of its subjects.

        Raises:
            ModelMissing: a model could not be had.
        """
        report(0.0, "Looking at what was drawn")
        meters, prompt = self._pipeline, class_prompt(job)
        subjects = [subject.cutouts for subject in job.subjects]
        scores = []
        for number, picture in enumerate(pictures):
            report(number / len(pictures), "Looking at what was drawn")
            (measured,) = meters([picture], prompt, subjects)
            scores.append(Scores(likeness=measured.likeness, prompt=measured.prompt))
        return scores

    def needs(self) -> tuple[str, ...]:
        """Return the names of the models it uses."""
        from pipelines.textimage.configuration import load_config

        chosen = load_config()
        ours = chosen.kind == "mini-clip" and chosen.training is not None
        more = (chosen.model, *chosen.training.heads.image_features, "minilm") if ours and chosen.training else ()
        return tuple(dict.fromkeys(("clip-vision", *more)))

    def lacks(self) -> tuple[str, ...]:
        """Say that the calibration is of another text-image model, where it is."""
        from pipelines.meters.calibration import load_calibration
        from pipelines.resolver import ResolverError
        from pipelines.textimage.configuration import load_config
        from pipelines.textimage.loading import version_of

        try:
            version = version_of(load_config(), find=self._place)
        except (ResolverError, OSError):  # that the model is missing is said where models are
            return ()
        return tuple(filter(None, [load_calibration().lacks(version)]))

    @cached_property
    def _pipeline(self) -> MeterPipeline:
        quieten_libraries()
        from pipelines.meters.pipeline_meters import MeterPipeline
        from pipelines.resolver import ResolverError
        from pipelines.textimage.configuration import load_config

        try:
            meters = MeterPipeline.from_files(self._place, textimage=load_config(), threads=self._threads)
            assert meters.textimage  # says now in a sentence when a part of it is not there
        except ResolverError as error:
            raise ModelMissing(str(error)) from error
        return meters

    def _place(self, name: str) -> Path:
        from pipelines.resolver import DEFAULT_CATALOGUE, resolve

        return self._find(name) if self._find is not None else resolve(name, config=self._models or DEFAULT_CATALOGUE)
