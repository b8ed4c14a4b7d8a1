from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest
from PIL import Image

from studio.cli.pictures import stem_of, write_new
from studio.errors import StorageFull


def test_draws_into_files_named_after_prompt_and_seed(keepsake, tmp_path) -> None:
    ended = keepsake("generate", "A red Balloon!", "--out", "pictures", "--count", "2", "--seed", "7", "--steps", "2")
    assert ended.status == 0
    files = sorted(tmp_path.glob("pictures/*"))
    assert [file.name for file in files] == ["a-red-balloon-7.png", "a-red-balloon-8.png"]
    for line, seed in zip(ended.out.splitlines(), (7, 8), strict=True):
        told = rf"pictures/a-red-balloon-{seed}\.png  \(seed {seed}, prompt (low|fair|good)\)"
        assert re.fullmatch(told, line), line
    with Image.open(files[0]) as picture:
        assert picture.format == "PNG"
        assert picture.mode == "RGBA"
        assert "Seed: 7" in picture.text["parameters"]


def test_nothing_is_overwritten(keepsake, tmp_path) -> None:
    for _ in range(3):
        keepsake("generate", "a dog", "--out", tmp_path, "--seed", "1", "--steps", "1")
    names = sorted(file.name for file in tmp_path.glob("*.png"))
    assert names == ["a-dog-1-2.png", "a-dog-1-3.png", "a-dog-1.png"]


def test_json_tells_the_recipe(keepsake, photo_file) -> None:
    keepsake("concept", "add", "Bo", photo_file, "--kind", "dog")
    numbers = ("--seed", "3", "--steps", "2", "--guidance", "2.5", "--fidelity", "1")
    (made,) = keepsake("generate", "@bo on a hill", "--out", "out", *numbers, "--json").json
    recipe = made["recipe"]
    assert Path(made["file"]) == Path("out/bo-on-a-hill-3.png")
    assert (recipe["seed"], recipe["steps"], recipe["guidance"], recipe["fidelity"]) == (3, 2, 2.5, 1.0)
    assert recipe["concept_names"] == ["Bo"]


def test_json_tells_seed_and_scores(keepsake, photo_file) -> None:
    keepsake("concept", "add", "Bo", photo_file, "--kind", "dog")
    (made,) = keepsake("generate", "@bo on a hill", "--out", "out", "--seed", "3", "--json").json
    assert made["seed"] == 3
    assert 0 <= made["likeness"] <= 1 and 0 <= made["prompt_score"] <= 1
    (made,) = keepsake("generate", "a hill", "--out", "out", "--seed", "3", "--json").json
    assert made["likeness"] is None and 0 <= made["prompt_score"] <= 1


def test_the_best_of_several_is_written(keepsake, tmp_path) -> None:
    common = ("generate", "a fox", "--out", "out", "--steps", "1", "--json", "--seed", "5")
    every = keepsake(*common, "--count", "4").json
    (best,) = keepsake(*common, "--best-of", "4").json
    assert best["prompt_score"] == max(made["prompt_score"] for made in every)
    assert len(keepsake("generate", "a fox", "--out", "b", "--count", "2", "--best-of", "3", "--json").json) == 2


@pytest.mark.parametrize(
    ("pose", "told"),
    [
        ("photo", ["photo", "photo"]),
        ("drawn", ["drawn", "drawn"]),
        ("both", ["photo", "drawn"]),
        (None, ["photo", "drawn"]),
    ],
)
def test_the_pose_is_chosen_or_follows_the_seed(pose, told, keepsake, photo_file) -> None:
    keepsake("concept", "add", "Bo", photo_file, "--kind", "dog")
    chosen = ("--pose", pose) if pose else ()
    arguments = ("--out", "out", "--count", "2", "--seed", "4", "--steps", "1", "--json")
    made = keepsake("generate", "a @bo", *chosen, *arguments).json
    assert [picture["recipe"]["pose"] for picture in made] == told


def test_a_pose_that_there_is_not_is_refused(keepsake, tmp_path) -> None:
    ended = keepsake("generate", "a dog", "--pose", "asleep", "--out", "out")
    assert ended.status == 2
    assert not list(tmp_path.glob("out/*"))


def test_a_concept_can_be_named_beside_the_prompt(keepsake, photo_file) -> None:
    keepsake("concept", "add", "Bo", photo_file, "--kind", "dog")
    (made,) = keepsake("generate", "on a hill", "--concept", "Bo", "--out", "out", "--steps", "1", "--json").json
    assert made["recipe"]["concept_names"] == ["Bo"]


def test_without_a_seed_one_is_chosen_and_told(keepsake) -> None:
    (made,) = keepsake("generate", "a dog", "--out", "out", "--steps", "1", "--json").json
    assert 0 <= made["recipe"]["seed"] < 2**32


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("",), "The prompt is empty"),
        (("x" * 10_000,), "10000 characters"),
        (("a @nobody",), "@nobody"),
        (("a dog", "--concept", "nobody"), "nobody"),
        (("a dog", "--count", "0"), "count is 0"),
        (("a dog", "--count", "17"), "count is 17"),
        (("a dog", "--best-of", "0"), "best_of is 0"),
        (("a dog", "--best-of", "9", "--count", "2"), "18 to draw"),
        (("a dog", "--seed", "-1"), "seed is -1"),
        (("a dog", "--steps", "101"), "steps is 101"),
        (("a dog", "--guidance", "nan"), "guidance is nan"),
        (("a dog", "--fidelity", "2"), "fidelity is 2"),
    ],
)
def test_bad_input_is_one_line_and_makes_nothing(arguments, part, keepsake, one_line, tmp_path) -> None:
    one_line(keepsake("generate", *arguments, "--out", "out"), part)
    assert not list(tmp_path.glob("out/*"))


def test_a_folder_that_cannot_be_made(keepsake, one_line, tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"")
    one_line(keepsake("generate", "a dog", "--out", "file"), "The folder file cannot be made")


@pytest.mark.parametrize(
    ("prompt", "stem"),
    [
        ("a happy @bo, with a red balloon!", "a-happy-bo-with-a-red-balloon"),
        ("../../etc/passwd", "etc-passwd"),
        ("Äpfel ЁЖ 猫", "äpfel-ёж-猫"),
        ("🎈🎈", "picture"),
        ("CON\0\n:*?", "con"),
        ("word " * 100, "word-word-word-word-word-word-word-word-word-wor"),
    ],
)
def test_file_names_are_plain(prompt: str, stem: str) -> None:
    assert stem_of(prompt) == stem


def test_a_full_disk_leaves_no_half_file(tmp_path, monkeypatch) -> None:
    def full(path: Path, mode: str) -> object:
        path.touch(exist_ok=False)

        class NoRoom:
            def __enter__(self) -> NoRoom:
                return self

            def __exit__(self, *_: object) -> None:
                return None

            def write(self, data: bytes) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

        return NoRoom()

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StorageFull, match="No space left on device"):
        write_new(tmp_path, "a-dog", b"data")
    assert not list(tmp_path.iterdir())
