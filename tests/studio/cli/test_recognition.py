from __future__ import annotations

from pathlib import Path

from studio.cli.recognition import sentence
from studio.domain.recognition import PHOTOS_MAX, Found, Recognition


def test_known_and_unknown_photos_in_one_run(keepsake, photo, photo_file, tmp_path) -> None:
    other = tmp_path / "other.jpg"
    other.write_bytes(photo(9))
    keepsake("concept", "add", "Bo", photo_file)
    told = keepsake("recognise", photo_file, other)
    assert told.out == f"{photo_file}: Bo (sure)\n{other}: 1 thing that is not known\n"
    first, second = keepsake("recognise", photo_file, other, "--json").json
    assert first == {
        "file": str(photo_file),
        "regions": [{"box": [0, 0, 96, 64], "concept": "Bo", "score": first["regions"][0]["score"]}],
        "concepts": ["Bo"],
    }
    assert 0.9 <= first["regions"][0]["score"] <= 1
    assert second["concepts"] == [] and [one["concept"] for one in second["regions"]] == [None]


def test_what_is_no_photo_is_one_line(keepsake, one_line, tmp_path, photo_file) -> None:
    one_line(keepsake("recognise", "not-there.jpg"), "not-there.jpg does not exist")
    (tmp_path / "words.txt").write_text("no picture at all")
    one_line(
        keepsake("recognise", photo_file, tmp_path / "words.txt", "--json"), "words.txt: The file is not a picture"
    )


def test_more_files_than_are_held_at_once(keepsake, photo_file) -> None:
    keepsake("concept", "add", "Bo", photo_file)
    answers = keepsake("recognise", *[photo_file] * (PHOTOS_MAX + 2), "--json").json
    assert [one["concepts"] for one in answers] == [["Bo"]] * (PHOTOS_MAX + 2)


def found(concept: str | None, score: float) -> Found:
    return Found(region=0, box=(0, 0, 1, 1), concept_id=concept, concept=concept, score=score)


def test_sentences() -> None:
    def said(*some: Found) -> str:
        return sentence(Recognition(width=9, height=9, found=some))

    assert said() == "nothing stands out"
    assert said(found(None, 0.1), found(None, 0.2)) == "2 things that are not known"
    assert said(found("Bo", 0.8), found("Mug", 0.6), found(None, 0.2)) == (
        "Bo (likely), Mug (perhaps), and 1 thing that is not known"
    )


def test_files_are_named_as_they_were_given(keepsake, photo_file, monkeypatch) -> None:
    monkeypatch.chdir(photo_file.parent)
    assert keepsake("recognise", Path("bo.jpg"), "--json").json[0]["file"] == "bo.jpg"
