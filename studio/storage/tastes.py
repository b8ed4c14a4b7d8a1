"""Records of tastes: profiles with their versions, and reactions."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from studio.domain.concepts import handle_of
from studio.domain.taste import Reaction, TasteEvent, TasteInterest, TasteProfile, TasteSummary, TasteVersion
from studio.storage.models import TasteEventRow, TasteProfileRow, TasteVersionRow


class TasteRepository:
    """Reads and writes tastes within a session; every query asks for the owner, but `crowd`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self, owner: str) -> list[TasteProfile]:
        """Return the profiles of `owner`, the oldest first."""
        rows = self._session.scalars(
            select(TasteProfileRow).where(TasteProfileRow.owner == owner).order_by(TasteProfileRow.id)
        )
        return [self._profile(row) for row in rows]

    def find(self, name: str, owner: str) -> TasteProfile | None:
        """Return the profile of a name, handle or id."""
        row = self._session.scalar(
            select(TasteProfileRow).where(
                TasteProfileRow.owner == owner,
                (TasteProfileRow.handle == handle_of(name)) | (TasteProfileRow.id == name),
            )
        )
        return None if row is None else self._profile(row)

    def add(self, profile: TasteProfile) -> None:
        """Store a new profile with its first version."""
        self._session.add(
            TasteProfileRow(
                id=profile.id, owner=profile.owner, name=profile.name, handle=profile.handle,
                created_at=profile.created_at, collecting=profile.collecting, sharing_since=profile.sharing_since,
            )
        )  # fmt: skip
        self._session.flush()
        self.add_version(profile.id, profile.version, profile.owner)

    def add_version(self, profile_id: str, version: TasteVersion, owner: str) -> None:
        """Store a new version."""
        self._session.add(
            TasteVersionRow(
                profile_id=profile_id, owner=owner, number=version.number, made_at=version.made_at, why=version.why,
                edits=dict(version.edits), summary=dataclasses.asdict(version.summary), model=version.model,
                learned=version.learned,
            )
        )  # fmt: skip
        self._session.flush()

    def versions(self, profile_id: str, owner: str) -> list[TasteVersion]:
        """Return the versions of a profile, the newest first."""
        rows = self._session.scalars(
            select(TasteVersionRow)
            .where(TasteVersionRow.owner == owner, TasteVersionRow.profile_id == profile_id)
            .order_by(TasteVersionRow.number.desc())
        )
        return [_version(row) for row in rows]

    def collect_into(self, profile_id: str, owner: str) -> None:
        """Let one profile collect what is done while browsing, and no other."""
        self._session.execute(
            update(TasteProfileRow)
            .where(TasteProfileRow.owner == owner)
            .values(collecting=TasteProfileRow.id == profile_id)
        )

    def share(self, profile_id: str, since: datetime | None, owner: str) -> None:
        """Note since when a profile shares; None: it does not (any more), and what it lent is wiped."""
        values: dict[str, Any] = {"sharing_since": since}
        if since is None:
            values |= {"lent": None, "lent_model": None}
        self._change(profile_id, owner, values)

    def lend(self, profile_id: str, lent: Mapping[str, float] | None, model: str, owner: str) -> None:
        """Store what others may see of a profile, weights of attributes by their names; None: nothing."""
        values = {"lent": None, "lent_model": None} if lent is None else {"lent": dict(lent), "lent_model": model}
        self._change(profile_id, owner, values)

    def lent(self, profile_id: str, owner: str) -> dict[str, float] | None:
        """Return what others may see of a profile; None: nothing."""
        return self._session.scalar(
            select(TasteProfileRow.lent).where(TasteProfileRow.owner == owner, TasteProfileRow.id == profile_id)
        )

    def crowd(self, profile_id: str, model: str, owner: str) -> list[list[dict[str, float]]]:
        """Return what everybody else who shares lends to a profile, a list for each person; none if it does not share.

        The profiles of another owner are one person. Those of `owner` have names of their own: each is one.
        Of other owners' records this reads the consent and what is lent under it, and nothing else.
        """
        mine = select(TasteProfileRow.id).where(
            TasteProfileRow.owner == owner, TasteProfileRow.id == profile_id, TasteProfileRow.sharing_since.is_not(None)
        )
        if self._session.scalar(mine) is None:
            return []
        rows = self._session.execute(
            select(TasteProfileRow.owner, TasteProfileRow.id, TasteProfileRow.lent)
            .where(
                TasteProfileRow.id != profile_id,
                TasteProfileRow.sharing_since.is_not(None),
                TasteProfileRow.lent.is_not(None),
                TasteProfileRow.lent_model == model,
            )
            .order_by(TasteProfileRow.id)
        )
        people: dict[tuple[str, str], list[dict[str, float]]] = {}
        for whose, id, lent in rows:
            people.setdefault((whose, id if whose == owner else ""), []).append(dict(lent or {}))
        return list(people.values())

    def _change(self, profile_id: str, owner: str, values: dict[str, Any]) -> None:
        self._session.execute(
            update(TasteProfileRow)
            .where(TasteProfileRow.owner == owner, TasteProfileRow.id == profile_id)
            .values(**values)
        )

    def delete(self, profile_id: str, owner: str) -> list[str]:
        """Remove a profile with all that belongs to it; return the content keys its events named."""
        files = [event.file for event in self.events(profile_id, owner)]
        self._session.execute(
            delete(TasteProfileRow).where(TasteProfileRow.owner == owner, TasteProfileRow.id == profile_id)
        )
        return files

    def react(self, profile_id: str, events: Collection[TasteEvent], owner: str) -> None:
        """Store reactions."""
        self._session.add_all(
            TasteEventRow(
                id=event.id, profile_id=profile_id, owner=owner, picture_id=event.picture_id, file=event.file,
                reaction=event.reaction.value, at=event.at, seconds=event.seconds, deliberate=event.deliberate,
                pair=event.pair, look=event.look, look_model=event.look_model,
            )
            for event in events
        )  # fmt: skip
        self._session.flush()

    def events(self, profile_id: str, owner: str) -> list[TasteEvent]:
        """Return what was done, the oldest first."""
        rows = self._session.scalars(
            select(TasteEventRow)
            .where(TasteEventRow.owner == owner, TasteEventRow.profile_id == profile_id)
            .order_by(TasteEventRow.id)
        )
        return [_event(row) for row in rows]

    def event(self, event_id: str, owner: str) -> TasteEvent | None:
        """Return the reaction of an id."""
        row = self._session.scalar(
            select(TasteEventRow).where(TasteEventRow.owner == owner, TasteEventRow.id == event_id)
        )
        return None if row is None else _event(row)

    def said_of(self, picture_id: str, owner: str) -> set[Reaction]:
        """Return the reactions to a picture of the gallery, in any profile."""
        rows = self._session.scalars(
            select(TasteEventRow.reaction).where(TasteEventRow.owner == owner, TasteEventRow.picture_id == picture_id)
        )
        return {Reaction(row) for row in rows}

    def keep_looks(self, looks: Mapping[str, bytes], model: str, owner: str) -> None:
        """Keep what was seen in pictures, by their content keys."""
        for file, look in looks.items():
            self._session.execute(
                update(TasteEventRow)
                .where(TasteEventRow.owner == owner, TasteEventRow.file == file)
                .values(look=look, look_model=model)
            )

    def take_back(self, profile_id: str, file: str, owner: str) -> int:
        """Remove what was said of a picture, and the other half of its picks; return how many reactions."""
        mine = self.events(profile_id, owner)
        pairs = {event.pair for event in mine if event.file == file and event.pair}
        gone = [event.id for event in mine if event.file == file or event.pair in pairs]
        self._remove(gone, owner)
        return len(gone)

    def take_back_picture(self, picture_id: str, reactions: Collection[Reaction], owner: str) -> int:
        """Remove some reactions to a picture of the gallery from all profiles; return how many."""
        rows = self._session.scalars(
            select(TasteEventRow).where(
                TasteEventRow.owner == owner,
                TasteEventRow.picture_id == picture_id,
                TasteEventRow.reaction.in_([reaction.value for reaction in reactions]),
            )
        )
        gone = [row.id for row in rows]
        self._remove(gone, owner)
        return len(gone)

    def _remove(self, ids: Collection[str], owner: str) -> None:
        self._session.execute(delete(TasteEventRow).where(TasteEventRow.owner == owner, TasteEventRow.id.in_(ids)))

    def _profile(self, row: TasteProfileRow) -> TasteProfile:
        newest = self._session.scalar(
            select(TasteVersionRow)
            .where(TasteVersionRow.owner == row.owner, TasteVersionRow.profile_id == row.id)
            .order_by(TasteVersionRow.number.desc())
            .limit(1)
        )
        assert newest is not None, f"the taste {row.id} has no version"
        return TasteProfile(
            id=row.id, name=row.name, handle=row.handle, created_at=row.created_at, version=_version(newest),
            collecting=row.collecting, sharing_since=row.sharing_since, owner=row.owner,
        )  # fmt: skip


def _version(row: TasteVersionRow) -> TasteVersion:
    return TasteVersion(
        number=row.number, made_at=row.made_at, why=row.why, edits=dict(row.edits), summary=_summary(row.summary),
        model=row.model, learned=None if row.learned is None else bytes(row.learned),
    )  # fmt: skip


def _summary(values: dict[str, Any]) -> TasteSummary:
    interests = tuple(
        TasteInterest(**{**one, **{name: tuple(one[name]) for name in ("files", "words", "centre")}})
        for one in values["interests"]
    )
    return TasteSummary(**{**values, "interests": interests})


def _event(row: TasteEventRow) -> TasteEvent:
    return TasteEvent(
        id=row.id, file=row.file, reaction=Reaction(row.reaction), at=row.at, picture_id=row.picture_id,
        seconds=row.seconds, deliberate=row.deliberate, pair=row.pair,
        look=None if row.look is None else bytes(row.look), look_model=row.look_model,
    )  # fmt: skip
