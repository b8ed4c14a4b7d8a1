"""Tastes of people: collected while they browse, learned, edited in plain words, and asked about pictures."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from PIL import Image

from studio.domain.concepts import check_name, handle_of
from studio.domain.identifiers import IdSource
from studio.domain.taste import (
    FIRST_NAME,
    PICTURES_MAX,
    BesideTaste,
    Reaction,
    TasteAttribute,
    TasteEvent,
    TasteHelp,
    TasteProfile,
    TasteSummary,
    TasteVerdict,
    TasteVersion,
    check_leanings,
)
from studio.domain.taste_words import describe, read_words
from studio.engines.base import Report, TasteEngine
from studio.errors import InvalidInput, InvalidPhoto, NameTaken, NotFound
from studio.services.jobs import Job, JobRunner, part
from studio.storage.ingest import decode_photo, encode_cutout, encode_photo, suffix_of, without_metadata
from studio.storage.pictures import PictureRepository
from studio.storage.tastes import TasteRepository
from studio.storage.vault import Vault

KEPT_EDGE = 512  # pixels of an imported picture: more than any feature looks at
_LOOKING = 0.9  # share of learning that looking at new pictures takes
_OPINIONS = (Reaction.LIKE, Reaction.SKIP)


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What came of a folder of pictures: the profile as it is now, and a sentence for each file left out."""

    profile: TasteProfile
    liked: int
    skipped: int
    left_out: tuple[str, ...] = ()


class TasteService:
    """Profiles of an owner; of those of others only what they lend is looked at, and only where both sides agreed."""

    def __init__(self, *, vault: Vault, jobs: JobRunner, engine: TasteEngine, ids: IdSource) -> None:
        self._vault = vault
        self._jobs = jobs
        self._engine = engine
        self._ids = ids

    def list(self, owner: str = "local") -> Sequence[TasteProfile]:
        """Return the profiles, the oldest first."""
        with self._vault.database.read() as session:
            return TasteRepository(session).all(owner)

    def get(self, name: str, owner: str = "local") -> TasteProfile:
        """Return the profile of a name, handle or id; raises `NotFound` with the names there are."""
        with self._vault.database.read() as session:
            return _found(TasteRepository(session), name, owner)

    def versions(self, name: str, owner: str = "local") -> Sequence[TasteVersion]:
        """Return the versions of a profile, the newest first; raises as `get`."""
        profile = self.get(name, owner)
        with self._vault.database.read() as session:
            return TasteRepository(session).versions(profile.id, owner)

    def events(self, name: str, owner: str = "local") -> Sequence[TasteEvent]:
        """Return what was done with pictures, the oldest first; raises as `get`."""
        profile = self.get(name, owner)
        with self._vault.database.read() as session:
            return TasteRepository(session).events(profile.id, owner)

    def attributes(self) -> tuple[TasteAttribute, ...]:
        """Return what pictures are measured by."""
        return self._engine.attributes()

    def create(self, name: str, owner: str = "local") -> TasteProfile:
        """Begin a profile; the first one collects.

        Raises:
            InvalidInput: not a name.
            NameTaken: there is one of that name.
        """
        clean = check_name(name)
        with self._vault.database.write() as session:
            tastes = TasteRepository(session)
            if tastes.find(clean, owner) is not None:
                raise NameTaken(f"There is a taste called {clean!r} already. Choose another name, or learn into it.")
            now = datetime.now(UTC)
            profile = TasteProfile(
                id=self._ids(), name=clean, handle=handle_of(clean), created_at=now, owner=owner,
                version=TasteVersion(number=1, made_at=now, why="begun"), collecting=not tastes.all(owner),
            )  # fmt: skip
            tastes.add(profile)
        return profile

    def collect_into(self, name: str, owner: str = "local") -> None:
        """Let a profile collect what is done while browsing, and no other; raises as `get`."""
        with self._vault.database.write() as session:
            tastes = TasteRepository(session)
            tastes.collect_into(_found(tastes, name, owner).id, owner)

    def collecting(self, owner: str = "local") -> TasteProfile:
        """Return the profile that collects; where there is none yet it is begun."""
        profiles = self.list(owner)
        return next((one for one in profiles if one.collecting), None) or (
            profiles[0] if profiles else self.create(FIRST_NAME, owner)
        )

    def react(
        self, picture_id: str, reaction: Reaction, *, seconds: float | None = None, owner: str = "local"
    ) -> frozenset[Reaction]:
        """Remember what was done with a picture of the gallery; return all that was said of it.

        Liking and skipping a second time takes it back; the one takes the other's place.

        Raises:
            NotFound: the owner has no such picture.
        """
        profile = self.collecting(owner)
        with self._vault.database.write() as session:
            picture = PictureRepository(session).find(picture_id, owner)
            if picture is None:
                raise NotFound(f"There is no picture {picture_id[:40]!r} (any more).")
            tastes = TasteRepository(session)
            said = tastes.said_of(picture_id, owner)
            if reaction in _OPINIONS:
                tastes.take_back_picture(picture_id, _OPINIONS, owner)
            if reaction not in _OPINIONS or reaction not in said:
                event = TasteEvent(
                    id=self._ids(), file=picture.file, picture_id=picture_id, reaction=reaction,
                    at=datetime.now(UTC), seconds=seconds,
                )  # fmt: skip
                tastes.react(profile.id, [event], owner)
            now = tastes.said_of(picture_id, owner)
            if reaction in _OPINIONS:
                liked = {Reaction.LIKE: True, Reaction.SKIP: False}.get(next(iter(now & set(_OPINIONS)), reaction))
                PictureRepository(session).rate(picture_id, liked if now & set(_OPINIONS) else None, owner)
        return frozenset(now)

    def said_of(self, picture_id: str, owner: str = "local") -> frozenset[Reaction]:
        """Return the reactions to a picture of the gallery."""
        with self._vault.database.read() as session:
            return frozenset(TasteRepository(session).said_of(picture_id, owner))

    def thumbnail(self, event_id: str, edge: int, owner: str = "local") -> bytes:
        """Return the picture of a reaction, WebP; raises `NotFound` when there is none of that id."""
        with self._vault.database.read() as session:
            event = TasteRepository(session).event(event_id, owner)
        if event is None:
            raise NotFound(f"There is no reaction {event_id[:40]!r} (any more).")
        return self._vault.files.thumbnail(event.file, edge=edge)

    def take_back(self, name: str, file: str, owner: str = "local") -> None:
        """Forget what was said of a picture; what was learned changes with the next learning.

        Raises:
            NotFound: no such profile, or nothing was said of the picture.
        """
        with self._vault.database.write() as session:
            tastes = TasteRepository(session)
            profile = _found(tastes, name, owner)
            shown = {event.picture_id for event in tastes.events(profile.id, owner) if event.file == file}
            if not tastes.take_back(profile.id, file, owner):
                raise NotFound("Nothing was said of this picture (any more).")
            for picture_id in shown - {None}:
                PictureRepository(session).rate(str(picture_id), None, owner)
        self._vault.sweep([file])

    def learn(self, name: str, owner: str = "local") -> Job[TasteProfile]:
        """Learn from everything that was done; makes a new version.

        Raises:
            NotFound: no such profile.
            InvalidInput: nothing was done yet.
        """
        profile = self.get(name, owner)
        if not self.events(name, owner):
            raise InvalidInput(
                f"{profile.name} has nothing to learn from yet. Like a few pictures in the gallery, "
                "pick between pairs, or give a folder of pictures you like."
            )
        return self._jobs.start(f"Learn {profile.name}", lambda report: self._learn(profile.id, owner, report), owner)

    def import_pictures(
        self,
        name: str,
        liked: Sequence[tuple[str, Callable[[], bytes]]],
        skipped: Sequence[tuple[str, Callable[[], bytes]]] = (),
        owner: str = "local",
    ) -> Job[Imported]:
        """Take pictures in that somebody likes, and others they do not, and learn from them.

        Args:
            name: of a profile; one that is not there is begun.
            liked: names for messages, and how to read each file.
            skipped: the same, of pictures that are not liked.
            owner: whose taste.

        Raises:
            InvalidInput: no file, or too many; as the job's error, when none of them can be used.
        """
        total = len(liked) + len(skipped)
        if not total:
            raise InvalidInput("There is no picture in what was given. Choose a folder with pictures you like.")
        if total > PICTURES_MAX:
            raise InvalidInput(f"{total} pictures are too many at once; at most {PICTURES_MAX} are possible.")
        try:
            profile = self.get(name, owner)
        except NotFound:
            profile = self.create(name, owner)

        def work(report: Report) -> Imported:
            return self._import(profile, (liked, skipped), report)

        return self._jobs.start(f"Learn {profile.name}", work, owner)

    def edit(
        self, name: str, leanings: Mapping[str, float] | None = None, *, words: str = "", owner: str = "local"
    ) -> TasteProfile:
        """Set leanings by numbers, by plain words, or both; makes a new version.

        Raises:
            NotFound: no such profile.
            InvalidInput: an attribute or a word is not known, or a number is out of bounds.
        """
        profile = self.get(name, owner)
        changed = check_leanings(leanings or {}, self.attributes())
        if words:
            changed |= read_words(words, self.attributes(), {**profile.version.leanings, **changed})
        if not changed:
            raise InvalidInput("Nothing was said. Say for example: warmer, less busy, no outlines.")
        edits = {**profile.version.edits, **changed}
        names = {attribute.name: attribute for attribute in self.attributes()}
        why = "edited: " + ", ".join(f"{names[one].name} {value:+.2f}" for one, value in changed.items())
        return self._next(profile, why=why, edits=edits)

    def forget_edits(self, name: str, owner: str = "local") -> TasteProfile:
        """Let what was learned count again everywhere; makes a new version; raises as `get`."""
        return self._next(self.get(name, owner), why="edits taken back", edits={})

    def share(self, name: str, on: bool, owner: str = "local") -> TasteProfile:
        """Let a profile help others who agreed to that too and be helped by them, or withdraw that.

        What others get are the weights of named attributes, see `TasteEngine.lend`. Withdrawn, they are wiped here,
        which is the only place where they were, and count nowhere from the next judgement on. Raises as `get`.
        """
        with self._vault.database.write() as session:
            tastes = TasteRepository(session)
            profile = _found(tastes, name, owner)
            since = (profile.sharing_since or datetime.now(UTC)) if on else None
            tastes.share(profile.id, since, owner)
            if on:
                self._lend(tastes, profile, profile.version)
        if not on:
            self._vault.database.checkpoint()
        return dataclasses.replace(profile, sharing_since=since)

    def lent(self, name: str, owner: str = "local") -> Mapping[str, float] | None:
        """Return what others are given of a profile, weights by attribute; None: nothing; raises as `get`."""
        with self._vault.database.read() as session:
            tastes = TasteRepository(session)
            return tastes.lent(_found(tastes, name, owner).id, owner)

    def help(self, name: str, owner: str = "local") -> TasteHelp:
        """Return what others who share lend to a profile at this moment, and what it changes; raises as `get`."""
        profile = self.get(name, owner)
        crowd = self._crowd(profile)
        version = profile.version
        if not crowd or version.learned is None or version.model != self._engine.model():
            return TasteHelp(sharing=len(crowd))
        found = self._engine.borrow(version.learned, crowd).help
        own = {one: by for one, by in found.leanings.items() if one not in version.edits}
        return dataclasses.replace(found, leanings=own)

    def revert(self, name: str, number: int, owner: str = "local") -> TasteProfile:
        """Make a new version that is like an earlier one; raises `NotFound` when there is none of that number."""
        profile = self.get(name, owner)
        for version in self.versions(name, owner):
            if version.number == number:
                kept = {field: getattr(version, field) for field in ("edits", "summary", "model", "learned")}
                return self._next(profile, why=f"as in version {number}", **kept)
        raise NotFound(f"{profile.name} has no version {number}; the newest is {profile.version.number}.")

    def forget(self, name: str, owner: str = "local") -> None:
        """Delete a profile, its versions and everything that was said for it; raises as `get`."""
        with self._vault.database.write() as session:
            tastes = TasteRepository(session)
            files = tastes.delete(_found(tastes, name, owner).id, owner)
        self._vault.sweep(files)

    def export(self, name: str, owner: str = "local") -> bytes:
        """Return a profile as JSON to take away: leanings, versions, reactions and consent, no picture.

        Raises as `get`.
        """
        profile = self.get(name, owner)
        versions = [_record(version) for version in self.versions(name, owner)]
        events = [
            {"picture": event.file.partition(".")[0].replace("/", ""), "reaction": event.reaction.value,
             "at": event.at.isoformat(), "seconds": event.seconds}
            for event in self.events(name, owner)
        ]  # fmt: skip
        since = profile.sharing_since
        sharing = {"since": since.isoformat() if since else None, "lent": self.lent(name, owner)}
        whole = {"keepsake_taste": 1, "name": profile.name, "sharing": sharing, "versions": versions, "events": events}
        return json.dumps(whole, indent=2, ensure_ascii=False).encode()

    def judge(self, name: str, owner: str = "local") -> Callable[[Sequence[Image.Image]], tuple[TasteVerdict, ...]]:
        """Return what says how likely the person likes pictures.

        Raises:
            NotFound: no such profile.
            InvalidInput: it has learned nothing, and nothing was set by hand.
        """
        profile = self.get(name, owner)
        version = self.usable(profile)
        return lambda pictures: self.verdicts(pictures, version, profile)

    def verdicts(
        self,
        pictures: Sequence[Image.Image],
        version: TasteVersion,
        profile: TasteProfile | None = None,
        beside: BesideTaste | None = None,
    ) -> tuple[TasteVerdict, ...]:
        """Say what a taste thinks of pictures, with the help of those who lend to it at this moment.

        Args:
            pictures: what is judged.
            version: of the taste; something is learned in it.
            profile: whose it is; None: nobody's, whom nobody helps.
            beside: a picture that they are to look like, too.
        """
        assert version.learned is not None
        looks = [self._engine.look(picture) for picture in pictures]
        crowd = self._crowd(profile) if profile else ()  # of now: somebody may have withdrawn since the last picture
        learned = self._engine.borrow(version.learned, crowd).data if crowd else version.learned
        return self._engine.score(learned, looks, version.edits, beside)

    def usable(self, profile: TasteProfile) -> TasteVersion:
        """Return the newest version with something learned; raises `InvalidInput` when nothing is known yet."""
        version = profile.version
        if version.learned is not None and version.model == self._engine.model():
            return version
        if self.events(profile.id, profile.owner):
            raise InvalidInput(f"{profile.name} has not learned from what was done yet. Learn it first.")
        if not version.edits:
            raise InvalidInput(
                f"{profile.name} knows nothing yet. Like a few pictures, pick between pairs, or say what you like."
            )
        empty = self._engine.learn([], datetime.now(UTC))  # what was set by hand counts all the same
        return dataclasses.replace(version, learned=empty.data, model=self._engine.model())

    def score(self, name: str, pictures: Sequence[bytes], owner: str = "local") -> Job[tuple[TasteVerdict, ...]]:
        """Say how likely the person likes some uploaded pictures.

        Raises:
            NotFound: as `judge`.
            InvalidInput: as `judge`; `InvalidPhoto` as the job's error when a file is no picture.
        """
        verdicts = self.judge(name, owner)

        def work(report: Report) -> tuple[TasteVerdict, ...]:
            found: list[TasteVerdict] = []
            for number, data in enumerate(pictures):
                report(number / max(1, len(pictures)), f"Looking at picture {number + 1} of {len(pictures)}")
                found += verdicts([_opened(data)])
            return tuple(found)

        return self._jobs.start("Look at pictures", work, owner)

    def in_words(self, profile: TasteProfile) -> str:
        """Return in a sentence what a profile likes."""
        words = describe(profile.version.leanings, self.attributes(), least=0.15, most=5)
        if not words:
            return "Nothing stands out yet."
        return f"You like {', '.join(words[:-1])} and {words[-1]}." if len(words) > 1 else f"You like {words[0]}."

    def _crowd(self, profile: TasteProfile) -> Sequence[Sequence[Mapping[str, float]]]:
        """Return what everybody else lends to a profile, a list for each person; nobody unless it shares itself."""
        with self._vault.database.read() as session:
            return TasteRepository(session).crowd(profile.id, self._engine.model(), profile.owner)

    def _lend(self, tastes: TasteRepository, profile: TasteProfile, version: TasteVersion) -> None:
        model = self._engine.model()
        known = version.learned is not None and version.model == model
        lent = self._engine.lend(version.learned, version.edits) if known and version.learned is not None else None
        tastes.lend(profile.id, lent, model, profile.owner)

    def _learn(self, profile_id: str, owner: str, report: Report) -> TasteProfile:
        events = self._looked_at(profile_id, owner, part(report, 0.0, _LOOKING))
        report(_LOOKING, "Learning")
        learned = self._engine.learn(events, datetime.now(UTC))
        summary = learned.summary
        why = f"learned from {summary.liked} liked, {summary.others} not liked, {summary.picks} picks"
        return self._next(
            self.get(profile_id, owner), why=why, summary=summary, model=self._engine.model(), learned=learned.data
        )

    def _looked_at(self, profile_id: str, owner: str, report: Report) -> Sequence[TasteEvent]:
        """Return the events with what this engine sees in their pictures; looks that are missing are made and kept."""
        model = self._engine.model()
        with self._vault.database.read() as session:
            events = TasteRepository(session).events(profile_id, owner)
        missing = list(dict.fromkeys(event.file for event in events if event.look is None or event.look_model != model))
        looks: dict[str, bytes] = {}
        for number, file in enumerate(missing):
            report(number / len(missing), f"Looking at picture {number + 1} of {len(missing)}")
            try:
                looks[file] = self._engine.look(read_kept(self._vault.files.get(file)))
            except NotFound:  # deleted since; its events are gone with it, or say nothing
                continue
        with self._vault.database.write() as session:
            tastes = TasteRepository(session)
            tastes.keep_looks(looks, model, owner)
            return [event for event in tastes.events(profile_id, owner) if event.look_model == model]

    def _import(self, profile: TasteProfile, files: tuple[Sequence[Any], Sequence[Any]], report: Report) -> Imported:
        left_out: list[str] = []
        now = datetime.now(UTC)
        counts = [0, 0]
        total = len(files[0]) + len(files[1])
        done = 0
        for side, reaction in enumerate((Reaction.LIKE, Reaction.SKIP)):
            for label, read in files[side]:
                report(0.4 * done / total, f"Reading picture {done + 1} of {total}")
                done += 1
                try:
                    data = picture_for_keeping(read())
                except InvalidPhoto as error:
                    left_out.append(f"{label}: {error}")
                    continue
                except OSError as error:
                    left_out.append(f"{label}: cannot be read ({error.strerror}).")
                    continue
                self._keep(
                    profile, data, TasteEvent(id=self._ids(), file="", reaction=reaction, at=now, deliberate=True)
                )
                counts[side] += 1
        if not any(counts):
            raise InvalidInput(f"None of the {total} files is a picture. The first: {left_out[0]}")
        learned = self._learn(profile.id, profile.owner, part(report, 0.4, 1.0))
        return Imported(profile=learned, liked=counts[0], skipped=counts[1], left_out=tuple(left_out))

    def _keep(self, profile: TasteProfile, data: bytes, event: TasteEvent) -> None:
        with self._vault.storing() as act:
            tastes = TasteRepository(act.session)
            told = dataclasses.replace(event, file=act.put(data, suffix_of(data)))
            tastes.react(profile.id, [told], profile.owner)

    def _next(self, profile: TasteProfile, *, why: str, **changes: Any) -> TasteProfile:
        with self._vault.database.write() as session:
            tastes = TasteRepository(session)
            newest = _found(tastes, profile.id, profile.owner)
            version = dataclasses.replace(
                newest.version, number=newest.version.number + 1, made_at=datetime.now(UTC), why=why, **changes
            )
            tastes.add_version(profile.id, version, profile.owner)
            if newest.sharing_since is not None:
                self._lend(tastes, newest, version)
        return dataclasses.replace(newest, version=version)


def _found(tastes: TasteRepository, name: str, owner: str) -> TasteProfile:
    profile = tastes.find(name, owner)
    if profile is None:
        known = ", ".join(one.name for one in tastes.all(owner)) or "none yet"
        raise NotFound(f"There is no taste called {name[:40]!r}. There are: {known}.")
    return profile


def _record(version: TasteVersion) -> dict[str, Any]:
    summary: TasteSummary = version.summary
    return {
        "number": version.number,
        "made_at": version.made_at.isoformat(),
        "why": version.why,
        "edits": dict(version.edits),
        "leanings": version.leanings,
        "interests": [{"share": round(one.share, 4), "words": list(one.words)} for one in summary.interests],
        "liked": summary.liked,
        "others": summary.others,
        "picks": summary.picks,
    }


def picture_for_keeping(data: bytes) -> bytes:
    """Return an uploaded picture as it is kept: its pixels alone, small, with its transparency.

    Raises:
        InvalidPhoto: it is no picture, or none that can be used.
    """
    return _kept(_opened(data))


def _kept(picture: Image.Image) -> bytes:
    small = without_metadata(picture)
    small.thumbnail((KEPT_EDGE, KEPT_EDGE), Image.Resampling.LANCZOS)
    return encode_cutout(small) if small.mode == "RGBA" else encode_photo(small)


def read_kept(data: bytes) -> Image.Image:
    """Return a kept picture, RGB or RGBA."""
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _opened(data: bytes) -> Image.Image:
    """Open an uploaded picture; transparency is kept, since the shape of a drawing is part of what is liked."""
    plain = decode_photo(data)  # refuses what is no picture, with a sentence
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGBA") if picture.format in ("PNG", "WEBP") and picture.has_transparency_data else plain
