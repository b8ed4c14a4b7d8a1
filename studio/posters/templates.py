"""The templates: from a size, a palette and words to a layout. A new one is a function and a line in `TEMPLATES`.

Lengths are shares of the sheet, so that one template serves every format: `u` is a hundredth of the shorter side of
the sheet, or of what is left of a very long one.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from studio.domain.posters import PosterSize, PosterWords
from studio.errors import InvalidInput
from studio.posters.colours import DARK, LIGHT, Palette, Rgb, mixed
from studio.posters.layout import Area, Block, Layout, Template, set_lines
from studio.posters.sheet import Sheet

_SAFE = 7.0  # units from the edge of the sheet to the first letter; 10 mm on A5
Points = list[tuple[float, float]]


def portrait(size: PosterSize, palette: Palette, words: PosterWords) -> Layout:
    """Return a pet under an arch, its name below."""
    u, safe = _measures(size)
    foot = size.height - safe
    credits = Area(x=safe, y=foot - 5 * u, width=size.width - 2 * safe, height=5 * u)
    line = Area(x=safe, y=credits.y - (9 if words.credits else 2) * u, width=credits.width, height=6.5 * u)
    title = Area(x=safe, y=line.y - (20 if words.line else 14) * u, width=credits.width, height=18 * u)
    arch = Area(x=14 * u, y=safe + 2 * u, width=size.width - 28 * u, height=title.y - 4 * u - safe - 2 * u)
    if arch.width > arch.height * 0.86:
        width = arch.height * 0.86
        arch = Area(x=(size.width - width) / 2, y=arch.y, width=width, height=arch.height)

    def ground(sheet: Sheet) -> None:
        sheet.fill(palette.tint)
        sheet.shape(_arch(arch), palette.middle)
        inner = Area(x=arch.x + 2 * u, y=arch.y + 2 * u, width=arch.width - 4 * u, height=arch.height - 4 * u)
        sheet.stitches(_arch(inner), mixed(palette.middle, LIGHT, 0.75), 0.36 * u, close=True)

    return Layout(
        ground=ground,
        picture=Area(x=arch.x + 6 * u, y=arch.y + 10 * u, width=arch.width - 12 * u, height=arch.height - 14 * u),
        standing=True,
        blocks=(
            Block(
                what="title", text=words.title, font="serif", area=title, sizes=(20 * u, 5.5 * u), lines_max=2,
                inks=(palette.deep, DARK), contrast=3.0, leading=1.04,
            ),
            Block(
                what="line", text=words.line, font="sans", area=line, sizes=(3.4 * u, 2.4 * u), lines_max=2,
                inks=(palette.deep, DARK), tracking=0.02, leading=1.35,
            ),
            _small_print(words.credits, credits, u, (palette.deep, DARK)),
        ),
    )  # fmt: skip


def event(size: PosterSize, palette: Palette, words: PosterWords) -> Layout:
    """Return large words on a strong colour, and the subject before a disc in the corner."""
    u, safe = _measures(size)
    across = size.width - 2 * safe
    headline = Block(
        what="title", text=words.title, font="serif", sizes=(19 * u, 6 * u), lines_max=4, inks=(DARK, LIGHT),
        area=Area(x=safe, y=safe + u, width=across, height=min(60 * u, size.height * 0.38)),
        align="left", contrast=3.0, leading=1.0,
    )  # fmt: skip
    under = set_lines(headline)[-1].baseline + 6 * u
    line = Block(
        what="line", text=words.line, font="sans", area=Area(x=safe, y=under, width=across, height=11 * u),
        sizes=(4.4 * u, 2.6 * u), lines_max=2, inks=(DARK, LIGHT), align="left", leading=1.3,
    )  # fmt: skip
    top = max([under - 2 * u, *(one.baseline for one in set_lines(line))]) + 5 * u
    credits = Area(x=safe + 3 * u, y=size.height - safe - 22 * u, width=27 * u, height=22 * u)
    left = credits.x + credits.width + 2 * u if words.credits else safe
    stage = Area(x=left, y=top, width=size.width - left - safe * 0.7, height=size.height - safe * 0.8 - top)
    radius = min(stage.width * 0.66, stage.height * 0.62)
    x, y = stage.x + stage.width - radius * 0.62, stage.bottom - radius * 0.62

    def ground(sheet: Sheet) -> None:
        sheet.fill(palette.strong)
        sheet.disc(x, y, radius, palette.tint)
        rim = [
            (x + (radius - 2.4 * u) * math.cos(turn), y + (radius - 2.4 * u) * math.sin(turn)) for turn in _turns(180)
        ]
        sheet.stitches(rim, palette.strong, 0.4 * u, close=True)
        if words.credits:
            sheet.stitches([(safe, credits.y), (safe, credits.bottom)], DARK, 0.4 * u)

    return Layout(
        ground=ground,
        align="right",
        picture=stage,
        blocks=(
            headline,
            line,
            Block(
                what="credits", text=words.credits, font="sans", area=credits, sizes=(2.9 * u, 1.7 * u), lines_max=6,
                inks=(DARK, LIGHT), align="left", upwards=True, leading=1.38,
            ),
        ),
    )  # fmt: skip


def birthday(size: PosterSize, palette: Palette, words: PosterWords) -> Layout:
    """Return bunting, confetti, and the subject on a scalloped cake paper."""
    u, safe = _measures(size)
    across = size.width - 2 * safe
    headline = Block(
        what="title", text=words.title, font="round", sizes=(17 * u, 6 * u), lines_max=3, inks=(palette.deep, DARK),
        area=Area(x=safe, y=safe + 14 * u, width=across, height=min(42 * u, size.height * 0.27)),
        contrast=3.0, leading=1.0,
    )  # fmt: skip
    credits = Area(x=safe, y=size.height - safe - 4 * u, width=across, height=4 * u)
    line = Area(x=safe, y=credits.y - (8.5 if words.credits else 3.5) * u, width=across, height=7 * u)
    below = set_lines(headline)[-1].baseline + 6 * u
    room = line.y - 3 * u - below
    radius = min(room / 2, size.width * 0.44)
    x, y = size.width / 2, below + room / 2

    def ground(sheet: Sheet) -> None:
        sheet.fill(palette.tint)
        _confetti(
            sheet, Area(x=-u, y=below, width=size.width + 2 * u, height=room), palette.party, u, hole=(x, y, radius)
        )
        sheet.shape(_scallops(x, y, radius, 22), LIGHT)
        rim = [(x + radius * 0.87 * math.cos(turn), y + radius * 0.87 * math.sin(turn)) for turn in _turns(160)]
        sheet.stitches(rim, palette.accent, 0.4 * u, close=True)
        _bunting(sheet, size, palette.party, u)

    return Layout(
        ground=ground,
        picture=Area(x=x - radius * 0.74, y=y - radius * 0.76, width=radius * 1.48, height=radius * 1.44),
        blocks=(
            headline,
            Block(
                what="line", text=words.line, font="sans", area=line, sizes=(4 * u, 2.5 * u), lines_max=2,
                inks=(palette.deep, DARK), upwards=True, leading=1.3,
            ),
            _small_print(words.credits, credits, u, (palette.deep, DARK)),
        ),
    )  # fmt: skip


def quote(size: PosterSize, palette: Palette, words: PosterWords) -> Layout:
    """Return a sentence that fills the sheet, and who it is from standing below it."""
    u, safe = _measures(size)
    across = size.width - 2 * safe
    base = size.height - safe - 6 * u
    pictured = min(size.height * 0.34, 46 * u)
    title = Area(x=safe, y=safe + 21 * u, width=across, height=base - pictured - 3 * u - (safe + 21 * u))
    aside = Area(x=safe, y=base - 20 * u, width=across * 0.46, height=17 * u)

    def ground(sheet: Sheet) -> None:
        sheet.fill(palette.paper)
        for number in (0, 1):
            _mark(sheet, safe + number * 9.4 * u, safe + 2 * u, u, palette.accent)
        sheet.stitches([(safe, base), (size.width - safe, base)], palette.accent, 0.36 * u)

    return Layout(
        ground=ground,
        align="right",
        picture=Area(x=size.width * 0.46, y=base - pictured, width=size.width * 0.54 - safe, height=pictured),
        blocks=(
            Block(
                what="title", text=words.title, font="serif", area=title, sizes=(15 * u, 4.4 * u), lines_max=8,
                inks=(DARK,), align="left", contrast=4.5, leading=1.16,
            ),
            Block(
                what="line", text=words.line, font="sans", area=aside, sizes=(3.8 * u, 2.4 * u), lines_max=4,
                inks=(palette.deep, DARK), align="left", upwards=True, leading=1.35,
            ),
            Block(
                what="credits", text=words.credits, font="sans",
                area=Area(x=safe, y=base + 2.4 * u, width=across, height=6 * u), sizes=(1.9 * u, 1.4 * u), lines_max=3,
                inks=(palette.deep, DARK), align="left", tracking=0.02, leading=1.4,
            ),
        ),
    )  # fmt: skip


def film(size: PosterSize, palette: Palette, words: PosterWords) -> Layout:
    """Return a hero before the moon, the title in wide capitals, the billing at the foot."""
    u, safe = _measures(size)
    across = size.width - 2 * safe
    credits = Area(x=safe, y=size.height - safe - 10 * u, width=across, height=10 * u)
    title_height = min(24 * u, size.height * 0.17)
    title = Area(
        x=safe, y=credits.y - (3 if words.credits else -6) * u - title_height, width=across, height=title_height
    )
    line = Area(x=safe, y=safe + 1.5 * u, width=across, height=7 * u)
    top = line.bottom + 4 * u
    floor = title.y - 3 * u
    radius = min((floor - top) * 0.47, size.width * 0.4)
    x, y = size.width / 2, top + (floor - top) * 0.47
    moon = mixed(palette.tint, LIGHT, 0.35)

    def ground(sheet: Sheet) -> None:
        sheet.glow(x, y, size.height * 0.62, mixed(palette.deep, palette.strong, 0.6), palette.night)
        sheet.disc(x, y, radius, moon)

    return Layout(
        ground=ground,
        picture=Area(x=x - radius * 0.9, y=y - radius * 0.82, width=radius * 1.8, height=floor - (y - radius * 0.82)),
        blocks=(
            Block(
                what="line", text=words.line, font="sans", area=line, sizes=(2.8 * u, 2.0 * u), lines_max=2,
                inks=(moon, LIGHT), tracking=0.16, capitals=True, leading=1.6,
            ),
            Block(
                what="title", text=words.title, font="serif", area=title, sizes=(16 * u, 5 * u), lines_max=2,
                inks=(LIGHT, moon), tracking=0.05, capitals=True, contrast=3.0, leading=1.06, upwards=True,
            ),
            Block(
                what="credits", text=words.credits, font="sans", area=credits, sizes=(2.0 * u, 1.3 * u), lines_max=4,
                inks=(moon, LIGHT), tracking=0.1, capitals=True, upwards=True, leading=1.5,
            ),
        ),
    )  # fmt: skip


TEMPLATES: dict[str, Template] = {
    "portrait": portrait,
    "event": event,
    "birthday": birthday,
    "quote": quote,
    "film": film,
}


def template_of(name: str) -> Template:
    """Return the template called `name`; raises `InvalidInput` with those there are."""
    found = TEMPLATES.get(name.strip().lower())
    if found is None:
        raise InvalidInput(f"There is no template {name[:40]!r}; choose one of {', '.join(TEMPLATES)}.")
    return found


def _measures(size: PosterSize) -> tuple[float, float]:
    u = min(size.width, size.height / 1.25) / 100
    return u, max(_SAFE * u, 8.0 if not size.pixels else 0.0)


def _small_print(text: str, area: Area, u: float, inks: tuple[Rgb, ...]) -> Block:
    return Block(
        what="credits", text=text, font="sans", area=area, sizes=(1.9 * u, 1.3 * u), lines_max=3, inks=inks,
        tracking=0.03, upwards=True, leading=1.4,
    )  # fmt: skip


def _turns(count: int) -> list[float]:
    return [math.tau * step / count for step in range(count)]


def _arch(area: Area) -> Points:
    """Return the outline of an arch: a half circle on a rectangle."""
    radius = area.width / 2
    curve = [math.pi + math.pi * step / 96 for step in range(97)]
    top = [(area.middle + radius * math.cos(turn), area.y + radius + radius * math.sin(turn)) for turn in curve]
    return [(area.x, area.bottom), *top, (area.x + area.width, area.bottom)]


def _scallops(x: float, y: float, radius: float, count: int) -> Points:
    def reach(turn: float) -> float:
        return radius * (0.955 + 0.045 * math.pow(abs(math.sin(turn * count / 2)), 0.8))

    return [(x + reach(turn) * math.cos(turn), y + reach(turn) * math.sin(turn)) for turn in _turns(count * 24)]


def _bunting(sheet: Sheet, size: PosterSize, colours: Sequence[Rgb], u: float) -> None:
    """Hang pennants on a string that sags from corner to corner, into the bleed."""
    left, right = -size.bleed - 2 * u, size.width + size.bleed + 2 * u
    count = max(7, round((right - left) / (11 * u)))

    def sag(x: float) -> float:
        share = (x - left) / (right - left)
        return 2.5 * u + 4 * 6.5 * u * share * (1 - share)

    step = (right - left) / count
    for number in range(count):
        start, end = left + number * step + 0.07 * step, left + (number + 1) * step - 0.07 * step
        tip = ((start + end) / 2, max(sag(start), sag(end)) + 8.5 * u)
        sheet.shape([(start, sag(start)), (end, sag(end)), tip], colours[number % len(colours)])
    string = [(left + (right - left) * at / 60, sag(left + (right - left) * at / 60)) for at in range(61)]
    sheet.line(string, mixed(DARK, LIGHT, 0.25), 0.35 * u)


def _confetti(sheet: Sheet, area: Area, colours: Sequence[Rgb], u: float, *, hole: tuple[float, float, float]) -> None:
    """Strew paper over an area, but not over the disc `hole` in it (middle and radius)."""
    chance = random.Random(7)  # the same sheet is strewn the same
    placed: Points = []
    for _ in range(900):
        x, y = chance.uniform(area.x, area.x + area.width), chance.uniform(area.y, area.bottom)
        in_hole = math.hypot(x - hole[0], y - hole[1]) < hole[2] + 2.5 * u
        if in_hole or any(math.hypot(x - a, y - b) < 5.2 * u for a, b in placed):
            continue
        placed.append((x, y))
        colour = colours[len(placed) % len(colours)]
        if len(placed) % 3 == 0:
            sheet.disc(x, y, 0.85 * u, colour)
            continue
        turn, long, short = chance.uniform(0, math.pi), 1.5 * u, 0.55 * u
        across = [(-long, -short), (long, -short), (long, short), (-long, short)]
        sheet.shape([_turned(x, y, a, b, turn) for a, b in across], colour)


def _turned(x: float, y: float, a: float, b: float, turn: float) -> tuple[float, float]:
    return x + a * math.cos(turn) - b * math.sin(turn), y + a * math.sin(turn) + b * math.cos(turn)


def _mark(sheet: Sheet, x: float, y: float, u: float, colour: Rgb) -> None:
    """Draw one of the two opening marks of a quotation."""
    sheet.disc(x + 3.7 * u, y + 9.6 * u, 3.7 * u, colour)
    curve = [math.pi + 0.62 * math.pi * step / 40 for step in range(41)]
    outer = [(x + 9.4 * u + 9.4 * u * math.cos(turn), y + 9.6 * u + 10.4 * u * math.sin(turn)) for turn in curve[:28]]
    inner = [(x + 9.6 * u + 5.4 * u * math.cos(turn), y + 9.6 * u + 7.8 * u * math.sin(turn)) for turn in curve[:28]]
    sheet.shape([*outer, *reversed(inner)], colour)
