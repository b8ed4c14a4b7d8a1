from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.mini.data.objects3d import kind_of, paint, read_catalogue, read_models, render_objects, safe_materials
from tests.pipelines.mini.data.test_debian import write_deb
from tests.pipelines.mini.data.test_turntable import CUBE, MATERIALS, turntable

SIZE = 24
CATALOGUE = """
id=Library
name#2=Screen door
model#2=/lib/door/door.obj
creator#2=Ann
name#1=Oak chair
model#1=/lib/chair/chair.obj
creator#1=J\\u00f6rg
name#3=Chair
model#3=/lib/stool/stool.obj
modelRotation#3=0 0 -1 0 1 0 1 0 0
creator#3=Ann
name#4=Chair
model#4=/lib/lost/lost.obj
name#5=Apples
model#5=/lib/apples/apples.obj
creator#5=Ann
"""


def write_models(folder: Path) -> Path:
    buffer = io.BytesIO()
    wood = io.BytesIO()
    Image.new("RGB", (4, 4), (120, 80, 30)).save(wood, "PNG")
    with zipfile.ZipFile(buffer, "w") as library:
        library.writestr("PluginFurnitureCatalog.properties", CATALOGUE)
        for name in ("door", "chair", "stool", "apples"):
            library.writestr(f"lib/{name}/{name}.obj", CUBE)
            library.writestr(f"lib/{name}/{name}.mtl", MATERIALS)
        library.writestr("lib/chair/Wood.PNG", wood.getvalue())
        library.writestr("../outside.png", b"x")
    file = folder / "models_1.0_all.deb"
    write_deb(file, {"usr/share/models.sh3f": buffer.getvalue(), "usr/share/readme.txt": b""})
    return file


def test_models_are_read_in_the_order_of_the_catalogue(tmp_path: Path) -> None:
    chair, stool, apples = read_models(write_models(tmp_path))
    assert (chair.kind, chair.maker, chair.rotation) == ("chair", "Jörg", None)
    assert set(chair.textures) == {"wood.png"} and chair.shape == CUBE.encode()
    assert (stool.kind, stool.rotation) == ("chair", (0, 0, -1, 0, 1, 0, 1, 0, 0))
    assert apples.kind == "apples" and apples.textures == {}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Armchair", "armchair"),
        ("Concept Sedan 02", "car"),
        ("Siamese cat", "cat"),
        ("Rubik's cube", "rubik's cube"),
        ("Screen door", None),
        ("Lying down boy", None),
        ("Frame Hôi An", None),
        ("", None),
    ],
)
def test_kinds_are_said_as_in_a_prompt(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_the_catalogue_is_read_by_number() -> None:
    entries = read_catalogue(CATALOGUE.encode("latin-1"))
    assert [entry["name"] for entry in entries] == ["Oak chair", "Screen door", "Chair", "Chair", "Apples"]


def test_materials_keep_colours_and_known_textures_alone() -> None:
    text = (
        "newmtl a\n Ka 1 1 1\n\tKd 0.5 0 0\nmap_Kd /Users/x/ My Wood.jpg\nmap_bump bump.png\n"
        "newmtl b\nmap_Kd -s 2 2 1 ..\\..\\wood.jpg\nnewmtl c\nmap_Kd /etc/passwd\nd 0.5\n"
    )
    table = {" my wood.jpg": "texture-0.jpg", "wood.jpg": "texture-1.jpg"}
    assert safe_materials(text, table).splitlines() == [
        "newmtl a", "Kd 0.5 0 0", "map_Kd texture-0.jpg", "newmtl b", "map_Kd texture-1.jpg", "newmtl c", "d 0.5",
    ]  # fmt: skip


def test_paint_changes_plain_colours_and_leaves_dark_glass_and_textures() -> None:
    text = (
        "newmtl a\nKd 0.8 0.8 0.8\nnewmtl b\nKd 0.8 0.8 0.8\nnewmtl tyre\nKd 0.05 0.05 0.05\n"
        "newmtl glass\nKd 0.8 0.8 0.8\nd 0.3\nnewmtl wood\nKd 0.8 0.8 0.8\nmap_Kd wood.jpg\n"
    )
    painted = paint(text, np.random.default_rng(0))
    assert painted is not None
    before, after = text.splitlines(), painted.splitlines()
    changed = [number for number, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert changed == [1, 3] and after[1] == after[3]
    assert all(0 <= float(value) <= 1 for value in after[1].split()[1:])
    assert paint("newmtl wood\nKd 1 1 1\nmap_Kd wood.jpg\n", np.random.default_rng(0)) is None


def test_each_model_is_an_individual_and_so_is_its_painted_copy(tmp_path: Path) -> None:
    turntable()  # skips where nothing can be rendered
    archive = write_models(tmp_path)
    found = list(render_objects(archive, SIZE))
    assert [one.name for one in found] == [
        "3d-chair-01", "3d-chair-01-painted", "3d-chair-02", "3d-chair-02-painted", "3d-apples-01",
    ]  # fmt: skip
    for one in found:
        assert len(one.pictures) == len(one.views) == 8 and one.views[0] == ""
        assert all(picture.shape == (SIZE, SIZE, 4) for picture in one.pictures)
        assert "seen from the left" in one.views and one.style == "glossy"
    assert found[0].source == "sweethome3d-furniture@1.8-1, Jörg"
    assert not np.array_equal(found[0].pictures[0], found[1].pictures[0])
    assert [one.name for one in render_objects(archive, SIZE, most_of_a_kind=1)][2:] == ["3d-apples-01"]
