"""Moving stickers to bytes within a limit: fewer bytes a frame first, then fewer frames; refused only at the very end.

Encoding a whole loop takes seconds, so a few single frames tell from where on the ladder of settings it may fit.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from studio.domain.stickers import EDGE, Messenger
from studio.errors import InvalidInput
from studio.packs import video
from studio.packs.edges import resized
from studio.packs.motion import Moving

_SAMPLES = (0.0, 0.3, 0.6)  # times of the loop that stand for all of it
_OPTIMISM = 1.1  # frames of a loop share a little: what is expected to be this much too large may fit


@dataclass(frozen=True, kw_only=True)
class Rung:
    """Settings of an encoder.

    Attributes:
        rate: frames a second.
        fineness: quality of a WebP, 0–100; colours of a PNG, 0 for all; 63 − the quantiser of a video.
        edge: pixels of the frames.
    """

    rate: float
    fineness: int
    edge: int = EDGE


Encode = Callable[[Sequence[Image.Image], int, Rung], bytes]
_WEBP = (
    *(Rung(rate=25, fineness=quality) for quality in (92, 85, 76, 66)),
    *(Rung(rate=20, fineness=quality) for quality in (66, 54)),
    *(Rung(rate=15, fineness=quality) for quality in (60, 48, 36)),
    *(Rung(rate=10, fineness=quality) for quality in (40, 26, 12)),
    Rung(rate=6, fineness=8),
)
_APNG_SMALL = (
    *(Rung(rate=15, fineness=colours) for colours in (255, 128)),
    *(Rung(rate=12.5, fineness=128, edge=edge) for edge in (512, 432, 384)),
    *(Rung(rate=12.5, fineness=64, edge=edge) for edge in (432, 384, 320)),
    *(Rung(rate=10, fineness=64, edge=edge) for edge in (384, 320, 256)),
    *(Rung(rate=10, fineness=32, edge=edge) for edge in (320, 256, 208)),
    *(Rung(rate=8, fineness=32, edge=edge) for edge in (208, 160)),
    Rung(rate=6, fineness=16, edge=128),
)
_APNG_LARGE = (
    *(Rung(rate=rate, fineness=0) for rate in (25, 20, 15)),
    *(Rung(rate=15, fineness=colours) for colours in (255, 128)),
    *(Rung(rate=10, fineness=colours) for colours in (128, 64)),
    Rung(rate=8, fineness=32),
)
_WEBM = (
    *(Rung(rate=video.RATE, fineness=63 - coarse) for coarse in (24, 32, 40, 48)),
    *(Rung(rate=20, fineness=63 - coarse) for coarse in (44, 54)),
    Rung(rate=15, fineness=0),
)


def encoded(moving: Moving, messenger: Messenger, limit: int) -> bytes:
    """Return a moving sticker as `messenger` takes it, of at most `limit` bytes and as good as that allows.

    Raises:
        InvalidInput: it does not fit however coarse it is, or what it needs is not installed.
    """
    encode, ladder = _ENCODERS[messenger]
    loop: tuple[Image.Image, ...] = ()
    drawn: tuple[float, int] | None = None
    for rung in _likely(moving, encode, ladder, limit):
        if drawn != (rung.rate, rung.edge):  # drawing a loop again would take longer than encoding it
            drawn, loop = (rung.rate, rung.edge), tuple(moving.at(rung.edge).frames(rung.rate))
        data = encode(loop, moving.rhythm(rung.rate)[1], rung)
        if len(data) <= limit:
            return data
    raise InvalidInput(
        f"A moving sticker cannot be made smaller than {limit} bytes: it is too rich in detail. Leave it out."
    )


def preview(moving: Moving, rate: float) -> bytes:
    """Encode a loop quickly as WebP, for looking at."""
    _, each = moving.rhythm(rate)
    return _saved(moving.frames(rate), "WEBP", each, quality=80, method=1)


def _likely(moving: Moving, encode: Encode, ladder: Sequence[Rung], limit: int) -> Sequence[Rung]:
    """Return the ladder without the rungs whose loops, by a few of their frames, cannot fit."""
    if encode is _webm:  # its frames say little by themselves
        return ladder
    samples = [moving.frame(time) for time in _SAMPLES]
    for place, rung in enumerate(ladder):
        count, each = moving.rhythm(rung.rate)
        data = encode([resized(one, (rung.edge, rung.edge)) for one in samples], each, rung)
        if len(data) * count / len(_SAMPLES) <= _OPTIMISM * limit:
            return ladder[place:]
    return ladder[-1:]


def _webp(frames: Sequence[Image.Image], each: int, rung: Rung) -> bytes:
    return _saved(frames, "WEBP", each, quality=rung.fineness, alpha_quality=90 if rung.fineness > 30 else 40, method=3)


def _apng(frames: Sequence[Image.Image], each: int, rung: Rung) -> bytes:
    drawn = _in_colours(frames, rung.fineness) if rung.fineness else frames
    return _saved(drawn, "PNG", each, optimize=bool(rung.fineness))


def _webm(frames: Sequence[Image.Image], _each: int, rung: Rung) -> bytes:
    return video.webm(frames, round(rung.rate), 63 - rung.fineness)


def _in_colours(frames: Sequence[Image.Image], colours: int) -> list[Image.Image]:
    """Return the frames in so many colours, the same ones for all: an APNG has one palette."""
    width, height = frames[0].size
    strip = Image.new("RGBA", (width, height * len(frames)))
    for number, frame in enumerate(frames):
        strip.paste(frame, (0, number * height))
    reduced = strip.quantize(colours, method=Image.Quantize.FASTOCTREE)
    return [reduced.crop((0, number * height, width, (number + 1) * height)) for number in range(len(frames))]


def _saved(frames: Sequence[Image.Image], format: str, each: int, **options: object) -> bytes:
    buffer = io.BytesIO()
    first, *others = frames
    first.save(buffer, format, save_all=True, append_images=others, duration=each, loop=0, **options)
    return buffer.getvalue()


_ENCODERS: dict[Messenger, tuple[Encode, Sequence[Rung]]] = {
    Messenger.WHATSAPP: (_webp, _WEBP),
    Messenger.TELEGRAM: (_webm, _WEBM),
    Messenger.SIGNAL: (_apng, _APNG_SMALL),
    Messenger.PNG: (_apng, _APNG_LARGE),
}
