from __future__ import annotations

import errno
import io
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from safetensors.numpy import load

from studio.bootstrap import build_studio
from studio.config import StudioConfig
from studio.domain.concepts import PHOTOS_MAX, AddConceptRequest
from studio.domain.jobs import Status
from studio.engines.base import Report
from studio.engines.fake import FakeSubjectEngine
from studio.errors import (
    InvalidInput,
    InvalidPhoto,
    JobCancelled,
    JobFailed,
    MixedPhotos,
    NameTaken,
    NotFound,
    StorageFull,
    UnknownConcept,
)
from studio.services.concepts import SHOWN_EDGE
from studio.studio import Studio

PATIENCE = 20.0
Photos = Callable[..., bytes]


def subject_engine(studio: Studio) -> FakeSubjectEngine:
    engine = studio.concepts._personalizer._engine.engine()  # type: ignore[attr-defined]
    assert isinstance(engine, FakeSubjectEngine)
    return engine


def rows(studio: Studio) -> dict[str, int]:
    with studio.database.engine.connect() as connection:
        return {
            table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0
            for table in ("concepts", "photos", "facts", "pictures", "picture_subjects")
        }


def assert_nothing_is_kept(studio: Studio) -> None:
    assert set(rows(studio).values()) == {0}
    kept = [path for path in Path(studio.config.files).rglob("*") if path.is_file()]
    assert kept == []


@pytest.fixture
def full_disk(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk run full at the second file."""
    file_system = type(studio.files._fs)
    opened, written = file_system._open, []

    def _open(fs: object, path: str, mode: str = "rb", **options: object) -> object:
        if "w" in mode:
            written.append(path)
            if len(written) > 1:
                raise OSError(errno.ENOSPC, "No space left on device")
        return opened(fs, path, mode, **options)

    monkeypatch.setattr(file_system, "_open", _open)


class TestRead:
    def test_every_photo_is_understood_and_nothing_is_kept(self, studio: Studio, photo: Photos) -> None:
        understood = studio.concepts.read([photo(0), photo(1, size=(64, 96))]).result(PATIENCE)
        assert [(one.width, one.height) for one in understood] == [(96, 64), (64, 96)]
        for one in understood:
            assert 0 < one.coverage < 1
            assert one.kinds[0][1] > one.kinds[1][1]
            with Image.open(io.BytesIO(one.cutout)) as cutout:
                assert (cutout.format, cutout.mode) == ("PNG", "RGBA")
        assert_nothing_is_kept(studio)

    def test_a_large_cutout_is_shown_smaller(self, studio: Studio, photo: Photos) -> None:
        (understood,) = studio.concepts.read([photo(size=(2400, 1200))]).result(PATIENCE)
        assert (understood.width, understood.height) == (2048, 1024)
        with Image.open(io.BytesIO(understood.cutout)) as cutout:
            assert max(cutout.size) == SHOWN_EDGE

    @pytest.mark.parametrize(("count", "named"), [(0, "no photo"), (PHOTOS_MAX + 1, "41"), (300, "300")])
    def test_no_photo_and_too_many_are_refused(self, studio: Studio, count: int, named: str) -> None:
        with pytest.raises(InvalidInput, match=named):
            studio.concepts.read([b"x"] * count)


class TestAdd:
    def test_a_concept_is_kept_with_all_that_belongs_to_it(self, studio: Studio, photo: Photos) -> None:
        request = AddConceptRequest(name="Bo", photos=(photo(0), photo(1)), kind="dog", facts=("likes rain",))
        concept = studio.concepts.add(request).result(PATIENCE)
        assert studio.concepts.list() == [concept]
        assert (concept.name, concept.handle, concept.kind) == ("Bo", "bo", "dog")
        assert [fact.text for fact in concept.facts] == ["likes rain"]
        assert concept.adapter is not None
        assert load(studio.files.get(concept.adapter))
        assert concept.adapter_model == "fake-1"
        for kept in concept.photos:
            assert kept.cutout is not None
            with Image.open(io.BytesIO(studio.files.get(kept.file))) as stored:
                assert stored.size == (kept.width, kept.height)
            with Image.open(io.BytesIO(studio.files.get(kept.cutout))) as cutout:
                assert cutout.mode == "RGBA"
        assert subject_engine(studio).requests == [(2, "dog")]

    def test_without_a_kind_the_likeliest_is_taken(self, studio: Studio, photo: Photos) -> None:
        understood = studio.concepts.read([photo(0)]).result(PATIENCE)
        concept = studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0),))).result(PATIENCE)
        assert concept.kind == understood[0].kinds[0][0]

    def test_the_same_photo_twice_is_one(self, studio: Studio, photo: Photos) -> None:
        concept = studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0), photo(0)))).result(PATIENCE)
        assert len(concept.photos) == 1

    def test_a_photo_of_a_phone_is_kept_upright_and_without_its_place(self, studio: Studio) -> None:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        exif[ExifTags.Base.Model] = "a phone"
        exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, 31.0, 12.0)
        held = Image.new("RGB", (80, 60), "blue")
        held.paste("red", (0, 0, 80, 20))  # the upper edge as held: the right one when upright
        buffer = io.BytesIO()
        held.save(buffer, "JPEG", exif=exif, comment=b"at home")
        concept = studio.concepts.add(AddConceptRequest(name="Bo", photos=(buffer.getvalue(),))).result(PATIENCE)
        (kept,) = concept.photos
        assert (kept.width, kept.height) == (60, 80)
        data = studio.files.get(kept.file)
        with Image.open(io.BytesIO(data)) as stored:
            assert stored.size == (60, 80)
            assert dict(stored.getexif()) == {}
            right = stored.getpixel((55, 40))
            assert isinstance(right, tuple)
            assert right[0] > 200
        for path in Path(studio.config.files).rglob("*"):
            if path.is_file():
                assert b"Exif" not in path.read_bytes()
                assert b"at home" not in path.read_bytes()

    @pytest.mark.parametrize("name", ["Bo", "bo", "BO "])
    def test_a_name_is_taken_once(self, studio: Studio, photo: Photos, name: str) -> None:
        first = studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0),))).result(PATIENCE)
        with pytest.raises(NameTaken, match="@bo"):
            studio.concepts.add(AddConceptRequest(name=name, photos=(photo(1),)))
        assert studio.concepts.list() == [first]

    def test_of_two_that_come_at_once_the_second_fails_and_leaves_nothing(self, studio: Studio, photo: Photos) -> None:
        # Both are asked for before either is kept, as two windows would; the second differs in everything but the name.
        begun, go = threading.Event(), threading.Event()

        def hold(report: Report) -> None:
            begun.set()
            assert go.wait(PATIENCE)

        studio.jobs.start("Hold", hold)
        assert begun.wait(PATIENCE)
        first = studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0),)))
        second = studio.concepts.add(AddConceptRequest(name="bo", photos=(photo(1),)))
        go.set()
        concept = first.result(PATIENCE)
        with pytest.raises(NameTaken, match="@bo"):
            second.result(PATIENCE)
        assert studio.concepts.list() == [concept]
        assert len(list(studio.files.keys())) == 3

    def test_a_name_that_another_process_takes_meanwhile_is_refused_by_the_record(
        self, studio: Studio, fake_config: StudioConfig, photo: Photos, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = build_studio(fake_config)
        predict = FakeSubjectEngine.personalize
        taken = AddConceptRequest(name="Bo", photos=(photo(1),), kind="other")

        def overtaken(engine: FakeSubjectEngine, cutouts: Sequence[Image.Image], kind: str, report: Report) -> bytes:
            if kind != "other":
                other.concepts.add(taken).result(PATIENCE)
            return predict(engine, cutouts, kind, report)

        monkeypatch.setattr(FakeSubjectEngine, "personalize", overtaken)
        with pytest.raises(NameTaken):
            studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0),), kind="dog")).result(PATIENCE)
        assert [concept.kind for concept in studio.concepts.list()] == ["other"]
        assert len(list(studio.files.keys())) == 3
        other.close()

    @pytest.mark.parametrize(
        ("bad", "sentence"),
        [
            (b"", "Photo 2 of 3: The file is empty"),
            (b"hello", "Photo 2 of 3: The file is not a picture"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Photo 2 of 3: The file is an SVG"),
        ],
    )
    def test_one_bad_photo_of_three_changes_nothing(
        self, studio: Studio, photo: Photos, bad: bytes, sentence: str
    ) -> None:
        with pytest.raises(InvalidPhoto, match=sentence):
            studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0), bad, photo(1))))
        assert studio.jobs.list() == []
        assert_nothing_is_kept(studio)

    def test_a_truncated_photo_changes_nothing(self, studio: Studio, photo: Photos) -> None:
        whole = photo(1, size=(600, 400))
        job = studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0), whole[: len(whole) // 2])))
        with pytest.raises(InvalidPhoto, match="Photo 2 of 2: The picture is cut off"):
            job.result(PATIENCE)
        assert_nothing_is_kept(studio)

    def test_a_photo_alone_is_not_numbered(self, studio: Studio) -> None:
        with pytest.raises(InvalidPhoto, match=r"^The file is empty"):
            studio.concepts.add(AddConceptRequest(name="Bo", photos=(b"",)))

    @pytest.mark.usefixtures("full_disk")
    def test_a_full_disk_changes_nothing(self, studio: Studio, photo: Photos) -> None:
        with pytest.raises(StorageFull, match="disk is full"):
            studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0), photo(1)))).result(PATIENCE)
        assert_nothing_is_kept(studio)

    def test_a_failing_engine_changes_nothing(
        self, studio: Studio, photo: Photos, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def break_down(engine: FakeSubjectEngine, cutouts: Sequence[Image.Image], kind: str, report: Report) -> bytes:
            raise ArithmeticError("no weights")

        monkeypatch.setattr(FakeSubjectEngine, "personalize", break_down)
        with pytest.raises(JobFailed, match="no weights"):
            studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0),))).result(PATIENCE)
        assert_nothing_is_kept(studio)

    def test_stopping_changes_nothing(self, studio: Studio, photo: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
        def stopped(engine: FakeSubjectEngine, cutouts: Sequence[Image.Image], kind: str, report: Report) -> bytes:
            (job,) = studio.jobs.list()
            job.cancel()
            return b"finished all the same"

        monkeypatch.setattr(FakeSubjectEngine, "personalize", stopped)
        job = studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0),)))
        with pytest.raises(JobCancelled):
            job.result(PATIENCE)
        assert job.status is Status.CANCELLED
        assert_nothing_is_kept(studio)


class TestGet:
    @pytest.mark.parametrize("name", ["Bo B", "bo-b", "@bo-b", "@BO-B"])
    def test_a_concept_is_known_by_all_its_names(self, studio: Studio, photo: Photos, name: str) -> None:
        concept = studio.concepts.add(AddConceptRequest(name="Bo B", photos=(photo(0),))).result(PATIENCE)
        assert studio.concepts.get(name) == studio.concepts.get(concept.id) == concept

    def test_an_unknown_name_gets_the_near_ones(self, studio: Studio, photo: Photos) -> None:
        with pytest.raises(UnknownConcept, match="No concept is known yet"):
            studio.concepts.get("bo")
        studio.concepts.add(AddConceptRequest(name="Bobby", photos=(photo(0),))).result(PATIENCE)
        with pytest.raises(UnknownConcept, match=r"no concept @boby\. Did you mean @bobby\?"):
            studio.concepts.get("@boby")


class TestEdit:
    def test_what_is_given_changes_and_the_rest_stays(self, studio: Studio, photo: Photos) -> None:
        request = AddConceptRequest(name="Bo", photos=(photo(0),), kind="dog", facts=("likes rain", "fears cats"))
        before = studio.concepts.add(request).result(PATIENCE)
        renamed = studio.concepts.edit(before.id, name=" Bobby ")
        assert (renamed.name, renamed.kind, renamed.facts, renamed.adapter_model) == (
            "Bobby",
            "dog",
            before.facts,
            "fake-1",
        )
        edited = studio.concepts.edit(before.id, facts=["fears cats", "is blue"])
        assert [fact.text for fact in edited.facts] == ["fears cats", "is blue"]
        assert edited.facts[0] == before.facts[1]
        assert studio.concepts.get("bobby") == edited
        with pytest.raises(UnknownConcept):
            studio.concepts.get("bo")

    def test_another_kind_asks_for_another_adapter(self, studio: Studio, photo: Photos) -> None:
        before = studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0),), kind="dog")).result(PATIENCE)
        assert studio.concepts.edit(before.id, kind="dog").adapter_model == "fake-1"
        after = studio.concepts.edit(before.id, kind="wolf")
        assert (after.adapter, after.adapter_model) == (before.adapter, None)

    @pytest.mark.parametrize(
        "values", [{"name": "a/b"}, {"name": "🐶"}, {"kind": "x" * 41}, {"facts": ["x" * 501]}, {"name": "Mug"}]
    )
    def test_what_cannot_be_changes_nothing(self, studio: Studio, photo: Photos, values: dict[str, str]) -> None:
        bo, mug = (
            studio.concepts.add(AddConceptRequest(name=name, photos=(photo(0),))).result(PATIENCE)
            for name in ("Bo", "Mug")
        )
        with pytest.raises((InvalidInput, NameTaken)):
            studio.concepts.edit(bo.id, **values)  # type: ignore[arg-type]
        assert studio.concepts.list() == [bo, mug]

    def test_an_unknown_concept_cannot_be_edited(self, studio: Studio) -> None:
        with pytest.raises(NotFound, match="'nobody'"):
            studio.concepts.edit("nobody", name="Bo")


class TestForget:
    def test_nothing_of_a_forgotten_concept_is_left(self, studio: Studio, photo: Photos) -> None:
        request = AddConceptRequest(name="Bo", photos=(photo(0), photo(1)), facts=("likes-rain-and-nobody-else-does",))
        concept = studio.concepts.add(request).result(PATIENCE)
        studio.files.thumbnail(concept.photos[0].file)
        studio.concepts.forget(concept.id)
        assert_nothing_is_kept(studio)
        for path in studio.config.data_dir.rglob("*"):
            if path.is_file():
                assert b"likes-rain-and-nobody-else-does" not in path.read_bytes()
        with pytest.raises(NotFound):
            studio.concepts.forget(concept.id)

    def test_photos_that_another_concept_shares_stay(self, studio: Studio, photo: Photos) -> None:
        bo, mug = (
            studio.concepts.add(AddConceptRequest(name=name, photos=(photo(0),), kind="toy")).result(PATIENCE)
            for name in ("Bo", "Mug")
        )
        studio.concepts.forget(bo.id)
        assert studio.concepts.list() == [mug]
        for key in (mug.photos[0].file, mug.photos[0].cutout, mug.adapter):
            assert key is not None
            assert studio.files.exists(key)


def test_two_owners_never_meet(studio: Studio, photo: Photos) -> None:
    anna, ben = (
        studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0),), owner=owner)).result(PATIENCE)
        for owner in ("anna", "ben")
    )
    assert studio.concepts.list("anna") == [anna]
    assert studio.concepts.list("ben") == [ben]
    assert studio.concepts.list() == []
    assert studio.concepts.get("bo", "ben") == ben
    with pytest.raises(UnknownConcept):
        studio.concepts.get(anna.id, "ben")
    with pytest.raises(NotFound):
        studio.concepts.edit(anna.id, name="Stolen", owner="ben")
    with pytest.raises(NotFound):
        studio.concepts.forget(anna.id, "ben")
    assert [job.owner for job in studio.jobs.list("ben")] == ["ben"]
    studio.concepts.forget(anna.id, "anna")
    assert studio.concepts.list("ben") == [ben]
    assert studio.files.exists(ben.photos[0].file)


def test_concepts_outlive_the_studio(fake_config: StudioConfig, photo: Photos) -> None:
    first = build_studio(fake_config)
    concept = first.concepts.add(AddConceptRequest(name="Bo", photos=(photo(0),))).result(PATIENCE)
    first.close()
    second = build_studio(fake_config)
    assert second.concepts.list() == [concept]
    second.close()


class TestMixedPhotos:
    def coloured(self, *colours: str) -> tuple[bytes, ...]:
        photos = []
        for number, colour in enumerate(colours):
            buffer = io.BytesIO()
            Image.new("RGB", (96, 64 + number), colour).save(buffer, "PNG")
            photos.append(buffer.getvalue())
        return tuple(photos)

    def test_photos_that_do_not_look_alike_are_said_and_nothing_is_kept(self, studio: Studio) -> None:
        request = AddConceptRequest(name="Bo", photos=self.coloured("red", "blue", "red", "lime"), kind="dog")
        with pytest.raises(MixedPhotos, match=r"Photos 1 and 3 of 4 look alike.*leave out .*or say"):
            studio.concepts.add(request).result(PATIENCE)
        assert_nothing_is_kept(studio)
        assert subject_engine(studio).requests == []

    def test_the_person_has_the_last_word(self, studio: Studio) -> None:
        request = AddConceptRequest(name="Bo", photos=self.coloured("red", "blue"), kind="dog", one_thing=True)
        assert len(studio.concepts.add(request).result(PATIENCE).photos) == 2

    def test_reading_says_which_photos_look_alike(self, studio: Studio) -> None:
        understood = studio.concepts.read(self.coloured("blue", "red", "lime", "red")).result(PATIENCE)
        assert [one.group for one in understood] == [1, 0, 2, 0]
