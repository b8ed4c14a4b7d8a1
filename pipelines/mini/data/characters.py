"""Characters of DiceBear: a fixed seed is an individual, its changing and captioned face gives the views.

DiceBear is a JavaScript library, so Node.js is needed here (building the corpus, never running the studio). Only the
pinned packages are unpacked, and they run in Node's permission model: no writing, no child processes, and no reading
outside their own temporary folder. Only art under CC0 and CC-BY-4.0 is used; ``avataaars`` and ``bottts`` have terms
of their own and are never fetched.
"""

from __future__ import annotations

import colorsys
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipelines.mini.data.drawings import rasterise
from pipelines.mini.data.individuals import Individual, fit_views
from pipelines.mini.data.packages import Package, PackageError, fetch

Options = Mapping[str, Sequence[str] | int]

_HAIR = ("2c1b18", "4a312c", "724133", "a55728", "b58143", "d6b370", "ecdcbf", "c93305", "f59797", "6a7ff0", "3b9c8f",
         "8e5bb5", "afafaf", "e8e1e1")  # fmt: skip
_SKIN = ("ffdbb4", "f2d3b1", "edb98a", "d08b5b", "ae5d29", "8d5524", "614335")
_CLOTHES = ("e78276", "d11141", "f88c49", "ffcf77", "fdea6b", "78e185", "2f9e5b", "54d7c7", "3ba7dd", "2f4fb8",
            "7555ca", "e279c7", "f4f4f4", "8d99a6", "3a3f4b", "8a5a3c")  # fmt: skip
_BODIES = tuple(
    "".join(f"{round(255 * channel):02x}" for channel in colorsys.hsv_to_rgb(hue / 24, saturation, value))
    for hue in range(24)
    for saturation, value in ((0.75, 0.9), (0.4, 0.95), (0.65, 0.55))
)


@dataclass(frozen=True, kw_only=True)
class Style:
    """A style of DiceBear: its package, what it draws, and the options behind each caption of a face.

    Attributes:
        faces: caption words → options; the empty caption is the usual face.
        options: options of every view; lists are chosen from by the seed, so they stay the same over the views.
        most: how many individuals it can give before they look alike.
    """

    package: Package
    kind: str
    style: str
    faces: Mapping[str, Options]
    options: Options = field(default_factory=dict)
    most: int = 1000

    @property
    def name(self) -> str:
        """The style's name in DiceBear, such as ``lorelei``."""
        return self.package.name.removeprefix("@dicebear/")


def _package(name: str, licence: str, designer: str, sha256: str, version: str = "9.2.4") -> Package:
    credit = f"{name}, {designer}, drawn by DiceBear"
    return Package(name=f"@dicebear/{name}", version=version, licence=licence, credit=credit, sha256=sha256)


_CORE = Package(
    name="@dicebear/core",
    version="9.4.3",
    licence="MIT",
    credit="DiceBear, Florian Körner",
    sha256="6ca7dae651c74ad547e548fbe7c41f49aaa377cf4617259277518389bf6b1a3d",
)


def _face(**options: str) -> dict[str, list[str]]:
    return {key: [value] for key, value in options.items()}


STYLES = (
    Style(
        package=_package("adventurer", "CC-BY-4.0", "Lisa Wischofsky",
                         "edc86f90802e228cf5142979b2fa887f7caf2e8db1817686f27e401bf66ca932"),
        kind="person",
        style="flat",
        options={"glassesProbability": 15, "featuresProbability": 30, "hairColor": _HAIR, "skinColor": _SKIN},
        faces={
            "": _face(eyes="variant26", mouth="variant02"),
            "smiling": _face(eyes="variant26", mouth="variant22"),
            "laughing": _face(eyes="variant19", mouth="variant25"),
            "surprised": _face(eyes="variant08", mouth="variant18"),
            "winking": _face(eyes="variant22", mouth="variant01"),
            "with closed eyes": _face(eyes="variant20", mouth="variant09"),
            "sticking out the tongue": _face(eyes="variant03", mouth="variant16"),
            "bored": _face(eyes="variant18", mouth="variant10"),
        },
    ),
    Style(
        package=_package("big-ears", "CC-BY-4.0", "The Visual Team",
                         "e93cfaf5ee8587081bd1d57b8d92439f44fbd3b9720bc9d14d51130b295a4d6f"),
        kind="person",
        style="modern",
        options={"cheekProbability": 40, "hairColor": _HAIR, "skinColor": _SKIN},
        faces={
            "": _face(eyes="variant05", mouth="variant0701"),
            "smiling": _face(eyes="variant26", mouth="variant0304"),
            "laughing": _face(eyes="variant11", mouth="variant0303"),
            "surprised": _face(eyes="variant24", mouth="variant0105"),
            "angry": _face(eyes="variant25", mouth="variant0604"),
            "sad": _face(eyes="variant31", mouth="variant0705"),
            "kissing": _face(eyes="variant32", mouth="variant0706"),
        },
    ),
    Style(
        package=_package("big-smile", "CC-BY-4.0", "Ashley Seo",
                         "d6f4e1cccdcab30693912f889fbcea9bdf9df6ce3f6397a312b3bbe7c7dbb23a"),
        kind="person",
        style="modern",
        options={"accessories": ["catEars", "glasses", "clownNose", "mustache"], "accessoriesProbability": 40,
                 "hairColor": _HAIR, "skinColor": _SKIN},
        faces={
            "": _face(eyes="normal", mouth="awkwardSmile"),
            "smiling": _face(eyes="cheery", mouth="teethSmile"),
            "laughing": _face(eyes="cheery", mouth="openedSmile"),
            "winking": _face(eyes="winking", mouth="gapSmile"),
            "sad": _face(eyes="sad", mouth="openSad"),
            "angry": _face(eyes="angry", mouth="unimpressed"),
            "sleepy": _face(eyes="sleepy", mouth="unimpressed"),
            "confused": _face(eyes="confused", mouth="unimpressed"),
        },
    ),
    Style(
        package=_package("dylan", "CC-BY-4.0", "Natalia Spivak",
                         "c24351365e0a30b489481e33a5bc79be355f1342005f18a7f3659917a01af513"),
        kind="person",
        style="flat",
        options={"hairColor": [*_HAIR, "ff543d", "fff500", "1d5dff", "ffffff"], "skinColor": _SKIN},
        faces={
            "": _face(mood="neutral"),
            "smiling": _face(mood="happy"),
            "laughing": _face(mood="superHappy"),
            "sad": _face(mood="sad"),
            "angry": _face(mood="angry"),
            "confused": _face(mood="confused"),
        },
    ),
    Style(
        package=_package("lorelei", "CC0-1.0", "Lisa Wischofsky",
                         "48fa65efa77b1b7fe30393aca67b86175eeaf502106d456fa566ffeebd3fcfd9"),
        kind="person",
        style="flat",
        options={"beardProbability": 0, "glassesProbability": 15, "hairAccessoriesProbability": 20,
                 "hairColor": _HAIR, "skinColor": _SKIN, "hairAccessoriesColor": _CLOTHES, "glassesColor": _CLOTHES},
        faces={
            "": _face(eyes="variant04", mouth="happy01"),
            "smiling": _face(eyes="variant21", mouth="happy05"),
            "laughing": _face(eyes="variant19", mouth="happy16"),
            "surprised": _face(eyes="variant09", mouth="sad01"),
            "winking": _face(eyes="variant15", mouth="happy06"),
            "with closed eyes": _face(eyes="variant22", mouth="happy14"),
            "sad": _face(eyes="variant08", mouth="sad05"),
        },
    ),
    Style(
        package=_package("micah", "CC-BY-4.0", "Micah Lanier",
                         "75babd3ccdba7c7c1edf39b005d6a987c958d9d6f64f88834e1650f18685598f"),
        kind="person",
        style="flat",
        options={"facialHairProbability": 15, "hairColor": _HAIR, "baseColor": _SKIN, "shirtColor": _CLOTHES},
        faces={
            "": _face(eyes="eyes", eyebrows="up", mouth="smirk"),
            "smiling": _face(eyes="eyes", eyebrows="up", mouth="smile"),
            "laughing": _face(eyes="smiling", eyebrows="up", mouth="laughing"),
            "surprised": _face(eyes="round", eyebrows="up", mouth="surprised"),
            "nervous": _face(eyes="eyes", eyebrows="down", mouth="nervous"),
            "sad": _face(eyes="eyes", eyebrows="down", mouth="frown"),
            "kissing": _face(eyes="smiling", eyebrows="up", mouth="pucker"),
        },
    ),
    Style(
        package=_package("miniavs", "CC-BY-4.0", "Webpixels",
                         "6d5a75d7fb43e988c37b8c89c8d535726ef67a6975011cc91e929e0b26d1baab"),
        kind="person",
        style="modern",
        options={"hairColor": _HAIR, "skinColor": _SKIN, "bodyColor": _CLOTHES},
        faces={
            "": _face(eyes="normal", mouth="default"),
            "with happy eyes": _face(eyes="happy", mouth="default"),
            "confident": _face(eyes="confident", mouth="default"),
            "with a missing tooth": _face(eyes="normal", mouth="missingTooth"),
        },
    ),
    Style(
        package=_package("open-peeps", "CC0-1.0", "Pablo Stanley",
                         "aab0c297bc1fcdbcf6961730d7bfeb9b9f1b92d8cd6ab83a86b20b51c91fd14c"),
        kind="person",
        style="flat",
        options={"accessories": ["glasses", "glasses2", "glasses3", "glasses4", "glasses5"], "maskProbability": 0,
                 "clothingColor": _CLOTHES, "headContrastColor": _HAIR, "skinColor": _SKIN},
        faces={
            "": _face(face="calm"),
            "smiling": _face(face="smile"),
            "laughing": _face(face="smileBig"),
            "in love": _face(face="lovingGrin1"),
            "surprised": _face(face="awe"),
            "sad": _face(face="solemn"),
            "angry": _face(face="veryAngry"),
            "with closed eyes": _face(face="eyesClosed"),
        },
    ),
    Style(
        package=_package("personas", "CC-BY-4.0", "Draftbit",
                         "4b662e110da12858345a659f0e4a97932098e8da0cfd591e6c744821a929a15d"),
        kind="person",
        style="modern",
        options={"hairColor": _HAIR, "skinColor": _SKIN, "clothingColor": _CLOTHES},
        faces={
            "": _face(eyes="open", mouth="smirk"),
            "smiling": _face(eyes="open", mouth="smile"),
            "laughing": _face(eyes="happy", mouth="bigSmile"),
            "surprised": _face(eyes="open", mouth="surprise"),
            "winking": _face(eyes="wink", mouth="smile"),
            "sad": _face(eyes="open", mouth="frown"),
            "sleeping": _face(eyes="sleep", mouth="smirk"),
            "wearing sunglasses": _face(eyes="sunglasses", mouth="smirk"),
        },
    ),
    Style(
        package=_package("thumbs", "CC0-1.0", "DiceBear",
                         "79cbbd0a34bd2b0bdd6bd5c7ed42b2da9a7e59a1977a88a9d04aa673c9853581"),
        kind="mascot",
        style="flat",
        options={"shapeColor": _BODIES},
        most=24,
        faces={
            "": _face(eyes="variant5W14", mouth="variant4"),
            "laughing": _face(eyes="variant3W14", mouth="variant2"),
            "smiling": _face(eyes="variant4W14", mouth="variant1"),
            "winking": _face(eyes="variant9W14", mouth="variant1"),
            "in love": _face(eyes="variant1W14", mouth="variant3"),
            "kissing": _face(eyes="variant7W14", mouth="variant5"),
        },
    ),
)  # fmt: skip
PACKAGES = (_CORE, *(style.package for style in STYLES))

_SCRIPT = """
import { readFileSync } from 'node:fs';
const { style, options } = JSON.parse(readFileSync(0));
const { createAvatar } = await import('@dicebear/core');
const drawn = await import('@dicebear/' + style);
process.stdout.write(JSON.stringify(options.map((chosen) => createAvatar(drawn, chosen).toString())));
"""


def make_characters(
    cache: Path, size: int, count: int = 48, styles: Sequence[Style] = STYLES, core: Package = _CORE
) -> Iterator[Individual]:
    """Yield `count` characters of each style, each with every face of the style.

    Args:
        cache: where the fetched packages lie.
        size: edge of the pictures in pixels.
        count: individuals of a style, fewer where they would look alike; the n-th is always the same one.
        styles: what to draw.
        core: the package that draws.

    Raises:
        PackageError: Node.js is missing or too old, a package cannot be fetched, or DiceBear fails.
    """
    archives = [fetch(package, cache) for package in (core, *(style.package for style in styles))]
    with tempfile.TemporaryDirectory(prefix="dicebear-") as folder:
        root = Path(folder).resolve()
        for archive, package in zip(archives, (core, *(style.package for style in styles)), strict=True):
            _unpack(archive, root / "node_modules" / package.name)
        (root / "draw.mjs").write_text(_SCRIPT)
        for style in styles:
            yield from _characters(style, root, size, min(count, style.most))


def _characters(style: Style, root: Path, size: int, count: int) -> Iterator[Individual]:
    names = [f"dicebear-{style.name}-{number:05d}" for number in range(count)]
    options = [_options(style, name, face) for name in names for face in style.faces.values()]
    drawings = _draw(root, style.name, options)
    views = len(style.faces)
    for number, name in enumerate(names):
        own = drawings[number * views : (number + 1) * views]
        pictures: list[np.ndarray] = [rasterise(drawing, 2 * size) for drawing in own]
        yield Individual(
            name=name,
            kind=style.kind,
            style=style.style,
            pictures=fit_views(pictures, size),
            views=tuple(style.faces),
            source=f"{style.package.name}@{style.package.version}",
        )


def _options(style: Style, name: str, face: Options) -> dict:
    # DiceBear's hash is weak: seeds that differ in their last digit give look-alikes.
    seed = hashlib.sha256(name.encode()).hexdigest()
    plain: Options = {"backgroundColor": ["transparent"]}
    return {"seed": seed, **plain, **style.options, **face}


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack an npm archive, whose files lie under ``package/``; the filter refuses paths that lead outside."""
    with tarfile.open(archive) as tar:
        for member in tar:
            if member.isfile():
                member.name = member.name.partition("/")[2]
                tar.extract(member, folder, filter="data")


def _draw(root: Path, style: str, options: Sequence[dict]) -> list[str]:
    job = json.dumps({"style": style, "options": options})
    done = subprocess.run(
        [*_node(), f"--allow-fs-read={root}", "draw.mjs"],
        cwd=root, input=job, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise PackageError(f"DiceBear could not draw {style}: {done.stderr.strip()[-300:]}")
    drawings: list[str] = json.loads(done.stdout)
    return drawings


def _node() -> tuple[str, str]:
    """Return the command of Node.js and its switch for the permission model, which was renamed in 22.13 and 23.5."""
    node = shutil.which("node")
    if node is None:
        raise PackageError("Node.js (20 or newer) is needed to draw the characters; install it, or leave them out.")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    found = re.match(r"v(\d+)\.(\d+)", said)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < (20, 0):
        raise PackageError(f"Node.js {said or 'of an unknown version'} is too old to draw the characters; install 20.")
    renamed = version >= (23, 5) or (22, 13) <= version < (23, 0)
    return node, "--permission" if renamed else "--experimental-permission"
