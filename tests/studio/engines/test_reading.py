from __future__ import annotations

import pytest

from studio.engines.base import ImageJob, Subject
from studio.engines.reading import chosen_device, class_prompt, in_order


def job(prompt: str, *subjects: Subject) -> ImageJob:
    return ImageJob(prompt=prompt, subjects=subjects, seeds=(1,), steps=2, guidance=3.0, fidelity=0.7)


def subject(mention: str, kind: str = "", adapter: bytes | None = None) -> Subject:
    return Subject(mention=mention, kind=kind, adapter=adapter)


@pytest.mark.parametrize(
    ("prompt", "subjects", "words"),
    [
        ("a happy @bo's hat", [subject("bo", "dog")], "a happy dog's hat"),
        ("my @Bo and @bo", [subject("bo", "dog")], "my dog and a dog"),
        ("@bo wearing a crown", [subject("bo", "owl")], "an owl wearing a crown"),
        ("in the rain", [subject("bo", "dog")], "a dog, in the rain"),
        ("@bob in the rain", [subject("bo", "dog"), subject("bob", "cat")], "a dog, a cat in the rain"),
        ("a @thingy", [subject("thingy")], "a thing"),
        ("a red @shades", [subject("shades", "sunglasses")], "a red sunglasses"),
        ("@shades on a table", [subject("shades", "sunglasses")], "sunglasses on a table"),
        ("a dog", [], "a dog"),
        ("write to bo@example.com", [subject("example", "mug")], "a mug, write to bo@example.com"),
    ],
)
def test_mentions_become_the_word_the_model_knows(prompt: str, subjects: list[Subject], words: str) -> None:
    assert class_prompt(job(prompt, *subjects)) == words


def test_subjects_are_ordered_as_the_prompt_names_them() -> None:
    bo, mug, hat = subject("bo", "dog"), subject("mug", "mug"), subject("hat", "hat")
    asked = job("@mug next to @bo and @mug", bo, mug, hat)
    assert class_prompt(asked) == "a hat, a mug next to a dog and a mug"
    assert in_order(asked) == (hat, mug, bo)
    assert in_order(job("a dog")) == ()


def test_a_named_device_is_taken_as_it_is() -> None:
    assert chosen_device("cuda:1") == "cuda:1"
    assert chosen_device("auto") in ("cpu", "cuda")
