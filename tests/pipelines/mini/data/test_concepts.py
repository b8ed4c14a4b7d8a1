from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines.mini.data.concepts import _usable, base_code, plain_name, read_concepts
from tests.pipelines.mini.data.archives import write_emojibase, write_holdout


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("1F436", "1f436"),
        ("2764-FE0F", "2764"),
        ("1F44D-1F3FD", "1f44d"),
        ("1F468-1F3FB-200D-1F680", "1f468-200d-1f680"),
    ],
)
def test_variants_of_a_drawing_are_one_concept(written: str, code: str) -> None:
    assert base_code(written) == code


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Dog Face", "dog face"),
        ("“soon” arrow", "soon arrow"),
        ("keycap: 10", "keycap 10"),
        ("woman’s  hat", "woman's hat"),
    ],
)
def test_names_are_as_one_says_them(label: str, name: str) -> None:
    assert plain_name(label) == name


def test_usable_concepts_and_their_split(tmp_path: Path) -> None:
    write_emojibase(tmp_path)
    concepts = read_concepts(tmp_path / "names-1.0.tgz", write_holdout(tmp_path))
    assert {concept.name for concept in concepts.values()} == {
        *("dog face", "fox", "otter", "pizza", "mushroom", "cactus", "top hat", "rocket", "red heart")
    }
    assert [concept.name for concept in concepts.values() if concept.split == "test"] == ["otter"]
    assert concepts["2764"].group == "symbols"
    assert concepts["1f436"].keywords == ("dog", "pet")


def test_people_are_kept_by_name_and_without_skin_tones() -> None:
    assert _usable(1, "astronaut") and _usable(1, "person")
    assert not _usable(1, "woman astronaut") and not _usable(1, "hand with fingers splayed")


def test_a_held_out_name_that_is_no_concept_is_refused(tmp_path: Path) -> None:
    write_emojibase(tmp_path)
    holdout = tmp_path / "holdout.yaml"
    holdout.write_text(yaml.safe_dump({"concepts": ["otter", "unicycle", "man dancing"]}))
    with pytest.raises(ValueError, match=r"not concepts: \['man dancing', 'unicycle'\]"):
        read_concepts(tmp_path / "names-1.0.tgz", holdout)
