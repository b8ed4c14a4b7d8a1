from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from pipelines.mini.data import individuals as module
from pipelines.mini.data.individuals import (
    PARTS,
    Individual,
    contact_sheet,
    credit_lines,
    fit_views,
    held_out,
    main,
    packages,
    read_individuals,
    records,
    write_individuals,
)
from pipelines.mini.data.packages import Package
from pipelines.mini.data.writer import read_corpus
from tests.pipelines.mini.data.animated import animation
from tests.pipelines.mini.data.archives import package, write_archive, write_emojibase, write_holdout

SIZE = 16


def block(left: int, top: int, width: int, height: int) -> np.ndarray:
    picture = np.zeros((40, 40, 4), np.uint8)
    picture[top : top + height, left : left + width] = (200, 30, 10, 255)
    return picture


def individual(name: str = "a-1", kind: str = "fox", views: int = 2) -> Individual:
    pictures = fit_views([block(5 + n, 5, 10, 10) for n in range(views)], SIZE)
    words = tuple("" if n == 0 else f"view {n}" for n in range(views))
    return Individual(name=name, kind=kind, style="flat", pictures=pictures, views=words, source="set@1.0, Ann")


def test_about_one_in_eight_is_held_out_and_always_the_same_ones() -> None:
    names = [f"dicebear-lorelei-{number:05d}" for number in range(4000)]
    share = sum(held_out(name) for name in names) / len(names)
    assert 0.10 < share < 0.14
    # Written down: another rule would let training see what was held out of an earlier model.
    assert [number for number, name in enumerate(names[:40]) if held_out(name)] == [5, 19]
    assert all(held_out(f"{name}-painted") == held_out(name) for name in names[:40])


def test_views_are_centred_at_one_scale() -> None:
    wide, small = fit_views([block(0, 20, 30, 10), block(25, 3, 15, 10)], SIZE)
    for picture in (wide, small):
        assert picture.shape == (SIZE, SIZE, 4) and picture.dtype == np.uint8
        rows, columns = (np.flatnonzero(picture[..., 3].max(axis=axis) > 127) for axis in (1, 0))
        assert abs(rows.mean() - 7.5) <= 0.5 and abs(columns.mean() - 7.5) <= 0.5
    widths = [int((picture[SIZE // 2, :, 3] > 127).sum()) for picture in (wide, small)]
    assert widths[0] >= SIZE - 2 and abs(widths[0] / 2 - widths[1]) <= 1
    inside = wide[..., 3] == 255
    assert np.abs(wide[inside][:, :3].astype(int) - (200, 30, 10)).max() <= 2


def test_an_empty_view_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        fit_views([block(1, 1, 4, 4), np.zeros((8, 8, 4), np.uint8)], SIZE)


def test_records_tell_view_and_split(tmp_path: Path) -> None:
    people = [individual("a-1"), individual("a-2", kind="otter", views=3)]
    write_individuals(people, tmp_path, SIZE, frozenset({"otter"}))
    pictures, written = read_corpus(tmp_path, ["individuals"])[0]
    assert pictures.shape == (5, SIZE, SIZE, 4) and len(written) == 5
    assert {record["split"] for record in written if record["kind"] == "otter"} == {"test"}
    assert [record["words"] for record in written] == ["", "view 1", "", "view 1", "view 2"]
    assert written[1] == {
        "identity": "a-1", "view": 1, "split": "test" if held_out("a-1") else "train",
        "kind": "fox", "style": "flat", "words": "view 1", "source": "set@1.0, Ann",
    }  # fmt: skip
    held = next(f"x-{n}" for n in range(100) if held_out(f"x-{n}"))
    assert {record["split"] for record in records(individual(held), frozenset())} == {"test"}


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    known = [individual("a-1"), individual("b-2", "otter", views=3)]
    write_individuals(known, tmp_path, SIZE, frozenset())
    for before, after in zip(known, read_individuals(tmp_path), strict=True):
        assert (after.name, after.kind, after.views, after.source) == (
            *(before.name, before.kind, before.views, before.source),
        )
        assert np.array_equal(after.pictures, before.pictures)


def test_the_contact_sheet_shows_every_view() -> None:
    sheet = np.asarray(contact_sheet([individual(views=3), individual(views=2)], columns=1))
    assert sheet.shape == (2 * (SIZE + 28), 3 * SIZE, 3)
    for column, row, drawn in ((2, 0, True), (1, 1, True), (2, 1, False)):
        top, left = row * (SIZE + 28) + SIZE // 2, column * SIZE + SIZE // 2
        assert (sheet[top, left, 1] < 60) == drawn


def test_every_package_is_pinned_and_free_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    found = packages()
    assert len({p.archive_name for p in found}) == len(found)
    for pinned in found:
        assert len(pinned.sha256) == 64 and pinned.credit
        assert all(word in ("MIT", "CC0-1.0", "CC-BY-4.0", "CC-BY-3.0", "CC-BY-3.0-US", "and")
                   for word in pinned.licence.replace(",", "").split())  # fmt: skip
        assert "avataaars" not in pinned.name and "bottts" not in pinned.name
    mine = Package(name="set", version="1.0", licence="CC0-1.0", credit="Set", sha256="")
    monkeypatch.setattr(module, "packages", lambda parts: (mine,))
    assert credit_lines([individual()]) == ["- Set (Ann): set 1.0, CC0-1.0"]


def test_the_command_writes_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = write_archive(tmp_path / "moving-1.0.tgz", {"assets/1f98a.webp": animation([0, 12, 24])})
    pinned = Package(**package("moving", digest))
    monkeypatch.setattr("pipelines.mini.data.animations.PACKAGES", (pinned,))
    config = tmp_path / "data.yaml"
    names = package("names", write_emojibase(tmp_path))
    config.write_text(yaml.safe_dump({"names": names, "holdout": str(write_holdout(tmp_path))}))
    out = tmp_path / "out"
    arguments = ["--config", config, "--out", out, "--cache", tmp_path, "--size", SIZE, "--only", PARTS[0]]
    monkeypatch.setattr(sys, "argv", ["individuals", *map(str, arguments)])
    main()
    lines = [json.loads(line) for line in (out / "individuals.jsonl").read_text().splitlines()]
    assert [(line["identity"], line["kind"], line["source"]) for line in lines] == [
        ("anim-1f98a", "fox", "moving@1.0")
    ] * 3
    assert np.load(out / "individuals.npy").shape == (3, SIZE, SIZE, 4)
    assert (out / "individuals-animations.png").exists()
    assert "moving, its maker: moving 1.0, MIT" in (out / "individuals-credits.md").read_text()
