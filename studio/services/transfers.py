"""Concepts given away as a file, and taken from one."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from PIL import Image, UnidentifiedImageError
from safetensors import SafetensorError
from safetensors.numpy import load

from studio.domain.concepts import (
    Concept,
    Fact,
    FactSource,
    Relation,
    check_aliases,
    check_attributes,
    check_consent,
    check_facts,
    check_kind,
    check_name,
    handle_of,
)
from studio.domain.identifiers import IdSource
from studio.domain.recognition import Example
from studio.engines.base import Report
from studio.errors import InvalidCard, InvalidInput, InvalidPhoto, NameTaken
from studio.services.jobs import Job, JobRunner, part
from studio.services.personalization import ADAPTER_SUFFIX, Personalizer
from studio.services.photos import EncodedPhoto
from studio.storage.card_files import (
    LORA,
    CardFile,
    ExamplePart,
    FactPart,
    LoraPart,
    Manifest,
    PhotoPart,
    RelationPart,
    new_manifest,
    read_card,
    write_card,
)
from studio.storage.concepts import ConceptRepository
from studio.storage.examples import ExampleRepository
from studio.storage.ingest import decode_photo, encode_cutout, encode_photo, fit_photo
from studio.storage.vault import Vault

_LOOKING = 0.3
_CUTOUT_EDGE_MAX = 4096


@dataclass(frozen=True, kw_only=True)
class ConceptFile:
    """A file to take away: `name` is plain ASCII and ends in ``.zip``."""

    name: str
    data: bytes


class TransferService:
    """Exports and imports concepts; an owner only ever gives their own."""

    def __init__(self, *, vault: Vault, jobs: JobRunner, personalizer: Personalizer, ids: IdSource) -> None:
        self._vault = vault
        self._jobs = jobs
        self._personalizer = personalizer
        self._ids = ids

    def export(self, concept_id: str, owner: str = "local") -> ConceptFile:
        """Return a concept as a file: photos, cut-outs, examples, facts, relations, consent and LoRA.

        Raises:
            UnknownConcept: the owner has no such concept.
            ConsentMissing: it is a person who has not agreed.
        """
        with self._vault.database.read() as session:
            concept = ConceptRepository(session).get(concept_id, owner)
            examples = ExampleRepository(session).of_concept(concept.id, owner)
        check_consent(concept)
        word = re.sub(r"[^a-z0-9]+", "-", concept.handle.encode("ascii", "ignore").decode()).strip("-")
        return ConceptFile(name=f"{word or 'concept'}.zip", data=write_card(self._card(concept, examples)))

    def import_(self, data: bytes, *, name: str | None = None, owner: str = "local") -> Job[Concept]:
        """Make a concept of a file; everything in it is checked, pictures are made anew from their pixels.

        Args:
            data: the file.
            name: what the concept is to be called; None: as the file says.
            owner: whose it will be.

        Raises:
            InvalidCard: it is no such file, or something in it is wrong, here or as the job's error.
            NameTaken: a concept has the name; give another one.
        """
        card = read_card(data)
        draft = _draft(card.manifest, name, owner)
        with self._vault.database.read() as session:
            names = ConceptRepository(session).names(owner)
        if draft.handle in names:
            raise NameTaken(
                f"There is a concept @{draft.handle} already. Import the file under another name (--as NAME)."
            )
        title = f"Import {draft.name}"
        return self._jobs.start(title, lambda report: self._import(card, draft, report), owner)

    def _card(self, concept: Concept, examples: Sequence[Example]) -> CardFile:
        contents: dict[str, bytes] = {}

        def put(place: str, key: str) -> str:
            contents[place] = self._vault.files.get(key)
            return place

        photos = [
            PhotoPart(
                file=put(f"photos/{number}.jpg", photo.file),
                cutout=put(f"cutouts/{number}.png", photo.cutout or photo.file),
                box=photo.box,
            )
            for number, photo in enumerate(concept.photos, 1)
        ]
        shown = [
            ExamplePart(file=put(f"examples/{number}.jpg", example.file), shows_it=example.shows_it)
            for number, example in enumerate(examples, 1)
        ]
        lora = None
        if concept.adapter and concept.adapter_model:
            put(LORA, concept.adapter)
            lora = LoraPart(file="lora.safetensors", model=concept.adapter_model)
        manifest = new_manifest(
            name=concept.name,
            aliases=list(concept.aliases),
            kind=concept.kind,
            attributes=concept.attributes,
            consent_at=concept.consent_at,
            created_at=concept.created_at,
            facts=[FactPart(text=one.text, added_at=one.added_at, source=one.source) for one in concept.facts],
            relations=[RelationPart(words=one.words, name=one.name) for one in concept.relations],
            photos=photos,
            examples=shown,
            lora=lora,
        )
        return CardFile(manifest=manifest, contents=contents)

    def _import(self, card: CardFile, draft: Concept, report: Report) -> Concept:
        photos = []
        for number, one in enumerate(card.manifest.photos, 1):
            report(_LOOKING * (number - 1) / len(card.manifest.photos), f"Reading photo {number}")
            photos.append(_photo(one, card))
        examples = [(_example(one, card), one.shows_it) for one in card.manifest.examples]
        cutouts = [_opened(photo.cutout) for photo in photos]
        predicted = self._personalizer.predict(cutouts, draft.kind, part(report, _LOOKING, 0.95))
        adapter = self._adapter(card, predicted)
        report(0.95, "Keeping it")  # the last moment to stop
        with self._vault.storing() as act:
            concepts = ConceptRepository(act.session)
            names = concepts.names(draft.owner)
            concept = dataclasses.replace(
                _in_company(draft, card.manifest, names),
                id=self._ids(),
                photos=tuple({kept.file: kept for kept in (one.keep(act, self._ids) for one in photos)}.values()),
                adapter=act.put(adapter, ADAPTER_SUFFIX),
                adapter_model=self._personalizer.model(),
            )
            concepts.add(concept)
            for crop, shows_it in examples:
                example = Example(
                    id=self._ids(), concept_id=concept.id, file=act.put(crop, ".jpg"), shows_it=shows_it,
                    owner=draft.owner,
                )  # fmt: skip
                ExampleRepository(act.session).keep(example)
        return concept

    def _adapter(self, card: CardFile, predicted: bytes) -> bytes:
        """Return the LoRA of the file where it belongs to the model in use, else the one predicted from the photos.

        Raises:
            InvalidCard: it says that it belongs to the model, but is not made as the model's are.
        """
        lora = card.manifest.lora
        if lora is None or lora.model != self._personalizer.model():
            return predicted
        data = card.contents[lora.file]
        try:
            found, wanted = load(data), load(predicted)
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise InvalidCard("Its LoRA is not a safetensors file that can be read.") from error
        shapes = {name: (tensor.shape, tensor.dtype) for name, tensor in wanted.items()}
        if {name: (tensor.shape, tensor.dtype) for name, tensor in found.items()} != shapes:
            raise InvalidCard("Its LoRA does not fit the model that it says it belongs to.")
        if not all(np.isfinite(tensor.astype(np.float32)).all() for tensor in found.values()):
            raise InvalidCard("Its LoRA holds values that are no numbers.")
        return data


def _draft(manifest: Manifest, name: str | None, owner: str) -> Concept:
    """Return what the manifest says of the concept itself, checked as if a person had typed it."""
    try:
        called = check_name(name or manifest.name)
        texts = check_facts([fact.text for fact in manifest.facts])
        given = {fact.text.strip(): fact.added_at for fact in manifest.facts}
        return Concept(
            id="",
            name=called,
            kind=check_kind(manifest.kind),
            photos=(),
            facts=tuple(
                Fact(text=one, added_at=given[one], source=FactSource.IMPORTED) for one in dict.fromkeys(texts)
            ),
            created_at=datetime.now(UTC),
            owner=owner,
            aliases=check_aliases(manifest.aliases, called),
            attributes=check_attributes(manifest.attributes),
            consent_at=manifest.consent_at,
        )
    except InvalidInput as error:
        raise InvalidCard(f"The file cannot be imported: {error}") from error


def _in_company(draft: Concept, manifest: Manifest, names: dict[str, tuple[str, str]]) -> Concept:
    """Fit it in with what is known here: names that are taken go, relations to what is not known become facts."""
    relations, facts = [], list(draft.facts)
    for one in manifest.relations:
        known = names.get(handle_of(one.name))
        if known is not None:
            relations.append(Relation(words=one.words, other=known[0], name=known[1]))
        else:
            text = check_facts([f"{one.words} {one.name}"])[0]
            facts.append(Fact(text=text, added_at=manifest.created_at, source=FactSource.IMPORTED))
    aliases = tuple(alias for alias in draft.aliases if handle_of(alias) not in names)
    return dataclasses.replace(draft, aliases=aliases, relations=tuple(relations), facts=tuple(facts))


def _photo(one: PhotoPart, card: CardFile) -> EncodedPhoto:
    """Return a photo and its cut-out made anew from their pixels, so that nothing else can come along."""
    try:
        photo = fit_photo(decode_photo(card.contents[one.file]))
        decode_photo(card.contents[one.cutout], edge_min=1)  # every check of a photo is one of a cut-out
    except InvalidPhoto as error:
        raise InvalidCard(f"{one.file} of the file: {error}") from error
    cutout = _cutout(one, card)
    if max(cutout.size) > _CUTOUT_EDGE_MAX or not cutout.getchannel("A").getbbox():
        raise InvalidCard(f"{one.cutout} of the file has nothing on it, or is too large.")
    left, top, right, bottom = one.box or (0, 0, 1, 1)
    if not (0 <= left < right <= photo.width and 0 <= top < bottom <= photo.height):
        raise InvalidCard(f"The box of {one.file} does not lie in the photo.")
    return EncodedPhoto(
        photo=encode_photo(photo), cutout=encode_cutout(cutout), width=photo.width, height=photo.height, box=one.box
    )


def _cutout(one: PhotoPart, card: CardFile) -> Image.Image:
    try:
        return _opened(card.contents[one.cutout])
    except UnidentifiedImageError as error:
        raise InvalidCard(f"{one.cutout} of the file is no PNG.") from error


def _example(one: ExamplePart, card: CardFile) -> bytes:
    try:
        return encode_photo(decode_photo(card.contents[one.file], edge_min=1))
    except InvalidPhoto as error:
        raise InvalidCard(f"{one.file} of the file: {error}") from error


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
        return picture.convert("RGBA")
