from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from studio.domain.concepts import AddConceptRequest, Concept
from studio.domain.generation import SEED_MAX, GenerateRequest, Picture
from studio.domain.stickers import (
    EMOJIS_OTHERWISE,
    FITTING,
    Mark,
    Messenger,
    Motion,
    SceneSet,
    StickerLook,
    StickersRequest,
)
from studio.errors import InvalidInput, NotFound, UnknownConcept
from studio.packs import video
from studio.packs.validation import problems
from studio.studio import Studio

PATIENCE = 60.0
LOOK = StickerLook()


@pytest.fixture
def bo(studio: Studio, photo: Callable[..., bytes]) -> Concept:
    return studio.concepts.add(AddConceptRequest(name="Bo", photos=(photo(),), kind="dog")).result(PATIENCE)


@pytest.fixture
def drawn(studio: Studio, bo: Concept) -> tuple[Picture, ...]:
    return studio.stickers.start(StickersRequest(concept="Bo", count=3, seed=SEED_MAX)).result(PATIENCE)


def test_a_set_is_one_picture_a_scene_kept_in_the_gallery(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    assert [picture.recipe.prompt for picture in drawn] == [
        scene.prompt_for("@bo") for scene in studio.stickers.scenes[:3]
    ]
    assert [picture.recipe.seed for picture in drawn] == [SEED_MAX, 0, 1]
    assert studio.gallery.list() == list(reversed(drawn))
    assert studio.jobs.list()[0].title == "Draw 3 stickers of Bo"


def test_a_sticker_says_what_its_scene_says(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    stickers = studio.stickers.of([picture.id for picture in drawn])
    scene = studio.stickers.scenes[1]
    assert (stickers[1].emojis, stickers[1].words) == (scene.emojis, scene.words)
    assert stickers[1].says == f"Bo {scene.says}"


def test_a_set_begins_with_what_it_is_about_and_goes_on_with_the_rest(studio: Studio, bo: Concept) -> None:
    feelings = [scene for scene in studio.stickers.scenes if scene.set is SceneSet.FEELINGS]
    request = StickersRequest(concept="Bo", count=len(studio.stickers.scenes) - 1, about=SceneSet.OCCASIONS)
    prompts = [picture.recipe.prompt for picture in studio.stickers.start(request).result(PATIENCE)]
    assert prompts[0] == "@bo" and len(set(prompts)) == request.count
    assert prompts[-len(feelings) + 1 :] == [scene.prompt_for("@bo") for scene in feelings[:-1]]


def test_what_the_subject_feels_is_on_the_sticker(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    happy, sad, _ = studio.stickers.of([picture.id for picture in drawn])
    assert (happy.feeling.mark, sad.feeling.mark) == (Mark.STARS, Mark.CLOUD)
    (plain,) = studio.generation.start(GenerateRequest(prompt="@bo", seed=SEED_MAX)).result(PATIENCE)
    assert studio.stickers.image(plain.id, LOOK) != studio.stickers.image(drawn[0].id, LOOK)


def test_any_picture_of_the_gallery_can_be_a_sticker(studio: Studio, bo: Concept) -> None:
    (made,) = studio.generation.start(GenerateRequest(prompt="a blue @bo on the moon")).result(PATIENCE)
    (styled,) = studio.generation.start(GenerateRequest(prompt="@bo at the beach, flat style")).result(PATIENCE)
    other, scene = studio.stickers.of([made.id, styled.id])
    assert (other.emojis, other.words, other.says) == (EMOJIS_OTHERWISE, "", "a blue bo on the moon")
    assert scene.says == "Bo at the beach"


def test_a_preview_is_a_small_picture_of_the_finished_sticker(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    with Image.open(io.BytesIO(studio.stickers.preview(drawn[0].id, LOOK))) as preview:
        assert (preview.format, preview.size) == ("WEBP", (384, 384))
    plain, outlined = (
        np.asarray(studio.stickers.image(drawn[0].id, StickerLook(outline=outline))) for outline in (False, True)
    )
    assert not np.array_equal(plain, outlined)


@pytest.mark.parametrize("messenger", Messenger)
def test_packs_are_valid_and_named_after_their_title(
    messenger: Messenger, studio: Studio, drawn: tuple[Picture, ...]
) -> None:
    ids = [picture.id for picture in drawn]
    pack = studio.stickers.pack(ids, messenger, StickerLook(own_words=True), title="Bo  & Zoë!")
    assert problems(pack.files, messenger) == []
    assert (pack.name, pack.label.title, pack.stickers) == (f"bo-zoe-{messenger}", "Bo & Zoë!", 3)


def test_moving_packs_are_valid_and_every_sticker_moves(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    ids = [picture.id for picture in drawn]
    look = StickerLook(motion=Motion.WIGGLE)
    pack = studio.stickers.start_pack(ids, Messenger.SIGNAL, look, title="Bo").result(PATIENCE)
    assert problems(pack.files, Messenger.SIGNAL) == []
    pictures = [data for name, data in pack.files.items() if name.endswith((".webp", ".png")) and "tray" not in name]
    assert pack.animated
    assert len(pictures) == 3
    for data in pictures:
        with Image.open(io.BytesIO(data)) as moving:
            assert moving.n_frames > 4  # type: ignore[attr-defined]
    # asked for again, it is the same pack and not made anew
    assert studio.stickers.pack(ids, Messenger.SIGNAL, look, title="Bo") is pack


def test_each_scene_has_the_motion_that_suits_it(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    (sticker, *_) = studio.stickers.of([drawn[1].id])
    assert sticker.motion == studio.stickers.scenes[1].motion
    fitting, chosen, other = (
        studio.stickers.preview(drawn[1].id, StickerLook(motion=motion))
        for motion in (FITTING, sticker.motion, Motion.BOUNCE)
    )
    assert fitting == chosen != other


def test_moving_stickers_for_telegram_say_what_they_need(
    studio: Studio, drawn: tuple[Picture, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "available", lambda: False)
    with pytest.raises(InvalidInput, match=r"requirements-video\.txt"):
        studio.stickers.start_pack([drawn[0].id], Messenger.TELEGRAM, StickerLook(motion="bounce"), title="Bo")
    assert not studio.stickers.pack([drawn[0].id], Messenger.TELEGRAM, LOOK, title="Bo").animated


def test_stickers_as_svg_are_refused_where_they_should_move(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    with pytest.raises(InvalidInput, match="SVG stand still"):
        studio.stickers.start_pack([drawn[0].id], Messenger.SVG, StickerLook(motion="bounce"), title="Bo")


def test_the_list_follows_the_order_given(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    ids = [drawn[2].id, drawn[0].id, drawn[1].id]
    listed = json.loads(studio.stickers.pack(ids, Messenger.SIGNAL, LOOK, title="Bo").files["pack.json"])
    assert [one["emoji"] for one in listed["stickers"]] == [studio.stickers.scenes[i].emojis[0] for i in (2, 0, 1)]


def test_own_words_are_each_scenes_own(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    own = studio.stickers.image(drawn[0].id, StickerLook(own_words=True))
    same = studio.stickers.image(drawn[0].id, StickerLook(caption=studio.stickers.scenes[0].words))
    assert np.array_equal(np.asarray(own), np.asarray(same))


@pytest.mark.parametrize(("count", "sentence"), [(0, "count is 0"), (99, "count is 99")])
def test_a_count_without_scenes_is_refused(count: int, sentence: str, studio: Studio, bo: Concept) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        studio.stickers.start(StickersRequest(concept="bo", count=count))


def test_an_unknown_thing_is_refused_at_once(studio: Studio, bo: Concept) -> None:
    with pytest.raises(UnknownConcept, match="Did you mean @bo"):
        studio.stickers.start(StickersRequest(concept="boo"))


def test_a_caption_is_checked_before_anything_is_drawn(studio: Studio) -> None:
    with pytest.raises(InvalidInput, match="猫"):
        studio.stickers.check_caption("猫")


def test_which_sticker_cannot_be_made_is_said(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    ids = [picture.id for picture in drawn]
    with pytest.raises(InvalidInput, match=r"Sticker 1: .*🐶"):
        studio.stickers.pack(ids, Messenger.PNG, StickerLook(caption="🐶"), title="Bo")


def test_two_owners_never_meet(studio: Studio, drawn: tuple[Picture, ...]) -> None:
    with pytest.raises(NotFound):
        studio.stickers.preview(drawn[0].id, LOOK, "anna")
    with pytest.raises(NotFound):
        studio.stickers.pack([drawn[0].id], Messenger.PNG, LOOK, title="Bo", owner="anna")
    with pytest.raises(UnknownConcept):
        studio.stickers.start(StickersRequest(concept="bo", owner="anna"))
