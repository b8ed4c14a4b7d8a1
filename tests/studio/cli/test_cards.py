from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def photos(photo: Callable[..., bytes], tmp_path: Path) -> list[Path]:
    """Three photos on disk."""
    paths = [tmp_path / f"{number}.jpg" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(photo(number + 10))
    return paths


@pytest.fixture
def family(keepsake, photo_file: Path, photos: list[Path]) -> None:
    """Bo of two photos, and Ana, who is a person."""
    keepsake("concept", "add", "Bo", photos[0], photos[1], "--kind", "dog", "--fact", "likes rain", "--alias", "Bobby")
    keepsake("concept", "add", "Ana", photo_file, "--kind", "girl")


@pytest.mark.usefixtures("family")
def test_every_part_of_a_card_is_changed_and_shown(keepsake, photos) -> None:
    changed = keepsake(
        "concept", "edit", "bobby", "--name", "Bo B", "--kind", "puppy", "--alias", "Big B", "--remove-alias", "bobby",
        "--fact", "is old", "--remove-fact", "1", "--relation", "belongs to Ana", "--fingerprint", "one white paw",
        "--add-photo", photos[2], "--remove-photo", "1", "--json",
    ).json  # fmt: skip
    assert (changed["name"], changed["kind"], changed["aliases"]) == ("Bo B", "puppy", ["Big B"])
    assert changed["fingerprint"] == "one white paw; a puppy" and changed["relations"] == ["belongs to Ana"]
    assert [(fact["text"], fact["source"]) for fact in changed["facts"]] == [("is old", "said")]
    assert [photo["number"] for photo in changed["photos"]] == [1, 2] and changed["photos"][0]["box"]
    shown = keepsake("concept", "show", "@big-b", "--json").json
    assert shown == {**changed, "examples": {"this": 0, "not_this": 0}}
    words = keepsake("concept", "show", "Bo B").out
    for part in ("also called", "Big B", "is old (said, ", "belongs to Ana", "one white paw; a puppy"):
        assert part in words
    told = keepsake("concept", "timeline", "Bo B", "--json").json
    assert [moment["happening"] for moment in told] == ["fact", "added"] and told[0]["text"] == "is old"
    everything = keepsake("concept", "timeline").out
    assert "Bo B: is old" in everything and "Ana was added" in everything


@pytest.mark.usefixtures("family")
@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--name", "Ana"), "@ana already"),
        (("--alias", "ana"), "@ana already"),
        (("--relation", "belongs to Mia"), "'belongs to Mia' has to end in the name"),
        (("--relation", "likes Bo"), "related to itself"),
        (("--remove-fact", "hates rain"), "no fact 'hates rain'"),
        (("--remove-photo", "3"), "no photo 3; it has 2"),
        (("--remove-photo", "1", "--remove-photo", "2"), "forget the concept instead"),
        (("--add-photo", "nowhere.jpg"), "nowhere.jpg does not exist"),
    ],
)
def test_what_cannot_be_is_one_line(keepsake, one_line, options, part) -> None:
    one_line(keepsake("concept", "edit", "Bo", *options), part)


@pytest.mark.usefixtures("family")
def test_merge_and_split(keepsake, one_line, photos) -> None:
    new = keepsake("concept", "split", "Bo", "--photos", "2", "--as", "Rex", "--json").json
    assert (new["new"]["name"], len(new["new"]["photos"]), len(new["rest"]["photos"])) == ("Rex", 1, 1)
    merged = keepsake("concept", "merge", "Bo", "Rex", "--json").json
    assert merged["aliases"] == ["Bobby", "Rex"] and len(merged["photos"]) == 2
    one_line(keepsake("concept", "merge", "Bo", "bobby"), "cannot be merged with itself")
    one_line(keepsake("concept", "split", "Bo", "--photos", "1,2", "--as", "X"), "nothing would be left")
    one_line(keepsake("concept", "split", "Bo", "--photos", "two", "--as", "X"), "numbers joined by commas")
    one_line(keepsake("concept", "split", "Bo", "--photos", "9", "--as", "X"), "no photo 9")


@pytest.mark.usefixtures("family")
def test_the_receipt_is_printed(keepsake) -> None:
    keepsake("generate", "@bo", "--out", "pictures")
    told = keepsake("concept", "forget", "Bo", "--with-pictures", "--yes")
    assert told.status == 0
    for part in ("Bo is forgotten", "photos: 2", "facts: 1", "pictures: 1", "nothing of it was found"):
        assert part in told.out
    receipt = keepsake("concept", "forget", "Ana", "--json").json["receipt"]
    assert receipt["complete"] and receipt["bytes"] > 0 and receipt["found"] == []


@pytest.mark.usefixtures("family")
def test_out_and_in_again(keepsake, one_line, tmp_path) -> None:
    keepsake("concept", "edit", "Bo", "--relation", "belongs to Ana")
    out = tmp_path / "bo.zip"
    told = keepsake("concept", "export", "bobby", "--out", out, "--json").json
    assert told["bytes"] == len(out.read_bytes())
    one_line(keepsake("concept", "export", "Bo", "--out", out), "exists already")
    one_line(keepsake("concept", "export", "Bo", "--out", tmp_path / "bo.rar"), "ends in .zip")
    one_line(keepsake("concept", "import", out), "@bo already", "--as NAME")
    added = keepsake("concept", "import", out, "--as", "Rex", "--json").json
    assert (added["name"], added["relations"], added["aliases"]) == ("Rex", ["belongs to Ana"], [])
    assert [(fact["text"], fact["source"]) for fact in added["facts"]] == [("likes rain", "imported")]
    assert added["personal"] and len(added["photos"]) == 2
    one_line(keepsake("concept", "import", tmp_path / "nothing.zip"), "no file")


@pytest.mark.usefixtures("family")
def test_a_person_is_asked_first(keepsake, one_line, photos, tmp_path) -> None:
    added = keepsake("concept", "add", "Tom", photos[2], "--kind", "man")
    assert "ask them" in added.out
    for verb, out in (("export", "ana.zip"), ("lora", "ana.safetensors")):
        one_line(keepsake("concept", verb, "Ana", "--out", tmp_path / out), "Ana is a person")
        assert not (tmp_path / out).exists()
    assert keepsake("concept", "edit", "Ana", "--consent", "--json").json["consent_at"]
    for verb, out in (("export", "ana.zip"), ("lora", "ana.safetensors")):
        assert keepsake("concept", verb, "Ana", "--out", tmp_path / out).status == 0
    assert keepsake("concept", "edit", "Ana", "--no-consent", "--json").json["consent_at"] is None


def test_a_file_of_somebody_else_is_refused(keepsake, one_line, tmp_path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../evil.sh", "rm")
    (tmp_path / "evil.zip").write_bytes(buffer.getvalue())
    one_line(keepsake("concept", "import", tmp_path / "evil.zip"), "does not belong into a concept")
