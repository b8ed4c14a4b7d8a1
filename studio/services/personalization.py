"""The personal LoRA of a concept: predicted once, predicted again when the models have changed."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence

from PIL import Image

from studio.domain.concepts import ATTRIBUTES_MAX, Concept
from studio.engines.base import Report, SubjectEngine
from studio.storage.concepts import ConceptRepository
from studio.storage.vault import Vault

ADAPTER_SUFFIX = ".safetensors"


class Personalizer:
    """Gives concepts their adapter. Its methods run on the device thread."""

    def __init__(self, engine: SubjectEngine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def model(self) -> str:
        """Return what new adapters belong to."""
        return self._engine.model()

    def predict(self, cutouts: Sequence[Image.Image], kind: str, report: Report) -> bytes:
        """Predict an adapter from RGBA cut-outs; safetensors bytes."""
        return self._engine.personalize(cutouts, kind, report)

    def adapter(self, concept: Concept, report: Report) -> bytes:
        """Return the adapter of `concept`, predicted and stored first where it is missing or of another model."""
        files = self._vault.files
        if concept.adapter and concept.adapter_model == self.model() and files.exists(concept.adapter):
            return files.get(concept.adapter)
        report(0.0, f"Getting to know {concept.name} again")
        data = self.predict(self.cutouts(concept), concept.kind, report)
        with self._vault.storing() as act:
            concepts = ConceptRepository(act.session)
            # Read again: it may have been renamed, given other facts or forgotten while the device worked.
            current = concepts.by_id(concept.id, concept.owner)
            if current is not None:
                key = act.put(data, ADAPTER_SUFFIX)
                concepts.replace(dataclasses.replace(current, adapter=key, adapter_model=self.model()))
        self._vault.sweep([concept.adapter])
        return data

    def describe(self, concept: Concept) -> str:
        """Say what sets `concept` apart, by the photos it has."""
        return self.describe_cutouts(self.cutouts(concept), concept.kind)

    def describe_cutouts(self, cutouts: Sequence[Image.Image], kind: str) -> str:
        """Say what sets apart what is on RGBA cut-outs, in at most `ATTRIBUTES_MAX` characters."""
        return self._engine.describe(cutouts, kind)[:ATTRIBUTES_MAX]

    def cutouts(self, concept: Concept) -> tuple[Image.Image, ...]:
        """Return what was cut out of the photos of `concept`, RGBA, in the order of the photos."""
        files = self._vault.files
        return tuple(_opened(files.get(photo.cutout)) for photo in concept.photos if photo.cutout)


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGBA")
