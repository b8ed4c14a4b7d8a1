from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime

from studio.domain.concepts import Concept, Photo, Understanding
from studio.domain.generation import Picture, Recipe
from studio.domain.jobs import Status
from studio.domain.scores import Scores
from studio.ui.app import ASSETS
from studio.ui.concept_markup import shelf, suggested_kinds, understood
from studio.ui.markup import drawing, example_prompts, html, job_card
from studio.ui.media import file_name
from studio.ui.picture_markup import detail, results, tiles

NASTY = '"><script>alert(1)</script>'


def concept(name: str = "Bo") -> Concept:
    photo = Photo(id="p1", file="aa/b.jpg", width=4, height=4)
    return Concept(id="c1", name=name, kind=NASTY, photos=(photo,), facts=(), created_at=datetime.now(UTC))


def picture(prompt: str) -> Picture:
    recipe = Recipe(
        prompt=prompt, seed=7, steps=4, guidance=4.0, fidelity=0.7, scheduler="Euler", model="mini",
        model_hash="0", width=8, height=8, concept_names=("Old Bo",),
    )  # fmt: skip
    return Picture(id="i1", file="aa/b.png", width=8, height=8, recipe=recipe, created_at=datetime.now(UTC))


def test_values_are_escaped_everywhere() -> None:
    for page in (html("<b>{x}</b>", x=NASTY), shelf([concept()]), detail(picture(NASTY)), tiles([picture(NASTY)])):
        assert "<script>" not in page


def test_the_detail_names_the_handles_of_what_it_shows() -> None:
    assert "@old-bo" in detail(picture("a fox"))


def test_a_picture_in_a_taste_stands_beside_the_plain_one_with_one_slider() -> None:
    plain = picture("a fox")
    recipe = dataclasses.replace(plain.recipe, taste="Nik <3", taste_score=0.71, plain="p9", plain_score=0.52)
    shown = detail(dataclasses.replace(plain, recipe=recipe), plain=True)
    assert re.findall(r'data-between-at="(\d+)".*?pictures/(\w+)/thumb', shown) == [("0", "p9"), ("100", "i1")]
    assert shown.count("data-between ") == 1
    assert "19 points likelier that Nik &lt;3 likes" in shown
    assert ("52 %" in shown, "71 %" in shown) == (True, True)
    # without the plain one there is nothing to compare with
    gone = detail(dataclasses.replace(plain, recipe=recipe))
    assert "data-between" not in gone and "/media/pictures/p9" not in gone


def test_a_job_card_says_which_job_it_follows() -> None:
    card = job_card("ab12", "Drawing", status=Status.QUEUED, framed=True)
    assert 'data-job="ab12"' in card
    assert 'role="progressbar"' in card


def test_examples_are_about_the_visitors_things() -> None:
    assert "@bo" in example_prompts([concept()])[0]
    assert all("@" not in prompt for prompt in example_prompts([]))


def test_the_likeliest_kind_over_all_photos_comes_first() -> None:
    def reading(*kinds: tuple[str, float]) -> Understanding:
        return Understanding(cutout=b"", coverage=0.5, kinds=kinds, width=1, height=1)

    assert suggested_kinds([reading(("cat", 0.5), ("dog", 0.4)), reading(("dog", 0.4))]) == ["dog", "cat"]


def test_file_names_are_plain() -> None:
    assert file_name(picture("A Fox / reading “it”…"), "png") == "a-fox-reading-it-7.png"
    assert file_name(picture("日本"), "webp") == "keepsake-7.webp"


def test_everything_the_pages_do_is_known_to_the_script() -> None:
    script = (ASSETS / "keepsake.js").read_text(encoding="utf-8")
    pages = [file.read_text(encoding="utf-8") for file in (ASSETS.parents[1] / "studio" / "ui").rglob("*.py")]
    for action in set(re.findall(r'data-do="(\w+)"', "".join(pages))):
        assert re.search(rf"\b{action}:", script), action


def test_drawings_take_their_colour_from_the_page() -> None:
    for file in (ASSETS / "drawings").iterdir():
        assert "currentColor" in drawing(file.stem)


def test_the_meters_say_what_was_measured_in_a_word() -> None:
    scored = dataclasses.replace(picture("a fox"), scores=Scores(likeness=0.71, prompt=0.2))
    for page in (detail(scored), results([scored])):
        likeness, prompt = re.findall(r'<div class="k-meter [^>]*>', page)
        assert 'aria-label="Looks like @old-bo"' in likeness and 'aria-valuenow="71"' in likeness
        assert 'aria-valuetext="good"' in likeness and 'aria-valuetext="low"' in prompt
        assert page.count("width:71%") == 1


def test_a_picture_of_before_there_were_scores_has_no_meters() -> None:
    assert "k-meter" not in detail(picture("a fox")) + results([picture("a fox")])


def test_photos_that_do_not_look_alike_are_doubted() -> None:
    def reading(group: int) -> Understanding:
        return Understanding(cutout=b"", coverage=0.5, kinds=(), width=1, height=1, group=group)

    assert "k-doubt" not in understood("ab12", [reading(0), reading(0)])
    page = understood("ab12", [reading(0), reading(1), reading(0)])
    assert "Photo 2 of 3 does not look like the others." in page and "k-doubt" in page
