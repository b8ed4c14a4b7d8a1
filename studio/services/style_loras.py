"""Style LoRAs of owners: read, kept, changed, handed out to be drawn with, given back, removed."""

from __future__ import annotations

import builtins
import dataclasses
from datetime import UTC, datetime

from studio.domain.concepts import check_name
from studio.domain.generation import GenerateRequest
from studio.domain.identifiers import IdSource
from studio.domain.loras import SUFFIX, LoraFile
from studio.domain.receipts import Erased, Receipt
from studio.domain.style_loras import (
    BYTES_MAX,
    TRIGGER_MAX,
    AddStyleLoraRequest,
    StyleLora,
    check_strength,
    check_trigger,
    name_from,
)
from studio.engines.base import ImageEngine, Report, Style, StyleReading
from studio.errors import InvalidInput, NotFound
from studio.services.jobs import Job, JobRunner
from studio.storage.style_loras import StyleLoraRepository
from studio.storage.vault import Vault


class StyleLoraService:
    """An owner only ever meets their own."""

    def __init__(self, *, vault: Vault, jobs: JobRunner, engine: ImageEngine, ids: IdSource) -> None:
        self._vault = vault
        self._jobs = jobs
        self._engine = engine
        self._ids = ids

    def add(self, request: AddStyleLoraRequest) -> Job[StyleLora]:
        """Read a file for the base that the studio draws with, and keep it.

        Raises:
            InvalidInput: it is too large; as the job's error, it cannot be used with the base.
            NameTaken: as the job's error, there is another of the name.
        """
        if len(request.data) > BYTES_MAX:
            raise InvalidInput(f"The file has {len(request.data) / 1e9:.1f} GB; a LoRA has at most 1 GB.")
        return self._jobs.start("Read the LoRA", lambda report: self._add(request, report), request.owner)

    def list(self, owner: str = "local") -> builtins.list[StyleLora]:
        """Return those of `owner`, the oldest first."""
        with self._vault.database.read() as session:
            return StyleLoraRepository(session).all(owner)

    def get(self, name: str, owner: str = "local") -> StyleLora:
        """Return one by its name, in any case, or its id.

        Raises:
            NotFound: there is none; the message says which there are.
        """
        with self._vault.database.read() as session:
            styles = StyleLoraRepository(session)
            found = styles.find(name.strip(), owner)
            known = ", ".join(style.name for style in styles.all(owner))
        if found is None:
            there = f"there are: {known}" if known else "none has been added yet"
            raise NotFound(f"There is no style LoRA {name[:40]!r}; {there}.")
        return found

    def edit(
        self,
        style_id: str,
        *,
        name: str | None = None,
        trigger: str | None = None,
        strength: float | None = None,
        owner: str = "local",
    ) -> StyleLora:
        """Change what is given, keep what is None, and return the changed one.

        Raises:
            InvalidInput: a value is out of bounds.
            NameTaken: another one has the name.
            NotFound: the owner has no such one.
        """
        before = self.get(style_id, owner)
        after = dataclasses.replace(
            before,
            name=before.name if name is None else check_name(name),
            trigger=before.trigger if trigger is None else check_trigger(trigger),
            strength=before.strength if strength is None else check_strength(strength),
        )
        with self._vault.database.write() as session:
            StyleLoraRepository(session).replace(after)
        return after

    def remove(self, style_id: str, owner: str = "local") -> Receipt:
        """Remove one with its file and say what is gone; pictures that were drawn with it stay.

        Raises:
            NotFound: the owner has no such one.
        """
        style = self.get(style_id, owner)
        size = self._vault.files.size(style.file)
        with self._vault.database.write() as session:
            StyleLoraRepository(session).delete(style.id, owner)
        self._vault.sweep([style.file])
        left = self._vault.files.exists(style.file)
        shared = left and self._vault.is_used(style.file)
        return Receipt(
            concept=style.name,
            erased=(Erased(what="style LoRA", count=1, bytes=0 if left else size),),
            stayed=(Erased(what="files that others share", count=1),) if shared else (),
            found=(f"its file: {style.file}",) if left and not shared else (),
        )

    def file(self, name: str, owner: str = "local") -> LoraFile:
        """Return the file of one, bit for bit as it came; raises as `get`."""
        style = self.get(name, owner)
        word = "-".join(style.handle.encode("ascii", "ignore").decode().split())
        return LoraFile(name=f"{word or 'style'}{SUFFIX}", data=self._vault.files.get(style.file))

    def asked_for(self, request: GenerateRequest) -> StyleLora | None:
        """Return the one that a request names, at the strength it is to have; None where it names none.

        Raises:
            NotFound: the owner has none of that name.
        """
        if not request.style_lora:
            return None
        style = self.get(request.style_lora, request.owner)
        strength = style.strength if request.style_strength is None else request.style_strength
        return dataclasses.replace(style, strength=strength)

    def drawn_with(self, style: StyleLora | None) -> Style | None:
        """Return what the engine needs of one; None for none."""
        return None if style is None else Style(file=self._vault.files.get(style.file), strength=style.strength)

    def _add(self, request: AddStyleLoraRequest, report: Report) -> StyleLora:
        report(0.1, "Reading the file")
        read = self._engine.read_style(request.data)
        report(0.9, "Keeping it")  # the last moment to stop
        with self._vault.storing() as act:
            style = StyleLora(
                id=self._ids(),
                name=request.name or name_from(request.file_name, read.title),
                trigger=_trigger(read) if request.trigger is None else request.trigger,
                strength=request.strength,
                file=act.put(request.data, SUFFIX),
                digest=read.digest,
                model=self._engine.capabilities().model,
                layers=read.layers,
                left_out=read.left_out,
                created_at=datetime.now(UTC),
                owner=request.owner,
            )
            StyleLoraRepository(act.session).add(style)
        return style


def _trigger(read: StyleReading) -> str:
    """Return what the file says, as far as it can be a trigger phrase: it may say anything."""
    try:
        return check_trigger(read.trigger.replace("@", "")[:TRIGGER_MAX])
    except InvalidInput:
        return ""
