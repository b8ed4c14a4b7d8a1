from __future__ import annotations

import errno
import io
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from studio.bootstrap import build_studio
from studio.config import StudioConfig
from studio.domain.concepts import AddConceptRequest, Concept
from studio.domain.generation import SEED_MAX, GenerateRequest, Pose
from studio.domain.jobs import Status
from studio.engines.base import ImageJob, Report
from studio.engines.fake import FakeImageEngine, FakeSubjectEngine
from studio.errors import InvalidInput, JobCancelled, NotFound, StorageFull, UnknownConcept
from studio.studio import Studio

PATIENCE = 20.0
Photos = Callable[..., bytes]


def image_engine(studio: Studio) -> FakeImageEngine:
    engine = studio.generation._artist.image.engine()  # type: ignore[attr-defined]
    assert isinstance(engine, FakeImageEngine)
    return engine


def add(studio: Studio, photo: Photos, name: str, owner: str = "local") -> Concept:
    request = AddConceptRequest(name=name, photos=(photo(len(name)),), kind="dog", owner=owner)
    return studio.concepts.add(request).result(PATIENCE)


@pytest.fixture
def bo(studio: Studio, photo: Photos) -> Concept:
    return add(studio, photo, "Bo")


def test_pictures_are_kept_with_their_recipe(studio: Studio, bo: Concept) -> None:
    request = GenerateRequest(prompt="a happy @Bo", count=2, seed=SEED_MAX, steps=2, guidance=5, fidelity=0.4)
    pictures = studio.generation.start(request).result(PATIENCE)
    assert studio.gallery.list() == list(reversed(pictures))
    assert [picture.recipe.seed for picture in pictures] == [SEED_MAX, 0]
    recipe = pictures[0].recipe
    abilities = studio.generation.capabilities()
    assert (recipe.prompt, recipe.steps, recipe.guidance, recipe.fidelity) == ("a happy @bo", 2, 5, 0.4)
    assert (recipe.scheduler, recipe.model, recipe.model_hash) == (
        abilities.scheduler,
        abilities.model,
        abilities.model_hash,
    )
    assert (recipe.width, recipe.height) == (64, 64)
    assert (recipe.concepts, recipe.concept_names) == ((bo.id,), ("Bo",))
    for picture in pictures:
        assert picture.seconds is not None
        with Image.open(io.BytesIO(studio.files.get(picture.file))) as stored:
            assert (stored.format, stored.mode, stored.size) == ("PNG", "RGBA", (64, 64))
            assert stored.info == {}


def test_the_engine_gets_a_job_with_nothing_left_open(studio: Studio, bo: Concept) -> None:
    studio.generation.start(GenerateRequest(prompt="@bo's hat", seed=7)).result(PATIENCE)
    (job,) = image_engine(studio).requests
    (subject,) = job.subjects
    assert (subject.mention, subject.kind) == ("bo", "dog")
    assert bo.adapter is not None
    assert subject.adapter == studio.files.get(bo.adapter)
    assert job == ImageJob(
        prompt="@bo's hat", subjects=(subject,), seeds=(7,), steps=3, guidance=4.0, fidelity=0.7, poses=("drawn",)
    )


def test_cut_outs_and_poses_go_to_the_engine_and_into_the_recipes(studio: Studio, bo: Concept) -> None:
    for pose, expected in (
        (Pose.BOTH, ["photo", "drawn", "photo"]),
        (Pose.PHOTO, ["photo"] * 3),
        (Pose.DRAWN, ["drawn"] * 3),
    ):
        request = GenerateRequest(prompt="a @bo", count=3, seed=6, pose=pose)
        pictures = studio.generation.start(request).result(PATIENCE)
        assert [picture.recipe.pose for picture in pictures] == expected
        job = image_engine(studio).requests[-1]
        assert list(job.poses) == expected
        (cutout,) = job.subjects[0].cutouts
        assert bo.photos[0].cutout is not None
        with Image.open(io.BytesIO(studio.files.get(bo.photos[0].cutout))) as kept:
            assert (cutout.mode, cutout.tobytes()) == ("RGBA", kept.convert("RGBA").tobytes())


def test_the_same_recipe_makes_the_same_picture(studio: Studio, bo: Concept) -> None:
    first, second = (
        studio.generation.start(GenerateRequest(prompt="a @bo", seed=7)).result(PATIENCE)[0] for _ in range(2)
    )
    assert first.file == second.file
    assert first.id < second.id
    studio.gallery.delete(first.id)
    assert studio.files.exists(second.file)


def test_a_seed_is_chosen_where_none_is_given(studio: Studio) -> None:
    seeds = {studio.generation.start(GenerateRequest(prompt="a dog")).result(PATIENCE)[0].recipe.seed for _ in range(3)}
    assert len(seeds) == 3


@pytest.mark.parametrize(
    ("prompt", "concept", "handles"),
    [
        ("@bo and @red-mug", None, ["bo", "red-mug"]),
        ("@red_mug beside @Bo, @bo again", None, ["red-mug", "bo"]),
        ("in the rain", "Bo", ["bo"]),
        ("in the rain", "@red-mug", ["red-mug"]),
        ("a @bo in the rain", "bo", ["bo"]),
        ("a @bo in the rain", "Red Mug", ["bo", "red-mug"]),
        ("write to bo@example.com", None, []),
        ("in the rain", "", []),
    ],
)
def test_mentions_and_the_named_concept_become_subjects(
    studio: Studio, photo: Photos, bo: Concept, prompt: str, concept: str | None, handles: list[str]
) -> None:
    add(studio, photo, "Red Mug")
    studio.generation.start(GenerateRequest(prompt=prompt, concept=concept)).result(PATIENCE)
    assert [subject.mention for subject in image_engine(studio).requests[0].subjects] == handles


@pytest.mark.parametrize(
    ("prompt", "concept", "sentence"),
    [
        ("a happy @boo", None, r"no concept @boo\. Did you mean @bo\?"),
        ("a happy @bo with @nobody", None, "no concept @nobody"),
        ("a dog", "nobody", "no concept @nobody"),
    ],
)
def test_an_unknown_name_is_refused_at_once(
    studio: Studio, bo: Concept, prompt: str, concept: str | None, sentence: str
) -> None:
    with pytest.raises(UnknownConcept, match=sentence):
        studio.generation.start(GenerateRequest(prompt=prompt, concept=concept))
    assert studio.gallery.list() == []
    assert [job.title for job in studio.jobs.list()] == ["Get to know Bo"]


def test_progress_and_previews_come_at_every_step(studio: Studio, bo: Concept, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, bool]] = []
    generate = FakeImageEngine.generate

    def watched(engine: FakeImageEngine, job: ImageJob, report: Report) -> list[Image.Image]:
        def listening(share: float, message: str = "", preview: Image.Image | None = None) -> None:
            report(share, message, preview)
            seen.append((running[0].progress.share, running[0].progress.preview is not None))

        running = studio.jobs.list()
        return generate(engine, job, listening)

    monkeypatch.setattr(FakeImageEngine, "generate", watched)
    job = studio.generation.start(GenerateRequest(prompt="a @bo", count=2, steps=3))
    job.result(PATIENCE)
    shares = [share for share, _ in seen]
    assert len(seen) == 2 * 3 + 1
    assert shares == sorted(shares)
    assert all(preview for _, preview in seen)
    assert (job.progress.share, job.progress.preview is not None) == (1.0, True)


def test_stopping_within_a_step_keeps_nothing(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[float] = []
    generate = FakeImageEngine.generate

    def stopped(engine: FakeImageEngine, job: ImageJob, report: Report) -> list[Image.Image]:
        def stopping(share: float, message: str = "", preview: Image.Image | None = None) -> None:
            report(share, message, preview)
            reached.append(share)
            studio.jobs.list()[0].cancel()

        return generate(engine, job, stopping)

    monkeypatch.setattr(FakeImageEngine, "generate", stopped)
    job = studio.generation.start(GenerateRequest(prompt="a dog", count=4, steps=50))
    with pytest.raises(JobCancelled):
        job.result(PATIENCE)
    assert job.status is Status.CANCELLED
    assert reached == [0.0]
    assert studio.gallery.list() == []
    assert list(studio.files.keys()) == []


def test_a_full_disk_keeps_nothing(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    file_system = type(studio.files._fs)
    opened = file_system._open
    written: list[str] = []

    def _open(fs: object, path: str, mode: str = "rb", **options: object) -> object:
        written.append(path)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(fs, path, mode, **options)

    monkeypatch.setattr(file_system, "_open", _open)
    with pytest.raises(StorageFull, match="disk is full"):
        studio.generation.start(GenerateRequest(prompt="a dog", count=4)).result(PATIENCE)
    assert studio.gallery.list() == []
    assert list(studio.files.keys()) == []


@pytest.fixture
def held(studio: Studio) -> Iterator[threading.Event]:
    """Keep the device busy until the event is set."""
    go, begun = threading.Event(), threading.Event()

    def hold(report: Report) -> None:
        begun.set()
        assert go.wait(PATIENCE)

    studio.jobs.start("Hold", hold)
    assert begun.wait(PATIENCE)
    yield go
    go.set()


def test_a_concept_forgotten_before_its_turn_is_said(studio: Studio, bo: Concept, held: threading.Event) -> None:
    job = studio.generation.start(GenerateRequest(prompt="a @bo"))
    studio.concepts.forget(bo.id)
    held.set()
    with pytest.raises(NotFound, match="forgotten"):
        job.result(PATIENCE)


def test_after_a_change_of_models_the_adapter_is_predicted_again(
    fake_config: StudioConfig, studio: Studio, bo: Concept
) -> None:
    newer = fake_config.model_copy(
        update={
            "engines": fake_config.engines.model_copy(
                update={"subject": fake_config.engines.subject.model_copy(update={"options": {"model": "fake-2"}})}
            )
        }
    )
    later = build_studio(newer)
    later.generation.start(GenerateRequest(prompt="a @bo")).result(PATIENCE)
    (subject,) = image_engine(later).requests[0].subjects
    after = later.concepts.get("bo")
    assert after.adapter is not None
    assert bo.adapter is not None
    assert after.adapter_model == "fake-2"
    assert subject.adapter == later.files.get(after.adapter)
    assert not later.files.exists(bo.adapter)
    later.close()


def test_an_engine_that_takes_no_loras_gets_none(
    fake_config: StudioConfig, studio: Studio, bo: Concept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_engine(studio), "_personal", False)
    monkeypatch.setattr(FakeSubjectEngine, "model", lambda engine: pytest.fail("nothing to predict"))
    studio.generation.start(GenerateRequest(prompt="a @bo")).result(PATIENCE)
    assert image_engine(studio).requests[0].subjects[0].adapter is None


def test_two_owners_never_meet(studio: Studio, photo: Photos) -> None:
    anna, ben = (add(studio, photo, "Bo", owner) for owner in ("anna", "ben"))
    add(studio, photo, "Mug", "ben")
    studio.generation.start(GenerateRequest(prompt="@bo", owner="anna")).result(PATIENCE)
    with pytest.raises(UnknownConcept, match="no concept @mug"):
        studio.generation.start(GenerateRequest(prompt="@mug", owner="anna"))
    with pytest.raises(UnknownConcept):
        studio.generation.start(GenerateRequest(prompt="a dog", concept=ben.id, owner="anna"))
    assert studio.gallery.list("ben") == []
    assert [picture.recipe.concepts for picture in studio.gallery.list("anna")] == [(anna.id,)]


def test_the_picture_is_not_empty(studio: Studio) -> None:
    (picture,) = studio.generation.start(GenerateRequest(prompt="a dog")).result(PATIENCE)
    with Image.open(io.BytesIO(studio.files.get(picture.file))) as stored:
        alpha = np.asarray(stored)[..., 3]
    assert 0.2 < (alpha > 128).mean() < 0.9


def interrupt(config: StudioConfig, *requests: GenerateRequest) -> None:
    """Ask a studio for drawings and close it before the first of them is done."""
    studio = build_studio(config)
    engine = image_engine(studio)
    begun, go = threading.Event(), threading.Event()
    draw = engine.generate

    def slowly(job: ImageJob, report: Report) -> list[Image.Image]:
        begun.set()
        assert go.wait(PATIENCE)
        return draw(job, report)

    engine.generate = slowly  # type: ignore[method-assign]
    for request in requests:
        studio.generation.start(request)
    assert begun.wait(PATIENCE)
    assert studio.generation.interrupted() == []
    studio.jobs.close(timeout=0)
    go.set()
    studio.close()


def test_what_the_end_of_the_studio_interrupted_can_be_drawn_again(fake_config: StudioConfig) -> None:
    interrupt(fake_config, GenerateRequest(prompt="a kite", count=2), GenerateRequest(prompt="a boat", seed=5, steps=2))
    studio = build_studio(fake_config)
    boat, kite = studio.generation.interrupted()
    assert studio.gallery.list() == []
    assert (kite.request.prompt, kite.request.count, boat.request.seed, boat.request.steps) == ("a kite", 2, 5, 2)
    assert kite.request.seed is not None and kite.request.guidance is not None
    pictures = studio.generation.resume(kite.id).result(PATIENCE)
    assert (len(pictures), pictures[0].recipe.seed) == (2, kite.request.seed)
    assert studio.generation.interrupted() == [boat]
    with pytest.raises(NotFound, match="interrupted"):
        studio.generation.resume(kite.id)
    studio.generation.dismiss(boat.id)
    assert studio.generation.interrupted() == []
    studio.close()


def test_a_drawing_of_another_process_at_work_is_not_interrupted(fake_config: StudioConfig) -> None:
    first, second = build_studio(fake_config), build_studio(fake_config)
    held = threading.Event()
    first.jobs.start("Hold", lambda report: held.wait(PATIENCE))
    job = first.generation.start(GenerateRequest(prompt="a kite"))
    assert second.generation.interrupted() == []
    with pytest.raises(NotFound):
        second.generation.dismiss(job.id)
    held.set()
    job.result(PATIENCE)
    first.close()
    assert second.generation.interrupted() == []
    second.close()


def test_a_drawing_that_cannot_be_drawn_again_stays_on_record(
    fake_config: StudioConfig, studio: Studio, bo: Concept
) -> None:
    interrupt(fake_config, GenerateRequest(prompt="a happy @bo"))
    (drawing,) = studio.generation.interrupted()
    studio.concepts.edit(bo.id, name="Rex")
    with pytest.raises(UnknownConcept):
        studio.generation.resume(drawing.id)
    assert studio.generation.interrupted() == [drawing]


def test_a_drawing_that_was_stopped_or_failed_is_not_offered_again(fake_config: StudioConfig) -> None:
    first = build_studio(fake_config)
    held = threading.Event()
    first.jobs.start("Hold", lambda report: held.wait(PATIENCE))
    first.generation.start(GenerateRequest(prompt="a kite")).cancel()
    held.set()
    image_engine(first).generate = lambda job, report: []  # type: ignore[method-assign]
    assert first.generation.start(GenerateRequest(prompt="a boat")).wait(PATIENCE)
    first.close()
    second = build_studio(fake_config)
    assert second.generation.interrupted() == []
    second.close()


def test_several_things_go_to_the_engine_and_too_many_are_refused_at_once(studio: Studio, photo: Photos) -> None:
    for name in ("Bo", "Anna", "Cup", "Hat"):
        add(studio, photo, name)
    pictures = studio.generation.start(GenerateRequest(prompt="@cup next to @bo, @anna", seed=4)).result(PATIENCE)
    (job,) = image_engine(studio).requests
    assert [subject.mention for subject in job.subjects] == ["cup", "bo", "anna"]
    assert all(subject.adapter and subject.cutouts for subject in job.subjects)
    assert pictures[0].recipe.concept_names == ("Cup", "Bo", "Anna")
    with pytest.raises(InvalidInput, match="@bo, @anna, @cup, @hat are 4 of your things"):
        studio.generation.start(GenerateRequest(prompt="@bo @anna @cup", concept="Hat"))
    assert len(image_engine(studio).requests) == 1


class TestScores:
    def test_pictures_are_kept_with_their_scores(self, studio: Studio, bo: Concept) -> None:
        (picture,) = studio.generation.start(GenerateRequest(prompt="a @bo", seed=7)).result(PATIENCE)
        assert picture.scores.likeness is not None and picture.scores.prompt is not None
        assert studio.gallery.get(picture.id).scores == picture.scores
        (other,) = studio.generation.start(GenerateRequest(prompt="a dog", seed=7)).result(PATIENCE)
        assert other.scores.likeness is None and other.scores.prompt is not None

    def test_the_best_of_several_is_kept_and_its_recipe_makes_it_again(self, studio: Studio, bo: Concept) -> None:
        every = studio.generation.start(GenerateRequest(prompt="a @bo", count=8, seed=40, pose=Pose.DRAWN))
        kept = studio.generation.start(
            GenerateRequest(prompt="a @bo", count=2, best_of=4, seed=40, pose=Pose.DRAWN)
        ).result(PATIENCE)
        drawn = every.result(PATIENCE)
        assert [picture.recipe.seed for picture in kept] == [
            max(four, key=lambda picture: picture.scores.together(0.7)).recipe.seed for four in (drawn[:4], drawn[4:])
        ]
        for picture in kept:
            recipe = picture.recipe
            (again,) = studio.generation.start(
                GenerateRequest(prompt=recipe.prompt, seed=recipe.seed, pose=recipe.pose)
            ).result(PATIENCE)
            assert again.file == picture.file
        assert len(studio.gallery.list()) == 8 + 2 + 2

    def test_the_candidates_for_one_picture_share_its_pose(self, studio: Studio, bo: Concept) -> None:
        request = GenerateRequest(prompt="a @bo", count=3, best_of=3, seed=6)
        pictures = studio.generation.start(request).result(PATIENCE)
        assert [picture.recipe.pose for picture in pictures] == ["photo", "drawn", "photo"]
        assert image_engine(studio).requests[-1].poses == ("photo",) * 3 + ("drawn",) * 3 + ("photo",) * 3

    def test_more_than_can_be_drawn_is_refused(self, studio: Studio) -> None:
        with pytest.raises(InvalidInput, match="best of 8 for each of 4 pictures are 32 to draw"):
            GenerateRequest(prompt="a fox", count=4, best_of=8)
        with pytest.raises(InvalidInput, match="best_of is 0"):
            GenerateRequest(prompt="a fox", best_of=0)
