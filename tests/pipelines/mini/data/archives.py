"""Tiny packages in the layouts of the real ones, and a configuration of a corpus made from them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

SIZE = 32
# code, label, group number, tags
CONCEPTS = [
    ("1F436", "dog face", 3, ["dog", "pet"]),
    ("1F98A", "fox", 3, ["animal"]),
    ("1F9A6", "otter", 3, ["animal", "fishing"]),
    ("1F355", "pizza", 4, ["cheese", "slice"]),
    ("1F344", "mushroom", 4, ["toadstool"]),
    ("1F335", "cactus", 3, ["plant"]),
    ("1F3A9", "top hat", 7, ["clothing"]),
    ("1F680", "rocket", 5, ["space"]),
    ("2764-FE0F", "red heart", 8, ["love"]),
    ("1F51F", "keycap: 10", 8, ["ten"]),
    ("1F57A", "man dancing", 1, ["person"]),
]
DRAWN = [entry for entry in CONCEPTS if entry[2] in (3, 4, 5, 7, 8) and "keycap" not in entry[1]]


def body(code: str) -> str:
    """A shape in two hues that depend on the code."""
    shade = int(hashlib.sha256(code.encode()).hexdigest()[:2], 16)
    return (
        f'<circle cx="16" cy="16" r="12" fill="#{200:02x}{shade // 3:02x}20"/>'
        f'<rect x="10" y="12" width="12" height="8" fill="#20{120 + shade // 3:02x}e0"/>'
    )


def svg(code: str) -> str:
    return f'<svg width="2em" height="2em" viewBox="0 0 32 32">{body(code)}</svg>'


def webp(code: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA", (24, 12), (10, len(code), 90, 255)).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def write_archive(file: Path, files: dict[str, bytes]) -> str:
    """Write a package as npm packs it; returns its SHA-256."""
    with tarfile.open(file, "w:gz") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(f"package/{path}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_emojibase(folder: Path) -> str:
    entries = [{"hexcode": code, "label": label, "group": group, "tags": tags} for code, label, group, tags in CONCEPTS]
    return write_archive(folder / "names-1.0.tgz", {"en/data.json": json.dumps(entries).encode()})


def write_holdout(folder: Path) -> Path:
    holdout = {
        "concepts": ["otter"],
        "colours": [["fox", "blue"]],
        "accessories": [["fox", "top hat"]],
        "companions": [["dog face", "mushroom"]],
        "places": [["cactus", "at night"]],
    }
    file = folder / "holdout.yaml"
    file.write_text(yaml.safe_dump(holdout))
    return file


def package(name: str, sha256: str) -> dict[str, str]:
    return {"name": name, "version": "1.0", "licence": "MIT", "credit": f"{name}, its maker", "sha256": sha256}


def write_packages(folder: Path) -> dict[str, Any]:
    """Write names, an icon set by name and one by codepoint into `folder`; returns the configuration of a corpus."""
    folder.mkdir(parents=True, exist_ok=True)
    icons = {label.replace(" ", "-"): {"body": body(code)} for code, label, _, _ in DRAWN}
    soft = write_archive(
        folder / "art-soft-1.0.tgz",
        {"icons.json": json.dumps({"width": 32, "height": 32, "icons": icons}).encode()},
    )
    drawings = {f"dist/svg/{code.lower()}.svg": svg(code).encode() for code, *_ in DRAWN}
    flat = write_archive(
        folder / "flat-1.0.tgz", {**drawings, "dist/svg/1f436-1f3fb.svg": b"<svg/>", "x.svg": b"<svg/>"}
    )
    return {
        "size": SIZE,
        "seed": 5,
        "holdout": str(write_holdout(folder)),
        "names": package("names", write_emojibase(folder)),
        "styles": {
            "soft": {"package": package("@art/soft", soft), "reader": "name", "words": ["soft style", "soft"]},
            "flat": {
                "package": package("flat", flat),
                "reader": "codepoint",
                "folder": "dist/svg",
                "suffix": ".svg",
                "words": ["flat style"],
            },
        },
        "changed_styles": ["soft", "flat"],
        "recolours": 4,
        "scenes": 12,
        "identities": {"count": 4, "views": 3, "heldout_share": 0.25},
    }
