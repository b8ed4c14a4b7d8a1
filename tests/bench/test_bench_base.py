from __future__ import annotations

import zlib

import numpy as np

from pipelines.mini.prompts import Prompt
from tests.bench.bench_base import NAMES, candidates, hits, kernel_distance, recall_rows


def prompt(caption: str, kind: str, *parts: str) -> Prompt:
    return Prompt(text=f"{caption}, flat style", caption=caption, kind=kind, style="flat style", parts=parts)


class Words:
    """A text-image model for which a picture is the text it shows."""

    def embed_images(self, images: list[str]) -> np.ndarray:
        return self.embed_texts(images)

    def embed_texts(self, texts: list[str]) -> np.ndarray:
        rows = np.zeros((len(texts), 600), np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                rows[row, zlib.crc32(word.encode()) % 600] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


THINGS = [f"thing{number}" for number in range(300)]


def test_a_combination_has_to_beat_its_parts() -> None:
    names = [*THINGS, "fox", "top hat"]
    asked = prompt("a fox wearing a top hat", "accessories", "fox", "top hat")
    found = candidates(asked, names, np.random.default_rng(0))
    assert len(found) == len(set(found)) == NAMES
    assert found[:3] == ["a fox wearing a top hat", "a fox", "a top hat"]
    shown = ["a fox wearing a top hat", "a fox", "nothing like it"]
    assert hits(Words(), shown, [asked] * 3, names).tolist() == [True, False, False]  # type: ignore[arg-type]


def test_rows_are_summed_by_kind() -> None:
    prompts = [prompt("a fox", "concepts", "fox"), prompt("an owl", "concepts", "owl"), prompt("b", "colours", "fox")]
    rows = recall_rows(prompts, np.array([True, False, True]))
    assert {name: (row["R@1"], row["pictures"]) for name, row in rows.items()} == {
        "held-out prompts, all": (0.667, 3),
        "  concepts": (0.5, 2),
        "  new colours": (1.0, 1),
    }


def test_the_distance_is_nothing_between_samples_of_one_kind() -> None:
    rng = np.random.default_rng(0)
    middle = rng.normal(size=(2, 32))

    def some(kind: int, count: int) -> np.ndarray:
        rows = middle[kind] + 0.5 * rng.normal(size=(count, 32))
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    same = kernel_distance(some(0, 200), some(0, 150))
    assert abs(same) < 0.02
    assert kernel_distance(some(0, 200), some(1, 150)) > 1
