"""Personal LoRAs to take away: a concept's adapter, written for other programs."""

from __future__ import annotations

from studio.domain.concepts import Concept, check_consent
from studio.domain.loras import LoraFile, LoraLayout, lora_file_name
from studio.engines.base import LoraFileEngine, Report
from studio.errors import NotFound
from studio.services.jobs import Job, JobRunner
from studio.services.personalization import Personalizer
from studio.storage.concepts import ConceptRepository
from studio.storage.vault import Vault


class LoraService:
    """Gives the LoRAs of concepts away; an owner only ever meets their own."""

    def __init__(self, *, vault: Vault, jobs: JobRunner, personalizer: Personalizer, files: LoraFileEngine) -> None:
        self._vault = vault
        self._jobs = jobs
        self._personalizer = personalizer
        self._files = files

    def prepare(self, name: str, owner: str = "local") -> Job[None]:
        """Predict the LoRA of a concept where it is missing or of another model.

        Raises:
            UnknownConcept: the owner has none of that name, handle or id.
            ConsentMissing: it is a person who has not agreed.
        """
        concept = self._concept(name, owner)
        check_consent(concept)

        def work(report: Report) -> None:
            self._personalizer.adapter(concept, report)  # kept in the store, not as the job's result

        return self._jobs.start(f"Prepare the LoRA of {concept.name}", work, owner)

    def file(self, name: str, layout: LoraLayout, owner: str = "local") -> LoraFile:
        """Write the LoRA of a concept for other programs; after `prepare`.

        Raises:
            UnknownConcept: as `prepare`.
            ConsentMissing: it is a person who has not agreed.
            NotFound: it has no LoRA.
            InvalidInput: the layout does not suit the model.
        """
        concept = self._concept(name, owner)
        check_consent(concept)
        if concept.adapter is None:
            raise NotFound(f"{concept.name} has no LoRA yet; it is predicted with its first picture.")
        adapter = self._vault.files.get(concept.adapter)
        data = self._files.export(adapter, layout, trigger=concept.kind, made=concept.created_at.date())
        return LoraFile(name=lora_file_name(concept, layout), data=data)

    def _concept(self, name: str, owner: str) -> Concept:
        with self._vault.database.read() as session:
            return ConceptRepository(session).get(name, owner)
