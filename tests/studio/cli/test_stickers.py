from __future__ import annotations

import pytest
from PIL import Image


@pytest.fixture
def bo(keepsake, photo_file) -> None:
    keepsake("concept", "add", "Bo", photo_file, "--kind", "dog")


def test_a_set_becomes_a_pack_that_the_checker_accepts(keepsake, bo, tmp_path) -> None:
    told = keepsake(
        "stickers", "Bo", "--pack", "whatsapp", "--out", "out", "--count", "3", "--seed", "4", "--json"
    ).json
    assert (told["pack"], told["stickers"], told["seeds"]) == ("whatsapp", 3, [4, 5, 6])
    assert told["largest_bytes"] <= 100_000
    assert told["files"] == ["out/bo-whatsapp", "out/bo-whatsapp.zip", "out/bo-whatsapp.wastickers"]
    for path in told["files"][:2]:
        assert keepsake("check-pack", path, "--pack", "whatsapp", "--json").json["valid"]
    with Image.open(tmp_path / "out" / "bo-whatsapp" / "bo" / "tray.png") as icon:
        assert icon.size == (96, 96)


def test_an_animated_set_is_a_pack_that_moves(keepsake, bo) -> None:
    told = keepsake(
        "stickers", "Bo", "--pack", "signal", "--out", "out", "--count", "1", "--animated", "--motion", "wiggle",
        "--json",
    ).json  # fmt: skip
    assert (told["stickers"], told["animated"]) == (1, True)
    assert told["largest_bytes"] <= 300 * 1024
    assert keepsake("check-pack", told["files"][1], "--pack", "signal", "--json").json["valid"]


def test_a_set_becomes_shapes_and_a_script_in_them_is_found(keepsake, bo, tmp_path) -> None:
    told = keepsake("stickers", "Bo", "--pack", "svg", "--out", "out", "--count", "1", "--caption", "Hi", "--json").json
    assert (told["pack"], told["stickers"], told["animated"]) == ("svg", 1, False)
    assert told["largest_bytes"] <= 150 * 1024
    assert keepsake("check-pack", "out/bo-svg.zip", "--pack", "svg", "--json").json["valid"]
    (file,) = (tmp_path / "out" / "bo-svg").glob("*.svg")
    file.write_bytes(file.read_bytes().replace(b"</svg>", b"<script>1</script></svg>"))
    ended = keepsake("check-pack", "out/bo-svg", "--pack", "svg")
    assert ended.status == 1
    assert "script" in ended.out


def test_the_checker_ends_with_1_and_says_what_is_wrong(keepsake, bo, tmp_path) -> None:
    keepsake("stickers", "Bo", "--pack", "png", "--out", "out", "--count", "1", "--no-outline", "--no-shadow")
    (file,) = (tmp_path / "out" / "bo-png").glob("*.png")
    Image.new("RGBA", (100, 100)).save(file)
    ended = keepsake("check-pack", "out/bo-png", "--pack", "png")
    assert ended.status == 1
    assert "100 × 100 pixels" in ended.out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("Bo", "--pack", "icq"), "no packs for 'icq'"),
        (("Bo", "--pack", "whatsapp", "--count", "2"), "3 to 30"),
        (("Bo", "--pack", "whatsapp", "--count", "31"), "3 to 30"),
        (("Bo", "--pack", "png", "--count", "99"), "count is 99"),
        (("Bo", "--pack", "png", "--motion", "fly"), "no motion 'fly'"),
        (("Bo", "--pack", "png", "--set", "moods"), "no set 'moods'; choose one of feelings, occasions"),
        (("Bo", "--pack", "svg", "--animated"), "SVG stand still"),
        (("Bo", "--pack", "png", "--caption", "x" * 61), "61 characters"),
        (("Bo", "--pack", "png", "--caption", "猫"), "猫"),
        (("Bo", "--pack", "png", "--seed", "-1"), "seed is -1"),
        (("Boo", "--pack", "png"), "Did you mean @bo"),
    ],
)
def test_bad_input_is_one_line_and_makes_nothing(arguments, part, keepsake, bo, one_line, tmp_path) -> None:
    one_line(keepsake("stickers", *arguments, "--out", "out"), part)
    assert not (tmp_path / "out").exists()
    assert keepsake("check-pack", "out", "--pack", "png").status == 1
