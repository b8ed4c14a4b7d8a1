from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.bench.bench_hyperlora import Subjects
from tests.bench.personalization_cases import OWN_LOOKS, SEEDS, Case


def case(families: list[str]) -> Case:
    cutouts = [Image.new("RGBA", (8, 8), (30 * number, 0, 0, 255)) for number in range(len(families))]
    words = ["a dog", "an owl", "glasses", "a cat"][: len(families)]
    subjects = Subjects(families, cutouts, words, ["flat style"] * len(words), [[one] for one in cutouts])
    return Case(name="some", subjects=subjects, given=[[one] for one in cutouts], prompts=("{}", "{} in the snow"))


def test_another_is_of_the_same_family_where_there_is_one() -> None:
    assert case(["a", "b", "a", "b"]).others() == [2, 3, 0, 1]
    assert case(["a", "b", "a"]).others() == [2, 2, 0]
    some = case(["a", "b", "a", "b"]).of([3, 0])
    assert some.subjects.words == ["a cat", "a dog"] and some.others() == [1, 0]


def test_every_prompt_has_one_seed_and_the_first_has_several() -> None:
    found = case(["a"] * 4)
    assert found.texts(1)[:3] == ["an owl, flat style", "an owl in the snow, flat style", "an owl, flat style"]
    assert len(found.texts(1)) == len(found.seeds(1)) == len(found.prompts) + SEEDS - 1
    assert found.seeds(1)[0] == found.seeds(1)[1] and len(set(found.seeds(1))) == SEEDS
    assert not set(found.seeds(1)) & set(found.seeds(2))
    assert [found.kind(number) for number in range(3)] == ["dog", "owl", "glasses"]


def test_the_classes_of_a_photo_set_are_read(tmp_path: Path) -> None:
    class Whole:
        def cut_out(self, photo: Image.Image) -> Image.Image:
            return photo.convert("RGBA")

    classes = "Classes\n\nsubject_name,class\nowl2,owl\ndog,dog\nmissing,cat\n\nPrompts\na,b\n"
    (tmp_path / "prompts_and_classes.txt").write_text(classes)
    for name in ("owl2", "dog"):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / name / f"{number}.jpg")
    found = Case.photos(tmp_path, 4, Whole())  # type: ignore[arg-type]
    assert found.subjects.words == ["a dog", "an owl"]
    assert [len(one) for one in found.given] == [3, 3] and [len(one) for one in found.subjects.views] == [2, 2]
    assert Case.photos(tmp_path, 4, Whole(), ["owl2"]).subjects.words == ["an owl"]  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no missing; it has dog, owl2"):
        Case.photos(tmp_path, 4, Whole(), ["dog", "missing"])  # type: ignore[arg-type]


def test_animated_drawings_are_left_out_unless_they_are_asked_for() -> None:
    assert "animated drawings" not in OWN_LOOKS and len(OWN_LOOKS) == 3
