from __future__ import annotations

import pytest
from PIL import Image

from studio.domain.concepts import PHOTOS_MAX
from studio.storage.ingest import BYTES_MAX


def test_add_list_forget(keepsake, photo_file) -> None:
    added = keepsake("concept", "add", "Bo", photo_file, "--kind", "dog", "--fact", "likes water", "--fact", "is old")
    assert added.status == 0
    assert added.out == "Bo is known now: 1 photo, kind dog, 2 facts. Prompts mention it as @bo.\n"
    assert added.err == ""

    listed = keepsake("concept", "list")
    assert listed.out.splitlines()[1].split()[:4] == ["Bo", "@bo", "dog", "1"]

    forgotten = keepsake("concept", "forget", "@bo")
    assert forgotten.out.startswith("Bo is forgotten.") and "photos: 1" in forgotten.out and "facts: 2" in forgotten.out
    assert keepsake("concept", "list").out.startswith("Nothing is known yet.")


def test_json_holds_all_and_nothing_else(keepsake, photo_file) -> None:
    added = keepsake("concept", "add", "Bo", photo_file, "--kind", "dog", "--fact", "likes water", "--json").json
    assert (added["name"], added["mention"], added["kind"], added["photos"]) == ("Bo", "@bo", "dog", 1)
    assert added["facts"] == ["likes water"]
    assert keepsake("concept", "list", "--json").json == [added]
    assert keepsake("concept", "forget", "Bo", "--json").json["forgotten"] == added
    assert keepsake("concept", "list", "--json").json == []


@pytest.mark.parametrize("layout", ["kohya", "diffusers"])
def test_the_lora_of_a_thing_is_written(layout, keepsake, photo_file, tmp_path) -> None:
    keepsake("concept", "add", "Bo", photo_file, "--kind", "dog")
    out = tmp_path / "bo.safetensors"
    told = keepsake("concept", "lora", "@bo", "--layout", layout, "--out", out, "--json").json
    assert (told["file"], told["layout"], told["trigger"]) == (str(out), layout, "dog")
    assert len(out.read_bytes()) == told["bytes"]


def test_a_lora_overwrites_nothing_and_is_for_known_things(keepsake, photo_file, tmp_path, one_line) -> None:
    keepsake("concept", "add", "Bo", photo_file, "--kind", "dog")
    out = tmp_path / "bo.safetensors"
    one_line(keepsake("concept", "lora", "nobody", "--out", out), "nobody")
    assert not out.exists()
    assert "Prompts call it up by 'dog'." in keepsake("concept", "lora", "Bo", "--out", out).out
    one_line(keepsake("concept", "lora", "Bo", "--out", out), "exists already")
    one_line(keepsake("concept", "lora", "Bo", "--out", tmp_path / "bo.bin"), "end in .safetensors")
    one_line(keepsake("concept", "lora", "Bo", "--out", tmp_path / "no" / "bo.safetensors"), "does not exist")
    one_line(keepsake("concept", "lora", "Bo", "--layout", "zip", "--out", out), "zip", status=2)


def test_a_name_is_checked_before_photos_are_read(keepsake, one_line) -> None:
    one_line(keepsake("concept", "add", "a/b", "not-there.jpg"), "'a/b'")


def test_too_many_photos_are_refused_before_one_is_read(keepsake, one_line) -> None:
    photos = [f"{number}.jpg" for number in range(PHOTOS_MAX + 1)]
    one_line(keepsake("concept", "add", "Bo", *photos), f"{PHOTOS_MAX + 1} photos are too many")


def test_photos_that_are_none(keepsake, one_line, tmp_path) -> None:
    one_line(keepsake("concept", "add", "Bo", "not-there.jpg"), "not-there.jpg does not exist")
    one_line(keepsake("concept", "add", "Bo", tmp_path), "is a folder")
    (tmp_path / "words.txt").write_text("no picture at all")
    one_line(keepsake("concept", "add", "Bo", tmp_path / "words.txt"))
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(BYTES_MAX + 1)
    one_line(keepsake("concept", "add", "Bo", tmp_path / "large.jpg"), "large.jpg is larger than 40 MB")
    assert keepsake("concept", "list", "--json").json == []


def test_a_name_that_is_taken(keepsake, photo_file, one_line) -> None:
    keepsake("concept", "add", "Bo", photo_file, "--kind", "dog")
    one_line(keepsake("concept", "add", "bo", photo_file, "--kind", "dog"), "@bo")
    assert len(keepsake("concept", "list", "--json").json) == 1


@pytest.mark.parametrize("name", ["nobody", "@nobody"])
def test_forgetting_what_is_not_known(name, keepsake, one_line) -> None:
    one_line(keepsake("concept", "forget", name), "nobody")


def test_a_thing_is_refined_and_kept_if_that_helps(keepsake, photo_file, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KEEPSAKE_ENGINES__REFINING__OPTIONS__STEP_SECONDS", "0")
    keepsake("concept", "add", "Bo", photo_file, "--kind", "dog")
    loras = []
    for number, keep in enumerate(("never", "auto")):
        told = keepsake("concept", "refine", "@bo", "--keep", keep, "--json").json
        assert (told["name"], told["helps"], told["kept"], told["gain"]) == ("Bo", True, keep == "auto", 0.05)
        out = tmp_path / f"{number}.safetensors"
        keepsake("concept", "lora", "Bo", "--out", out)
        loras.append(out.read_bytes())
    assert loras[0] != loras[1]
    monkeypatch.setenv("KEEPSAKE_ENGINES__REFINING__OPTIONS__GAIN", "-0.02")
    told = keepsake("concept", "refine", "Bo").out
    assert told.startswith("Bo: likeness 0.600 → 0.580 (-0.020 ± 0.010)") and "The LoRA of before stays." in told


def test_refining_what_is_not_known(keepsake, one_line) -> None:
    one_line(keepsake("concept", "refine", "nobody"), "nobody")


def test_photos_of_different_things_are_refused_unless_they_are_said_to_be_one(keepsake, one_line, tmp_path) -> None:
    photos = [tmp_path / f"{colour}.png" for colour in ("red", "blue")]
    for photo in photos:
        Image.new("RGB", (64, 64), photo.stem).save(photo)
    one_line(keepsake("concept", "add", "Bo", *photos, "--kind", "dog"), "The two photos do not look alike", "--one-th")
    assert keepsake("concept", "list", "--json").json == []
    assert keepsake("concept", "add", "Bo", *photos, "--kind", "dog", "--one-thing", "--json").json["photos"] == 2
