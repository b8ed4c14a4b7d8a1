"""What an SVG is, and whether it may be opened by anybody: shapes only, nothing that runs, loads or is drawn by others.

Read by Expat with everything refused that a document type could bring in, before anything is drawn.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from xml.parsers import expat

from PIL import Image

BYTES_MAX = 4_000_000  # what is larger is not looked at
_NAMESPACE = "http://www.w3.org/2000/svg"
_SHAPES = frozenset(
    ("svg", "g", "defs", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon",
     "linearGradient", "radialGradient", "stop", "clipPath", "mask")
)  # fmt: skip
_WHY = {
    "script": "It holds a script; a sticker must not run anything.",
    "foreignObject": "It holds foreign content (foreignObject), which may be anything.",
    "image": "It holds a raster image; a sticker of shapes has none.",
    "a": "It holds a link; a sticker must not lead anywhere.",
    "style": "It holds a style sheet, which may load from elsewhere; give shapes their colours themselves.",
    "text": "It holds text, which looks different where the font is missing; make outlines of it.",
}
_DEEPEST = 64
_REFERENCE = re.compile(r"(?:url|src|image|image-set)\(\s*['\"]?\s*(.?)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE)
_LOOK = 128  # pixels in which it is drawn to see whether anything is there


@dataclass(kw_only=True)
class SvgSeen:
    """What an SVG is.

    Attributes:
        box: its viewBox: left, top, width and height; None: there is none that can be read.
        titled: whether it says in words what it shows.
        dangers: sentences; where there are any it must not be drawn.
    """

    box: tuple[float, float, float, float] | None = None
    titled: bool = False
    dangers: list[str] = field(default_factory=list)


def is_svg(data: bytes) -> bool:
    """Say whether a file claims to be SVG; it may be broken all the same."""
    start = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith(b"<") and b"<svg" in data[:4000]


def look(data: bytes) -> SvgSeen | None:
    """Read an SVG; None where it is too large or no XML that can be read."""
    if len(data) > BYTES_MAX:
        return None
    reader = _Reader()
    return reader.read(data)


def drawn(data: bytes) -> Image.Image | None:
    """Draw an SVG in which `look` found no danger, RGBA, 128 pixels; None where it cannot be drawn."""
    import resvg_py  # imported late: the studio starts without it

    try:
        png = bytes(resvg_py.svg_to_bytes(svg_string=data.decode(), width=_LOOK, height=_LOOK))
        return Image.open(io.BytesIO(png)).convert("RGBA")
    except (ValueError, OSError):  # resvg says ValueError for all it cannot draw
        return None


class _Reader:
    def __init__(self) -> None:
        self._seen = SvgSeen()
        self._depth = 0
        self._title: list[str] | None = None
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartDoctypeDeclHandler = self._doctype
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        self._parser = parser

    def read(self, data: bytes) -> SvgSeen | None:
        try:
            self._parser.Parse(data, True)
        except _Stop:
            return self._seen
        except (expat.ExpatError, ValueError, LookupError):  # also of an encoding that is not known
            return None
        return self._seen

    def _danger(self, sentence: str) -> None:
        if sentence not in self._seen.dangers:
            self._seen.dangers.append(sentence)

    def _doctype(self, *_: object) -> None:
        self._danger("It has a document type, which may load or multiply things.")
        raise _Stop

    def _instruction(self, target: str, _data: str) -> None:
        self._danger(f"It has an instruction for programs ({target[:40]}).")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self._depth += 1
        if self._depth > _DEEPEST:
            self._danger(f"It is nested deeper than {_DEEPEST} levels.")
            raise _Stop
        if self._depth == 1:
            self._root(space, local, attributes)
        if space != _NAMESPACE:
            self._danger(f"It holds {local[:40]!r}, which is not SVG.")
        elif local not in _SHAPES:
            self._danger(_WHY.get(local, f"It holds <{local[:40]}>, and a sticker is made of plain shapes only."))
        if local == "title" and self._depth == 2:
            self._title = []
        for key, value in attributes.items():
            self._attribute(*key.rpartition(" ")[::2], value)

    def _root(self, space: str, local: str, attributes: dict[str, str]) -> None:
        if (space, local) != (_NAMESPACE, "svg"):
            self._danger("It does not begin as SVG does.")
            return
        numbers = re.split(r"[\s,]+", attributes.get("viewBox", "").strip())
        if len(numbers) == 4 and all(map(_NUMBER.fullmatch, numbers)):
            left, top, width, height = map(float, numbers)
            self._seen.box = (left, top, width, height)

    def _attribute(self, space: str, name: str, value: str) -> None:
        if name.lower().startswith("on"):
            self._danger(f"It has a handler ({name[:40]}); a sticker must not run anything.")
        elif name in ("href", "src", "base"):
            self._danger(f"It refers to {value[:60]!r}; a sticker holds all it needs.")
        for first in _REFERENCE.findall(value):
            if first != "#":
                self._danger(f"Its attribute {name[:40]} loads from elsewhere ({value[:60]!r}).")
        if not space and "\\" in value:  # url( can be spelled with escapes
            self._danger(f"Its attribute {name[:40]} is written with escapes, so that what it loads cannot be told.")

    def _end(self, _name: str) -> None:
        if self._title is not None:
            self._seen.titled |= bool("".join(self._title).strip())
            self._title = None
        self._depth -= 1

    def _characters(self, text: str) -> None:
        if self._title is not None:
            self._title.append(text)


class _Stop(Exception):
    """Enough was seen."""
