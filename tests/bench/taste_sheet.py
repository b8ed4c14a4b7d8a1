"""A sheet of people and what was drawn for them: a row a person, a column a way of drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pipelines.mini.alpha import on_ground

EDGE, GAP, HEAD = 104, 26, 34
GROUND, INK = (244, 243, 239), (58, 54, 48)
_FONT = Path(__file__).resolve().parents[2] / "assets" / "type" / "instrument-sans-500medium.ttf"


def taste_sheet(columns: Mapping[str, Sequence[Sequence[Image.Image]]]) -> Image.Image:
    """Lay pictures out.

    Args:
        columns: heading → for each person, pictures side by side; as many for everybody.
    """
    counts = [len(people[0]) for people in columns.values()]
    width = sum(counts) * EDGE + (len(counts) + 1) * GAP
    people_count = len(next(iter(columns.values())))
    sheet = Image.new("RGB", (width, HEAD + people_count * (EDGE + GAP // 2) + GAP // 2), GROUND)
    brush, font = ImageDraw.Draw(sheet), ImageFont.truetype(_FONT, 17)
    left = GAP
    for (heading, people), count in zip(columns.items(), counts, strict=True):
        brush.text((left + count * EDGE / 2, HEAD / 2), heading, INK, font, anchor="mm")
        for row, pictures in enumerate(people):
            for place, picture in enumerate(on_ground(pictures, GROUND)):
                small = picture.resize((EDGE - 6, EDGE - 6), Image.Resampling.LANCZOS)
                sheet.paste(small, (left + place * EDGE + 3, HEAD + row * (EDGE + GAP // 2) + 3))
        left += count * EDGE + GAP
    return sheet
