from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from pipelines.mini.library import RANGE, DrawingLibrary, head, to_int8, with_reference

NAMES = ["cat", "dog", "smiling face", "smiling face with sunglasses"]


@pytest.fixture
def library() -> DrawingLibrary:
    """Every name but the last in two styles; the latents of drawing m are all m + 1 steps."""
    concepts = torch.tensor([0, 0, 1, 1, 2, 2, 3])
    return DrawingLibrary(
        latents=torch.arange(1, 8, dtype=torch.int8)[:, None, None, None].expand(7, 2, 4, 4).clone(),
        concepts=concepts,
        styles=torch.tensor([0, 1, 0, 1, 0, 1, 1]),
        embeddings=torch.eye(4),
        names=NAMES,
        style_words={"flat": ["flat style", "simple flat colours"], "glossy": ["glossy style", "3d render"]},
    )


def number(latents: Tensor) -> int:
    return round(float(latents[0, 0, 0]) * 127 / RANGE) - 1


@pytest.mark.parametrize(
    ("prompt", "subject"),
    [
        ("a blue dog wearing a hat, flat style", "blue dog"),
        ("A sticker of an owl", "owl"),
        ("my cat and a dog", "cat"),
        ("the fox in the snow", "fox"),
        ("a brown and white dog and a cat", "brown and white dog"),
        ("", ""),
    ],
)
def test_the_head_of_a_prompt_names_its_subject(prompt: str, subject: str) -> None:
    assert head(prompt) == subject


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("a dog", "dog"),
        ("a happy blue dog wearing a crown", "dog"),
        ("a cat with a dog", "cat"),
        ("smiling face with sunglasses, flat style", "smiling face with sunglasses"),
        ("a smiling face on a red background", "smiling face"),
        ("a dogfish", None),
        ("", None),
    ],
)
def test_the_named_concept_is_found(library: DrawingLibrary, prompt: str, name: str | None) -> None:
    row = library.named_concept(prompt)
    assert (NAMES[row] if row is not None else None) == name


def test_a_concept_is_found_by_meaning(library: DrawingLibrary) -> None:
    assert library.nearest_concept(torch.tensor([0.1, 0.9, 0.2, 0.0])) == 1


@pytest.mark.parametrize(("prompt", "style"), [("a dog, Flat Style", 0), ("a dog, 3d render", 1), ("a dog", None)])
def test_the_asked_style_is_read_from_the_prompt(library: DrawingLibrary, prompt: str, style: int | None) -> None:
    assert library.asked_style(prompt) == style


def test_the_asked_style_is_drawn_and_an_open_one_is_chosen(library: DrawingLibrary) -> None:
    assert number(library.drawing(1, 0, choice=5)) == 2
    assert {number(library.drawing(1, None, choice)) for choice in range(4)} == {2, 3}
    assert number(library.drawing(3, 0, choice=8)) == 6  # not drawn flat, so the style that there is


def test_it_is_read_as_it_was_written(library: DrawingLibrary, tmp_path: Path) -> None:
    library.save_pretrained(tmp_path)
    again = DrawingLibrary.from_pretrained(tmp_path)
    assert torch.equal(again.drawing(2, 1, 0), library.drawing(2, 1, 0))
    assert again.named_concept("a dog") == 1


def test_latents_survive_storage_within_half_a_step() -> None:
    latents = torch.linspace(-RANGE, RANGE, 101)
    assert torch.allclose(to_int8(latents).float() * RANGE / 127, latents, atol=RANGE / 127 / 2 + 1e-6)
    assert to_int8(torch.tensor([99.0, -99.0])).tolist() == [127, -127]


def test_the_reference_goes_behind_the_latents_and_out_of_the_conditions() -> None:
    latents, reference = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4)
    conditions = {"reference": reference, "encoder_hidden_states": torch.zeros(2, 1, 1)}
    rows = with_reference(latents, conditions)
    assert rows.shape == (2, 6, 4, 4)
    assert torch.equal(rows[:, 3:], reference)
    assert list(conditions) == ["encoder_hidden_states"]
    assert with_reference(latents, conditions) is latents
