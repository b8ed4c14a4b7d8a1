from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    liked, skipped = tmp_path / "liked", tmp_path / "skipped"
    for folder, colour in ((liked, (220, 40, 20)), (skipped, (20, 40, 220))):
        folder.mkdir()
        for number in range(3):
            Image.new("RGB", (64, 64), (colour[0], colour[1] + 20 * number, colour[2])).save(folder / f"{number}.png")
    return liked, skipped


def test_learned_shown_edited_scored_and_forgotten(keepsake, folders, tmp_path) -> None:
    liked, skipped = folders
    (liked / "broken.jpg").write_text("no picture")
    told = keepsake("taste", "learn", "Nik", "--liked", liked, "--skipped", skipped)
    assert "learned from 3 liked, 3 not liked" in told.out and "left out: broken.jpg" in told.out
    shown = keepsake("taste", "show", "Nik", "--json").json
    assert shown["in_words"] == "You like warm colours." and shown["leanings"]["warmth"] > 0.5
    scores = keepsake("taste", "score", "Nik", liked / "0.png", skipped / "0.png", "--json").json
    assert scores[0]["probability"] > 0.8 and scores[1]["probability"] < 0.2
    assert scores[0]["reasons"][0]["words"] == "warm colours"
    assert "version 3" in keepsake("taste", "edit", "Nik", "--words", "cool colours", "--lean", "contrast=-0.5").out
    assert keepsake("taste", "edit", "Nik", "--revert", "2", "--json").json["version"] == 4
    assert [one["name"] for one in keepsake("taste", "list", "--json").json] == ["Nik"]
    keepsake("taste", "export", "Nik", "--out", tmp_path / "nik.json")
    assert json.loads((tmp_path / "nik.json").read_text())["name"] == "Nik"
    assert keepsake("taste", "forget", "Nik").out == "Nik is forgotten.\n"
    assert keepsake("taste", "list").out == "No taste yet.\n"


def test_pictures_in_a_taste(keepsake, folders, tmp_path) -> None:
    keepsake("taste", "learn", "Nik", "--liked", folders[0], "--skipped", folders[1])
    made = keepsake(
        "generate", "a cat", "--taste", "Nik", "--count", "3", "--seed", "7", "--out", tmp_path, "--json"
    ).json
    assert len(made) == 3 and any(one["recipe"]["taste"] == "Nik" for one in made)
    assert (
        "liked" in keepsake("generate", "a cat", "--taste", "Nik", "--seed", "7", "--count", "3", "--out", tmp_path).out
    )


def test_sharing_is_off_until_it_is_said_and_off_again(keepsake, folders, tmp_path) -> None:
    for name, liked, skipped in (("Nik", *folders), ("Ana", *folders), ("Tom", *reversed(folders))):
        keepsake("taste", "learn", name, "--liked", liked, "--skipped", skipped)
    assert keepsake("taste", "show", "Nik", "--json").json["sharing"] is None
    assert "does not share" in keepsake("taste", "show", "Nik").out
    assert "Nobody else shares yet." in keepsake("taste", "edit", "Nik", "--share").out
    for name in ("Ana", "Tom"):
        keepsake("taste", "edit", name, "--share")
    told = keepsake("taste", "show", "Nik", "--json").json
    assert (told["sharing"]["others"], told["sharing"]["like_minded"], told["version"]) == (2, 1, 2)
    assert set(told["sharing"]["lent"]) == {"warmth", "brightness", "contrast"}
    assert "Helped by 1 like-minded person of 2 who share." in keepsake("taste", "show", "Nik").out
    keepsake("taste", "edit", "Ana", "--no-share")
    assert keepsake("taste", "show", "Nik", "--json").json["sharing"]["like_minded"] == 0
    both = keepsake("taste", "edit", "Nik", "--no-share", "--words", "cooler", "--json").json
    assert both["sharing"] is None and both["version"] == 3


def test_bad_input_is_one_line(keepsake, one_line, folders, tmp_path) -> None:
    one_line(keepsake("taste", "show", "nobody"), "no taste called 'nobody'")
    one_line(keepsake("taste", "learn", "Nik", "--liked", tmp_path / "not-there"), "is not a folder")
    (tmp_path / "empty").mkdir()
    one_line(keepsake("taste", "learn", "Nik", "--liked", tmp_path / "empty"), "has no picture in it")
    keepsake("taste", "learn", "Nik", "--liked", folders[0])
    one_line(keepsake("taste", "edit", "Nik", "--lean", "warmth"), "is no leaning")
    one_line(keepsake("taste", "edit", "Nik", "--words", "fluffy"), "'fluffy' is nothing I can change")
    one_line(keepsake("generate", "a cat", "--taste", "nobody", "--out", tmp_path), "no taste called")
    (tmp_path / "there.json").write_text("{}")
    one_line(keepsake("taste", "export", "Nik", "--out", tmp_path / "there.json"), "exists already")


def test_pictures_like_another(keepsake, folders, tmp_path) -> None:
    keepsake("taste", "learn", "Nik", "--liked", folders[0], "--skipped", folders[1])
    like = next(folders[1].iterdir())
    common = ("generate", "a cat", "--seed", "7", "--count", "3", "--out", tmp_path, "--like", like)
    made = keepsake(*common, "--json").json
    alike = [one["recipe"] for one in made if one["recipe"]["plain"]]
    assert (
        alike
        and {recipe["taste_share"] for recipe in alike} == {0.0}
        and all(len(recipe["palette"]) == 1 for recipe in alike)
    )
    assert "looks like yours by" in keepsake(*common).out
    shared = keepsake(*common, "--taste", "Nik", "--taste-share", "0.75", "--json").json
    assert {one["recipe"]["taste_share"] for one in shared} <= {0.75, None}
    told = ("--palette", " ".join(alike[0]["palette"]))
    again = keepsake("generate", alike[0]["prompt"], "--seed", alike[0]["seed"], *told, "--out", tmp_path, "--json")
    assert again.json[0]["recipe"]["palette"] == alike[0]["palette"]


def test_what_cannot_be_drawn_like_is_one_sentence(keepsake, folders, one_line, tmp_path) -> None:
    common = ("generate", "a cat", "--out", tmp_path / "out")
    (tmp_path / "notes.txt").write_text("no picture")
    like = next(folders[0].iterdir())
    one_line(keepsake(*common, "--like", tmp_path / "nothing.png"), "cannot be read: No such file")
    one_line(keepsake(*common, "--like", tmp_path / "notes.txt"), "not a picture")
    one_line(keepsake(*common, "--like", like, "--taste-share", "0.5"), "no taste is named")
    one_line(keepsake(*common, "--like", like, "--taste", "Nik"), "no taste called 'Nik'")
    one_line(keepsake(*common, "--taste-share", "0.5"), "neither a taste nor a picture")
    one_line(keepsake(*common, "--palette", "red"), "'red' is no colour")
