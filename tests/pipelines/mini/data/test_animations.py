from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.mini.data.animations import LEAST, MOST, pick_frames, read_animations, whole_frames
from pipelines.mini.data.concepts import Concept
from tests.pipelines.mini.data.animated import animation
from tests.pipelines.mini.data.archives import write_archive

SIZE = 32
MOVING = [0, 1, 12, 13, 24, 25]


def concept(code: str, name: str, split: str = "train") -> Concept:
    return Concept(code=code, name=name, keywords=(), group="animals", split=split)


CONCEPTS = {
    c.code: c for c in (concept("1f436", "dog face"), concept("1f98a", "fox"), concept("1f9a6", "otter", "test"))
}


def archive(folder: Path, files: dict[str, bytes]) -> Path:
    file = folder / "moving-1.0.tgz"
    write_archive(file, {f"assets/{name}.webp": content for name, content in files.items()})
    return file


def test_a_subject_becomes_an_individual_of_clearly_different_frames(tmp_path: Path) -> None:
    found = list(read_animations([archive(tmp_path, {"1f436": animation(MOVING)})], CONCEPTS, SIZE))
    assert [(one.name, one.kind, one.style) for one in found] == [("anim-1f436", "dog", "glossy")]
    assert len(found[0].pictures) == len(found[0].views) == 3  # the odd positions say nothing new
    assert set(found[0].views) == {""}
    for picture in found[0].pictures:
        assert picture.shape == (SIZE, SIZE, 4) and picture[0, 0, 3] == 0 and picture[SIZE // 2, 4, 3] > 240


def test_still_held_out_and_unknown_subjects_are_left_out(tmp_path: Path) -> None:
    files = {
        "1f436": animation([0, 0, 0, 0]),  # hardly differs
        "1f98a": animation([0]),  # a single frame
        "1f9a6": animation(MOVING),  # a held-out concept
        "0023-fe0f-20e3": animation(MOVING),  # no concept
    }
    assert list(read_animations([archive(tmp_path, files)], CONCEPTS, SIZE)) == []


def test_variants_of_a_subject_are_one_individual(tmp_path: Path) -> None:
    files = {"1f98a": animation(MOVING), "1f98a-1f3fb": animation(MOVING), "1f98a-fe0f": animation(MOVING)}
    assert [one.name for one in read_animations([archive(tmp_path, files)], CONCEPTS, SIZE)] == ["anim-1f98a"]


def test_frames_in_which_the_subject_is_not_whole_are_dropped() -> None:
    frames = whole_frames(animation([0, 0, 0, 0], sizes=[8, 40, 40, 40]))
    assert len(frames) == 3 and all(frame[..., 3].mean() > 100 for frame in frames)


def test_frames_are_picked_by_distance() -> None:
    frames = [np.full((SIZE, SIZE, 4), (value, value, value, 255), np.uint8) for value in (0, 10, 200, 100, 205)]
    chosen = pick_frames(frames, 0.1)
    assert [int(frame[0, 0, 0]) for frame in chosen] == [0, 205, 100]
    many = [np.full((SIZE, SIZE, 4), (25 * n, 0, 0, 255), np.uint8) for n in range(10)]
    assert len(pick_frames(many, 0.001)) == MOST > LEAST
