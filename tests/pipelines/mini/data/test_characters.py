from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipelines.mini.data.characters import STYLES, Style, make_characters
from pipelines.mini.data.packages import Package, PackageError
from tests.pipelines.mini.data.archives import package, write_archive

SIZE = 32
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is missing; it draws the characters.")

CORE = "export const createAvatar = (style, options) => ({ toString: () => style.draw(options) });"
# The body's colour comes from the seed, the mouth's height from the face.
STYLE = """
export const draw = ({ seed, mouth, backgroundColor }) => {
  if (backgroundColor[0] !== 'transparent') throw new Error('a ground');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><circle cx="10" cy="10" r="8"
  fill="#${seed.slice(0, 6)}"/><rect x="7" y="12" width="6" height="${mouth[0]}" fill="#101010"/></svg>`;
};
"""
INTRUDER = "import { writeFileSync } from 'node:fs'; export const draw = () => { writeFileSync('x', ''); return ''; };"


def npm(folder: Path, name: str, code: str) -> Package:
    manifest = f'{{"name": "{name}", "type": "module", "main": "./lib/index.js", "exports": "./lib/index.js"}}'
    pinned = Package(**package(name, ""))
    files = {"package.json": manifest.encode(), "lib/index.js": code.encode()}
    digest = write_archive(folder / pinned.archive_name, files)
    return Package(**package(name, digest))


def style(drawn: Package) -> Style:
    faces = {"": {"mouth": ["1"]}, "laughing": {"mouth": ["4"]}}
    return Style(package=drawn, kind="person", style="flat", faces=faces, most=3)


@needs_node
def test_a_seed_is_an_individual_and_its_faces_are_the_views(tmp_path: Path) -> None:
    core, drawn = npm(tmp_path, "@dicebear/core", CORE), npm(tmp_path, "@dicebear/round", STYLE)
    found = list(make_characters(tmp_path, SIZE, count=2, styles=(style(drawn),), core=core))
    assert [one.name for one in found] == ["dicebear-round-00000", "dicebear-round-00001"]
    colours = set()
    for one in found:
        assert one.views == ("", "laughing") and one.source == "@dicebear/round@1.0" and one.kind == "person"
        usual, laughing = one.pictures
        assert usual.shape == (SIZE, SIZE, 4) and usual[0, 0, 3] == 0
        assert (laughing[..., :3].sum(axis=2) < 60)[laughing[..., 3] > 200].sum() > 2 * (
            usual[..., :3].sum(axis=2) < 60
        )[usual[..., 3] > 200].sum()
        seed = hashlib.sha256(one.name.encode()).hexdigest()
        body = tuple(int(seed[i : i + 2], 16) for i in (0, 2, 4))
        assert np.abs(usual[8, 16, :3].astype(int) - body).max() <= 2
        assert np.array_equal(usual[8, 16], laughing[8, 16])
        colours.add(body)
    assert len(colours) == 2
    assert len(list(make_characters(tmp_path, SIZE, count=9, styles=(style(drawn),), core=core))) == 3


@needs_node
def test_a_package_may_not_touch_the_machine(tmp_path: Path) -> None:
    core, drawn = npm(tmp_path, "@dicebear/core", CORE), npm(tmp_path, "@dicebear/intruder", INTRUDER)
    with pytest.raises(PackageError, match="could not draw intruder"):
        list(make_characters(tmp_path, SIZE, count=1, styles=(style(drawn),), core=core))


def test_without_node_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core, drawn = npm(tmp_path, "@dicebear/core", CORE), npm(tmp_path, "@dicebear/round", STYLE)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageError, match=r"Node\.js \(20 or newer\) is needed"):
        list(make_characters(tmp_path, SIZE, count=1, styles=(style(drawn),), core=core))


def test_every_style_has_its_usual_face_first_and_two_to_twelve_views() -> None:
    for one in STYLES:
        assert next(iter(one.faces)) == "" and 2 <= len(one.faces) <= 12
        keys = {key for face in one.faces.values() for key in face}
        assert all(set(face) == keys for face in one.faces.values()), one.name
        assert not keys & set(one.options), one.name
