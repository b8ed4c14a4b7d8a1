"""The pictures of conversations: each is looked at once by a model, and what it shows is answered anew each time."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from studio.domain.conversations import Message
from studio.engines.base import PhotoPlaces, Report, SubjectEngine
from studio.errors import InvalidPhoto, NotFound
from studio.services.recognition import RecognitionService, Seen
from studio.storage.conversations import ConversationRepository, Glance
from studio.storage.vault import Vault

_KINDS_MAX = 3  # unknown places of a picture that are given a class word
_KIND_LEAST = 0.6  # of its score


class ChatPictures:
    """Looks at pictures of conversations and keeps what was seen.

    Args:
        vault: of the pictures.
        recognition: says what they show.
        subject: gives class words for what is not known.
    """

    def __init__(self, *, vault: Vault, recognition: RecognitionService, subject: SubjectEngine) -> None:
        self._vault = vault
        self.recognition = recognition
        self._subject = subject

    def look(self, messages: Sequence[Message], owner: str, report: Report) -> None:
        """Look at the pictures that this model has not seen yet."""
        pictures = [picture for message in messages for picture in message.pictures]
        model = self.recognition.model() if pictures else ""
        with self._vault.database.read() as session:
            known = ConversationRepository(session, owner).glances([one.id for one in pictures], model)
        missing = [picture for picture in pictures if picture.id not in known]
        for number, picture in enumerate(missing):
            report(number / len(missing), "Looking at the picture")
            photo = _opened(self._vault.files.get(picture.file))
            places = self.recognition.glance(photo, owner)
            report((number + 0.6) / len(missing), "Looking at the picture")
            kinds = self._kinds(photo, places, owner)
            with self._vault.database.write() as session:
                there = ConversationRepository(session, owner)
                there.keep_glance(picture.id, Glance(model=model, places=places, kinds=kinds))

    def seen(self, messages: Sequence[Message], owner: str) -> dict[str, Seen]:
        """Return the pictures of `messages` as they were seen, by their ids; only those looked at before."""
        pictures = [picture for message in messages for picture in message.pictures]
        if not pictures:
            return {}
        with self._vault.database.read() as session:
            there = ConversationRepository(session, owner)
            glances = there.glances([one.id for one in pictures], self.recognition.model())
        return {
            one.id: Seen(photo=b"", places=glances[one.id].places, width=one.width, height=one.height)
            for one in pictures
            if one.id in glances
        }

    def seen_one(self, picture_id: str, owner: str) -> Seen:
        """Return one picture with its photo; raises `NotFound` where it was not looked at."""
        with self._vault.database.read() as session:
            there = ConversationRepository(session, owner)
            picture = there.picture(picture_id)
            glance = there.glances([picture_id], self.recognition.model()).get(picture_id)
        if picture is None or glance is None:
            raise NotFound("This picture was not looked at (any more). Add it again.")
        photo = self._vault.files.get(picture.file)
        return Seen(photo=photo, places=glance.places, width=picture.width, height=picture.height)

    def kinds(self, picture_ids: Sequence[str], owner: str) -> dict[str, dict[int, str]]:
        """Return class words for unknown places, by picture and number of the place."""
        with self._vault.database.read() as session:
            glances = ConversationRepository(session, owner).glances(picture_ids, self.recognition.model())
        return {picture_id: glance.kinds for picture_id, glance in glances.items()}

    def _kinds(self, photo: Image.Image, places: PhotoPlaces, owner: str) -> dict[int, str]:
        """Return class words for the largest places that show nothing known."""
        seen = Seen(photo=b"", places=places, width=photo.width, height=photo.height)
        (found,) = self.recognition.answer([seen], owner)
        kinds = {}
        for one in [one for one in found.found if one.concept_id is None][:_KINDS_MAX]:
            try:
                words = self._subject.read(photo.crop(one.box)).kinds
            except InvalidPhoto:  # nothing stands out in it
                continue
            if words and words[0][1] >= _KIND_LEAST:
                kinds[one.region] = words[0][0]
        return kinds


def _opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")
