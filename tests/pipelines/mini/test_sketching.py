from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines.hyperlora.references import LOOK_DIM
from pipelines.mini.alike import DrawingLooks
from pipelines.mini.casting import Actor
from pipelines.mini.colours import COLOURS as SHADES
from pipelines.mini.layout import MOUNTS, PLACES
from pipelines.mini.library import DrawingLibrary
from pipelines.mini.loading import load_text_encoder
from pipelines.mini.sketching import FOLLOW_DRAWING, FOLLOW_PHOTO, Sketch, Sketcher, with_sketch
from pipelines.mini.text import mean_features
from tests.pipelines.features.tiny_minilm import write_minilm

SIZE = 48
NAMES = ["dog", "cat", "mug", "boot", "red heart", "crown", "skateboard", "palm tree"]
# one colour for each name; the second style is darker
COLOURS = [
    (200, 120, 40), (60, 90, 210), (40, 180, 60), (150, 60, 180), (220, 30, 40), (230, 210, 40), (40, 190, 190),
    (90, 220, 90),
]  # fmt: skip
STYLES = {"flat": ["flat style"], "glossy": ["glossy style"]}


def drawing(name: int, style: int) -> np.ndarray:
    """A block with an ear on its left side, so that a mirror can be told."""
    picture = np.zeros((32, 32, 4), np.uint8)
    shade = tuple(round(value * (0.6 if style else 1.0)) for value in COLOURS[name])
    picture[10:30, 4:28] = (*shade, 255)
    picture[2:10, 4:12] = (*shade, 255)
    return picture


@pytest.fixture(scope="module")
def sketcher(tmp_path_factory: pytest.TempPathFactory) -> Sketcher:
    encoder, tokenizer = load_text_encoder(write_minilm(tmp_path_factory.mktemp("minilm")))
    drawn = [(name, style) for name in range(len(NAMES)) for style in (0, 1) if (NAMES[name], style) != ("mug", 0)]
    library = DrawingLibrary.of(
        [drawing(name, style) for name, style in drawn],
        concepts=[name for name, _ in drawn],
        styles=[style for _, style in drawn],
        embeddings=mean_features(encoder, tokenizer, NAMES),
        names=NAMES,
        style_words=STYLES,
        mirrors=["dog", "cat"],
    )
    return Sketcher(library, encoder, tokenizer, SIZE)


def values(sketch: Sketch | None) -> np.ndarray:
    assert sketch is not None and (sketch.picture.mode, sketch.picture.size) == ("RGBA", (SIZE, SIZE))
    return np.asarray(sketch.picture)


def has(picture: np.ndarray, colour: tuple[float, ...]) -> bool:
    near = np.abs(picture[..., :3].astype(int) - np.array(colour[:3])).max(axis=2) < 14
    return bool((near & (picture[..., 3] > 200)).sum() > 8)


def shades(name: str, style: int) -> tuple[float, ...]:
    return tuple(value * (0.6 if style else 1.0) for value in COLOURS[NAMES.index(name)])


def test_the_style_asked_for_is_drawn(sketcher: Sketcher) -> None:
    for choice in range(3):
        assert has(values(sketcher.sketch("a dog, flat style", choice)), shades("dog", 0))
        assert has(values(sketcher.sketch("a dog, glossy style", choice)), shades("dog", 1))


def test_an_open_style_is_chosen_among_those_there_are(sketcher: Sketcher) -> None:
    pictures = [values(sketcher.sketch("a dog", choice)) for choice in range(4)]
    assert all(any(has(picture, shades("dog", style)) for picture in pictures) for style in (0, 1))
    assert all(has(values(sketcher.sketch("a mug", choice)), shades("mug", 1)) for choice in range(3))
    assert has(values(sketcher.sketch("a mug, flat style", 0)), shades("mug", 1))  # not drawn flat


def test_the_same_choice_is_the_same_sketch(sketcher: Sketcher) -> None:
    prompt = "two dogs wearing a crown at the beach"
    assert np.array_equal(values(sketcher.sketch(prompt, 5)), values(sketcher.sketch(prompt, 5)))
    assert len({values(sketcher.sketch(prompt, choice)).tobytes() for choice in range(4)}) > 1


def test_everything_named_is_there(sketcher: Sketcher) -> None:
    picture = values(sketcher.sketch("a dog wearing a crown riding a skateboard with a red heart, flat style", 1))
    assert all(has(picture, shades(name, 0)) for name in ("dog", "crown", "skateboard", "red heart"))
    assert picture[0, 0, 3] == 0
    beach = values(sketcher.sketch("a dog at the beach, flat style", 1))
    assert beach[..., 3].min() == 255 and has(beach, shades("palm tree", 0))
    assert has(values(sketcher.sketch("a dog on a pink background", 1)), (250, 190, 205))


def closest(picture: np.ndarray) -> str:
    """Name the colour that most of what is opaque is nearest to."""
    seen = np.median(picture[picture[..., 3] > 200][:, :3], axis=0) / 255
    wanted = {name: colorsys.hls_to_rgb((hue or 0) / 360, light, full) for name, (hue, full, light) in SHADES.items()}
    return min(wanted, key=lambda name: float(np.abs(np.array(wanted[name]) - seen).sum()))


def test_the_subject_wears_the_colours_that_the_words_give(sketcher: Sketcher) -> None:
    for prompt, words in (("a blue dog, flat style", "blue"), ("a dog in red and black", "red")):
        picture = values(sketcher.sketch(prompt, 0))
        assert not has(picture, shades("dog", 0)) and closest(picture) == words
    assert has(values(sketcher.sketch("a dog, flat style", 0)), shades("dog", 0))
    # a colour in the name gives none
    assert has(values(sketcher.sketch("a red heart, flat style", 0)), shades("red heart", 0))
    # companions keep theirs
    assert has(values(sketcher.sketch("a blue dog with a cat, flat style", 0)), shades("cat", 0))


def test_a_coat_changes_the_colours_and_nothing_else(sketcher: Sketcher) -> None:
    plain, coated = (values(sketcher.sketch("a dog, flat style", 3, [Actor(coat=coat)])) for coat in ((), ("#2050e0",)))
    assert closest(coated) == "blue" and not has(coated, shades("dog", 0))
    assert np.array_equal(coated[..., 3], plain[..., 3])  # the same shape in the same place
    # what the words say counts more
    assert closest(values(sketcher.sketch("a green dog, flat style", 3, [Actor(coat=("#2050e0",))]))) == "green"


def test_without_colours_a_drawing_keeps_its_shape(sketcher: Sketcher) -> None:
    plain, grey = (values(sketcher.sketch("a dog, flat style", 0, [Actor(greys=greys)])) for greys in (False, True))
    assert np.array_equal(plain[..., 3], grey[..., 3])
    assert np.ptp(grey[grey[..., 3] == 255][:, :3].astype(int), axis=1).max() <= 1
    # colours that the words give are given all the same
    red = values(sketcher.sketch("a red dog, flat style", 0, [Actor(greys=True)]))
    assert np.array_equal(red, values(sketcher.sketch("a red dog, flat style", 0)))


def test_what_people_call_a_thing_finds_its_drawing(sketcher: Sketcher) -> None:
    assert has(values(sketcher.sketch("a puppy, flat style", 0)), shades("dog", 0))
    assert has(values(sketcher.sketch("a kitten, flat style", 0)), shades("cat", 0))


def test_a_cut_out_takes_the_place_of_the_drawing(sketcher: Sketcher) -> None:
    cutout = Image.new("RGBA", (60, 30))
    cutout.paste((10, 250, 250, 255), (8, 4, 52, 26))
    for prompt in ("a dog", "a dog wearing a crown", "a dog at the beach"):
        picture = values(sketcher.sketch(f"{prompt}, flat style", 2, [Actor(cutout=cutout, coat=("#ff0000",))]))
        assert has(picture, (10, 250, 250))
        assert not has(picture, shades("dog", 0))
        assert has(picture, shades("crown", 0)) == ("crown" in prompt)


def test_a_cut_out_needs_no_name(sketcher: Sketcher) -> None:
    cutout = Image.new("RGBA", (20, 20), (10, 250, 250, 255))
    assert has(values(sketcher.sketch("wearing a crown", 0, [Actor(cutout=cutout)])), (10, 250, 250))


@pytest.mark.parametrize("prompt", ["", "  ", "in the snow", "with"])
def test_without_a_subject_there_is_no_sketch(sketcher: Sketcher, prompt: str) -> None:
    assert sketcher.sketch(prompt, 0) is None


def test_unknown_words_are_drawn_as_the_nearest_in_meaning(sketcher: Sketcher) -> None:
    library, encoder = sketcher._library, sketcher._encoder
    nearest = library.nearest_concept(mean_features(encoder, sketcher._tokenizer, ["photo"])[0])
    assert has(
        values(sketcher.sketch("a photo, flat style", 0)), shades(NAMES[nearest], library.drawn_styles(nearest)[0])
    )


def test_what_a_library_is_without_is_not_drawn(sketcher: Sketcher) -> None:
    library = sketcher._library.without(["dog"])
    less = Sketcher(library, sketcher._encoder, sketcher._tokenizer, SIZE)
    picture = values(less.sketch("a dog, flat style", 0))
    assert not has(picture, shades("dog", 0)) and picture[..., 3].any()


def test_only_what_may_be_mirrored_is(sketcher: Sketcher) -> None:
    def ear_on_the_left(prompt: str, choice: int) -> bool:
        alpha = values(sketcher.sketch(prompt, choice))[..., 3] > 127
        top = alpha[np.flatnonzero(alpha.any(axis=1))[0] + 2]
        return bool(np.flatnonzero(top).mean() < SIZE / 2)

    assert {ear_on_the_left("a dog, flat style", choice) for choice in range(8)} == {True, False}
    assert {ear_on_the_left("a boot, flat style", choice) for choice in range(8)} == {True}


@pytest.mark.parametrize("place", PLACES)
def test_places_are_drawn_even_where_their_props_are_not_known(sketcher: Sketcher, place: str) -> None:
    assert values(sketcher.sketch(f"a dog {place}", 0))[..., 3].min() == 255


@pytest.mark.parametrize("mount", MOUNTS)
def test_mounts_are_drawn_even_where_they_are_not_known(sketcher: Sketcher, mount: str) -> None:
    assert values(sketcher.sketch(f"a dog riding a {mount}", 0))[..., 3].any()


def test_the_sketch_goes_behind_the_latents_and_out_of_the_conditions() -> None:
    latents, sketch = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4, dtype=torch.float64)
    conditions = {"sketch": sketch, "encoder_hidden_states": torch.zeros(2, 1, 1)}
    rows = with_sketch(latents, conditions)
    assert (rows.shape, rows.dtype) == ((2, 6, 4, 4), torch.float32)
    assert rows[:, 3:].all() and not rows[:, :3].any()
    assert list(conditions) == ["encoder_hidden_states"]
    assert with_sketch(latents, conditions) is latents


RED, LIME = Actor(words="dog", coat=("#e02020",)), Actor(words="cat", coat=("#20d020",))


def colours_in(picture: np.ndarray, region: np.ndarray) -> set[str]:
    """Name the channels that stand out where a region is."""
    seen = picture[(region > 200) & (picture[..., 3] > 200)][:, :3].astype(int)
    return {name for at, name in enumerate(("red", "green", "blue")) if ((seen[:, at] * 2 - seen.sum(1)) > 60).any()}


def laid_out(sketcher: Sketcher, prompt: str, *actors: Actor, choice: int = 2) -> Sketch:
    sketch = sketcher.sketch(f"{prompt}, flat style", choice, actors)
    assert sketch is not None and sketch.regions.shape == (len(actors), SIZE, SIZE)
    return sketch


@pytest.mark.parametrize("prompt", ["a dog and a cat", "a dog next to a cat", "a dog with a cat", "a dog, a cat"])
@pytest.mark.parametrize("choice", range(3))
def test_two_own_things_stand_in_the_order_of_their_names_each_in_its_coat(
    sketcher: Sketcher, prompt: str, choice: int
) -> None:
    sketch = laid_out(sketcher, prompt, RED, LIME, choice=choice)
    picture, (dog, cat) = values(sketch), sketch.regions
    assert (colours_in(picture, dog), colours_in(picture, cat)) == ({"red"}, {"green"})
    left, right = (np.flatnonzero((region > 127).any(axis=0)).mean() for region in (dog, cat))
    assert left < right
    assert not (np.minimum(dog, cat) > 127).any()
    sizes = [(region > 127).sum() for region in (dog, cat)]
    assert 0.6 < sizes[0] / sizes[1] < 1.6


def test_the_coats_exchange_when_the_things_do(sketcher: Sketcher) -> None:
    red, lime = (Actor(words="dog", coat=actor.coat) for actor in (RED, LIME))  # two dogs
    forth = laid_out(sketcher, "a dog and a dog at the beach", red, lime)
    back = laid_out(sketcher, "a dog and a dog at the beach", lime, red)
    assert np.array_equal(forth.regions, back.regions)
    for regions, picture in ((forth.regions, values(forth)), (back.regions[::-1], values(back))):
        assert [colours_in(picture, region) for region in regions] == [{"red"}, {"green"}]


def test_an_own_thing_is_found_wherever_the_prompt_names_it(sketcher: Sketcher) -> None:
    sketch = laid_out(sketcher, "a dog with a cat", LIME)
    picture = values(sketch)
    assert has(picture, shades("dog", 0)) and not has(picture, shades("cat", 0))
    assert colours_in(picture, sketch.regions[0]) == {"green"}
    assert 0.1 < (sketch.regions[0] > 127).mean() < 0.6


def test_one_that_is_not_named_stands_beside_the_others(sketcher: Sketcher) -> None:
    mug = Actor(words="mug", coat=("#2030e0",))
    sketch = laid_out(sketcher, "a dog", RED, mug)
    assert [colours_in(values(sketch), region) for region in sketch.regions] == [{"red"}, {"blue"}]
    three = laid_out(sketcher, "a dog, a cat and a mug wearing a crown", RED, LIME, mug)
    assert [colours_in(values(three), region) for region in three.regions] == [{"red"}, {"green"}, {"blue"}]
    places = [np.flatnonzero((region > 127).any(axis=0)).mean() for region in three.regions]
    assert places == sorted(places)


def test_what_has_no_drawing_of_its_name_is_drawn_after_what_it_looks_like(
    sketcher: Sketcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = np.random.default_rng(0).normal(size=(len(NAMES), LOOK_DIM)).astype(np.float32)
    monkeypatch.setattr(sketcher._library, "looks", DrawingLooks.of(tokens, directions=7))
    monkeypatch.setattr("pipelines.mini.alike.MEANING", 0.0)  # the tiny encoder knows none
    for name in ("boot", "cat"):
        look = tokens[NAMES.index(name)]
        drawn = values(sketcher.sketch("a plush, flat style", 0, [Actor(words="plush", look=look)]))
        assert has(drawn, shades(name, 0))
        named = values(sketcher.sketch("a dog, flat style", 0, [Actor(words="dog", look=look)]))
        assert has(named, shades("dog", 0))


def test_an_own_thing_alone_has_the_whole_picture(sketcher: Sketcher) -> None:
    assert (laid_out(sketcher, "a dog at the beach", RED).regions == 255).all()
    assert laid_out(sketcher, "a dog at the beach").regions.shape == (0, SIZE, SIZE)
    hidden = laid_out(sketcher, "a dog wearing a crown", RED)
    assert (hidden.regions == 255).all()


def test_cut_outs_of_two_things_stand_side_by_side(sketcher: Sketcher) -> None:
    cutouts = [Image.new("RGBA", (30, 30), colour) for colour in ((250, 10, 10, 255), (10, 10, 250, 255))]
    actors = [Actor(words=words, cutout=cutout) for words, cutout in zip(("dog", "cat"), cutouts, strict=True)]
    sketch = laid_out(sketcher, "a dog and a cat", *actors)
    assert [colours_in(values(sketch), region) for region in sketch.regions] == [{"red"}, {"blue"}]
    assert (sketch.given, sketch.shown, sketch.shows_photos) == ((True, True), (True, True), True)
    assert sketch.let_go == FOLLOW_PHOTO
    mixed = laid_out(sketcher, "a dog and a cat", actors[0], LIME)
    assert (mixed.shown, mixed.let_go) == ((True, False), FOLLOW_PHOTO)
    asked = laid_out(sketcher, "a dog and a green cat", *actors)
    assert (asked.given, asked.shown, asked.shows_photos, asked.let_go) == ((True, True), (True, False), False, 1.0)
    assert laid_out(sketcher, "a dog and a cat", RED, LIME).let_go == FOLLOW_DRAWING


def test_a_colour_in_the_name_of_a_kind_is_no_wish(sketcher: Sketcher) -> None:
    golden = Actor(words="golden dog", coat=("#e02020",))
    assert closest(values(laid_out(sketcher, "a golden dog", golden))) == "red"
    assert closest(values(laid_out(sketcher, "a blue golden dog", golden))) == "blue"


def test_a_cut_out_wears_its_hat_where_its_head_is(sketcher: Sketcher) -> None:
    cutout = Image.new("RGBA", (60, 40))
    cutout.paste((200, 20, 20, 255), (0, 20, 60, 40))
    cutout.paste((200, 20, 20, 255), (40, 0, 60, 40))  # the tail, at the right
    cutout.paste((200, 20, 20, 30), (20, 0, 40, 12))  # haze, which is not in the sketch
    asked: list[Image.Image] = []

    def heads(picture: Image.Image) -> tuple[float, float, float] | None:
        asked.append(picture)
        return 0.15, 0.5, 0.3

    finding = Sketcher(sketcher._library, sketcher._encoder, sketcher._tokenizer, SIZE, heads)
    crown = np.array(shades("crown", 0))

    def middle(drawn: Sketch | None) -> float:
        picture = values(drawn)
        hat = (np.abs(picture[..., :3] - crown).max(axis=2) < 40) & (picture[..., 3] > 127)
        return float(np.flatnonzero(hat.any(axis=0)).mean()) / SIZE

    prompt, actors = "a dog wearing a crown, flat style", [Actor(words="dog", cutout=cutout)]
    assert middle(finding.sketch(prompt, 0, actors)) < 0.5 < middle(sketcher.sketch(prompt, 0, actors))
    assert asked == [cutout]
    # nobody is asked where nobody wears a hat, or where a drawing does
    finding.sketch("a dog, flat style", 0, actors)
    finding.sketch(prompt, 0, [Actor(words="dog")])
    assert asked == [cutout]
    # a head that is not found is where the outline is highest
    lost = Sketcher(sketcher._library, sketcher._encoder, sketcher._tokenizer, SIZE, lambda _: None)
    assert middle(lost.sketch(prompt, 0, actors)) > 0.5
