"""Reads the drawing sets and rasterises them: SVG text or WebP in, straight-alpha RGBA out."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image

from pipelines.mini.data.concepts import Concept, base_code
from pipelines.mini.data.packages import member_json, members


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One drawing of a concept in a style; `source` is SVG text or the bytes of a raster picture."""

    concept: Concept
    style: str
    source: str | bytes


def by_codepoint(archive: Path, folder: str, suffix: str) -> Iterator[tuple[str, bytes]]:
    """Yield (code, content) for packages whose files are named after codepoints (``1f436.svg``)."""
    for path, content in members(archive, suffix):
        if path.startswith(folder):
            yield base_code(Path(path).stem), content


def by_name(archive: Path, names: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield (code, SVG) of an iconify set, whose icons have names; `names` maps slug to code."""
    icons = member_json(archive, "icons.json")
    assert isinstance(icons, dict)
    width, height = icons.get("width", 16), icons.get("height", 16)
    for slug, icon in icons["icons"].items():
        if slug in names:
            w, h = icon.get("width", width), icon.get("height", height)
            yield (
                names[slug],
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}">{icon["body"]}</svg>'.encode(),
            )


def slugs(concepts: dict[str, Concept]) -> dict[str, str]:
    """Return iconify-like slugs of the concepts' names, with hyphens and without (fxemoji writes names in one word)."""
    table: dict[str, str] = {}
    for code, concept in concepts.items():
        slug = re.sub(r"[^a-z0-9]+", "-", concept.name).strip("-")
        table.setdefault(slug, code)
        table.setdefault(slug.replace("-", ""), code)
    return table


def read_style(
    style: str, reader: Callable[[], Iterator[tuple[str, bytes]]], concepts: dict[str, Concept]
) -> list[Drawing]:
    """Return one drawing per concept of the style; the first of several files of a base code wins."""
    found: dict[str, Drawing] = {}
    for code, content in reader():
        if code in concepts and code not in found:
            source = content.decode() if content.lstrip()[:1] == b"<" else content
            found[code] = Drawing(concept=concepts[code], style=style, source=source)
    return list(found.values())


_ROOT = re.compile(r"<svg\b[^>]*>", re.S)


def rasterise(source: str | bytes, size: int) -> np.ndarray:
    """Return the drawing as uint8 [size, size, 4], straight alpha, centred and fitted with its aspect kept."""
    if isinstance(source, bytes):
        picture = Image.open(io.BytesIO(source)).convert("RGBA")
    else:
        png = bytes(resvg_py.svg_to_bytes(svg_string=_normal_root(source), width=size, height=size))
        picture = Image.open(io.BytesIO(png)).convert("RGBA")
    return np.asarray(_fit(picture, size))


def _normal_root(svg: str) -> str:
    """Drop width and height from the root (resvg refuses some units) where a viewBox says the same."""
    root = _ROOT.search(svg)
    if root is None:
        raise ValueError(f"no <svg> root in: {svg[:60]!r}")
    tag = root.group(0)
    if "viewBox" in tag:
        tag = re.sub(r'\s(?:width|height)="[^"]*"', "", tag)
    if "xmlns=" not in tag:
        tag = tag.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return svg[: root.start()] + tag + svg[root.end() :]


def _fit(picture: Image.Image, size: int) -> Image.Image:
    if picture.size == (size, size):
        return picture
    # Resize premultiplied ("RGBa"): otherwise the colour of transparent pixels bleeds into the edge.
    scale = size / max(picture.size)
    shape = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.convert("RGBa").resize(shape, Image.Resampling.LANCZOS).convert("RGBA")
    canvas = Image.new("RGBA", (size, size))
    canvas.paste(small, ((size - shape[0]) // 2, (size - shape[1]) // 2))
    return canvas
