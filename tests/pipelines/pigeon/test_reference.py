from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines.matting import SubjectNotFoundError
from pipelines.pigeon.configuration_taste import TasteSettings
from pipelines.pigeon.evidence import gather
from pipelines.pigeon.features import FeatureExtractor, PictureFeatures
from pipelines.pigeon.history import Event, Reaction
from pipelines.pigeon.pipeline_taste import TastePipeline
from pipelines.pigeon.reference import Beside, Reference, named, shade, subject_of
from pipelines.pigeon.scorer import TasteScorer
from tests.pipelines.mini.tiny_mini import tiny_library
from tests.pipelines.pigeon.drawn import disc, features

RATIOS = np.linspace(0, 1, 21)
WAYS = [(style, colour) for style in ("flat style", "soft style") for colour in ("red", "blue", "teal", "pink")]


class Colours:
    """An encoder that sees mean colours."""

    name, dim = "colours", 48

    def embed(self, images: list[Image.Image]) -> np.ndarray:
        return features(images).looks[:, : self.dim]


@pytest.fixture
def pipeline() -> TastePipeline:
    return TastePipeline(FeatureExtractor(Colours()), TasteSettings.read(), tiny_library())  # type: ignore[arg-type]


@pytest.fixture
def scorer(pipeline: TastePipeline) -> TasteScorer:
    """Somebody who likes blue, and red not."""
    pictures = [disc((30, 100 + 6 * n, 225)) for n in range(5)] + [disc((220, 40 + 9 * n, 20)) for n in range(5)]
    told = [Reaction.LIKE] * 5 + [Reaction.SKIP] * 5
    events = [Event(picture=place, reaction=one, at=0, deliberate=True) for place, one in enumerate(told)]
    return TasteScorer.learn(pipeline.features(pictures), gather(events, now=0), pipeline.settings)


def reference(colour: str = "#d02030", *more: str) -> Reference:
    rgb = tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))
    seen = features([disc(rgb)])  # type: ignore[arg-type]
    return Reference(PictureFeatures(seen.attributes, seen.looks[:, : Colours.dim]), (colour, *more))


def worths(seed: int) -> tuple[dict, dict]:
    numbers = np.random.default_rng(seed)
    taste, wanted = numbers.normal(size=len(WAYS)), 7 * numbers.normal(size=len(WAYS))
    return dict(zip(WAYS, taste.tolist(), strict=True)), dict(zip(WAYS, wanted.tolist(), strict=True))


@pytest.mark.parametrize("seed", range(40))
def test_what_is_chosen_goes_from_the_reference_to_the_taste(seed: int) -> None:
    taste, wanted = worths(seed)
    chosen = []
    for ratio in RATIOS:
        mixed = Beside(reference(), float(ratio)).ways(taste, wanted).worth
        chosen.append(max(mixed, key=lambda way: mixed[way]))
    mine, theirs = [taste[way] for way in chosen], [wanted[way] for way in chosen]
    assert mine == sorted(mine) and theirs == sorted(theirs, reverse=True)
    assert chosen[0] == max(wanted, key=lambda way: wanted[way]) and chosen[-1] == max(
        taste, key=lambda way: taste[way]
    )


def test_at_one_the_worth_is_the_tastes_bit_by_bit() -> None:
    taste, wanted = worths(1)
    assert Beside(reference(), 1.0).ways(taste, wanted).worth == taste
    logit, likeness = np.float32([0.1, -2.3]), np.float32([0.7, 0.2])
    assert np.array_equal(Beside(reference(), 1.0).preference(logit, likeness), logit)
    alone = Beside(reference(), 0.0).preference(logit, likeness)
    assert alone[0] > alone[1] and np.array_equal(alone, Beside(reference(), 0.0).preference(-logit, likeness))


@pytest.mark.parametrize("ratio", [-0.01, 1.01, float("nan")])
def test_a_ratio_out_of_bounds_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Beside(reference(), ratio)


def test_ways_of_a_learned_taste(pipeline: TastePipeline, scorer: TasteScorer) -> None:
    centre = pipeline.points(scorer.known[:5]).mean(axis=0)
    asked = (scorer, [centre.tolist()], [1.0], 3)
    plain = pipeline.variants(*asked)
    red = reference("#d02030", "#105020")
    assert pipeline.variants(*asked, beside=Beside(red, 1.0)) == plain and plain[0].colour == "blue"
    alone = pipeline.variants(*asked, beside=Beside(red, 0.0))
    assert alone == pipeline.variants(None, [], [], 3, beside=Beside(red, 0.0))
    assert alone[0].colour == "red" and alone[0].palette == ("#d02030", "#105020")
    colours = [pipeline.variants(*asked, beside=Beside(red, float(ratio)))[0].colour for ratio in RATIOS]
    likes = [scorer.contrast().of_colour(colour) for colour in colours]
    assert likes == sorted(likes) and {colours[0], colours[-1]} == {"red", "blue"}
    with pytest.raises(ValueError, match="Without a taste"):
        pipeline.variants(None, [], [], 3, beside=Beside(red, 0.5))


def test_what_was_set_by_hand_counts_by_the_tastes_share(pipeline: TastePipeline, scorer: TasteScorer) -> None:
    edits = {"teal": 1.0, "blue": -1.0}
    red = reference()
    told = {
        ratio: pipeline.variants(scorer, [], [], 1, edits, Beside(red, ratio))[0].colour for ratio in (0.0, 0.95, 1.0)
    }
    assert told == {0.0: "red", 0.95: "teal", 1.0: "teal"}


def test_a_palette_has_the_references_shade_and_lets_go_of_what_the_mixture_would_rather_do_without() -> None:
    three = reference("#d02030", "#105020", "#2a78e0")
    wanted = {"red": 1.0, "green": 0.4, "blue": 0.3}
    assert Beside(three, 0.0).palette("red", wanted) == three.palette
    assert Beside(three, 0.5).palette("blue", {**wanted, "green": -0.1}) == ("#2a78e0", "#d02030")
    assert Beside(three, 0.5).palette("teal", wanted) == (shade("teal"), *three.palette)
    assert Beside(three, 1.0).palette("red", wanted) == ()


def test_colours_have_names() -> None:
    assert [named(shade(colour)) for colour in ("red", "teal", "white", "black")] == ["red", "teal", "white", "black"]
    assert reference("#d02030", "#105020").names == ("red", "green")


def test_a_reference_is_read_written_and_like_itself(pipeline: TastePipeline) -> None:
    picture = disc((210, 30, 40))
    found = pipeline.reference(picture)
    assert found.names == ("red",)
    again = Reference.from_bytes(found.to_bytes(), Colours.dim)
    assert again.palette == found.palette
    np.testing.assert_allclose(again.features.attributes, found.features.attributes, atol=2e-3)
    points = pipeline.points(pipeline.features([picture, disc((200, 40, 50)), disc((20, 200, 230))]))
    same, near, far = Beside(found, 0.0).likeness(points, pipeline.settings)
    assert same == pytest.approx(1, abs=1e-3) and same > near > far
    with pytest.raises(ValueError, match="bytes"):
        Reference.from_bytes(found.to_bytes(), Colours.dim + 1)


def on_sheet(colour: tuple[int, int, int]) -> Image.Image:
    picture = Image.new("RGB", (200, 120), (250, 250, 248))
    ImageDraw.Draw(picture).ellipse((50, 10, 150, 110), fill=colour)
    ImageDraw.Draw(picture).ellipse((90, 50, 110, 70), fill=(250, 250, 248))  # white within is no ground
    return picture


def test_a_plain_ground_is_left_out(pipeline: TastePipeline) -> None:
    lifted = subject_of(on_sheet((40, 115, 225)))
    alpha = np.asarray(lifted)[..., 3]
    assert alpha[2, 2] == 0 and alpha[60, 60] == 255 and alpha[60, 100] == 255
    assert pipeline.reference(on_sheet((40, 115, 225))).names[0] == "blue"
    numbers = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    for as_it_is in (Image.fromarray(numbers), Image.new("RGB", (64, 64), "red"), disc((1, 2, 3))):
        assert subject_of(as_it_is) is as_it_is


class Finds:
    """Matting that finds what it is told."""

    def __init__(self, coverage: float) -> None:
        self.coverage = coverage

    def matte(self, photo: Image.Image) -> Finds:
        if not self.coverage:
            raise SubjectNotFoundError("nothing")
        return self

    def cut_out(self, photo: Image.Image, matte: Finds) -> Image.Image:
        return photo.convert("RGBA").crop((0, 0, 10, 10))


@pytest.mark.parametrize(("coverage", "size"), [(0.4, (10, 10)), (0.02, (64, 64)), (0.0, (64, 64))])
def test_the_subject_of_a_photo_tells_unless_it_is_a_detail(coverage: float, size: tuple[int, int]) -> None:
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    assert subject_of(photo, Finds(coverage)).size == size  # type: ignore[arg-type]
