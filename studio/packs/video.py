"""Stickers as WEBM video, which is how Telegram takes moving ones: VP9 with an alpha channel, without sound.

Needs PyAV, which is not among the studio's requirements: it brings all of FFmpeg, about 100 MB, and its wheels hold
encoders under the GPL. `requirements-video.txt` adds it.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from PIL import Image

from studio.errors import InvalidInput

RATE = 30  # frames a second; Telegram's most
_MATROSKA = b"\x1a\x45\xdf\xa3"  # the first bytes of every WEBM file
_LOOK_MAX = 300  # frames that are read
_CODEC = "libvpx-vp9"
_HOW = "Install it with: pip install -r requirements-video.txt"


@dataclass(frozen=True, kw_only=True)
class VideoSeen:
    """What a video is: its format (``WEBM`` where Telegram's player takes it), width and height, frames in ms."""

    format: str
    size: tuple[int, int]
    durations: tuple[int, ...]
    transparent: bool


def available() -> bool:
    """Say whether videos can be written and read here; imports nothing."""
    return importlib.util.find_spec("av") is not None


def check_available() -> None:
    """Raise `InvalidInput` with what to do where videos can be neither written nor read."""
    if not available():
        raise InvalidInput(
            f"Telegram takes moving stickers as video only, and that needs PyAV, which is not installed. {_HOW} "
            "Or make a still pack."
        )


def is_video(data: bytes) -> bool:
    """Say whether a file is a WEBM (or another Matroska) video."""
    return data.startswith(_MATROSKA)


def webm(frames: Sequence[Image.Image], rate: int, coarseness: int) -> bytes:
    """Encode a loop as VP9 with alpha.

    Args:
        frames: RGBA, all of one even size.
        rate: frames a second.
        coarseness: of the encoder's quantiser, 0 (best) to 63.
    """
    check_available()
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as container:
        stream = container.add_stream(_CODEC, rate=rate)
        stream.width, stream.height = frames[0].size
        stream.pix_fmt = "yuva420p"
        stream.bit_rate = 0  # the quality decides alone
        # frames that are never shown are not possible with an alpha channel
        stream.options = {"crf": str(coarseness), "auto-alt-ref": "0", "deadline": "good", "cpu-used": "3"}
        for number, frame in enumerate(frames):
            given = av.VideoFrame.from_ndarray(np.asarray(frame), format="rgba").reformat(format="yuva420p")
            given.pts, given.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(given))
        container.mux(stream.encode())
    return buffer.getvalue()


def look(data: bytes) -> VideoSeen | None:
    """Decode a video and return what it is; None where it cannot be read.

    Raises:
        InvalidInput: PyAV is not installed.
    """
    if not available():
        raise InvalidInput(f"A sticker is a video, and reading it needs PyAV, which is not installed. {_HOW}")
    frames = decoded(data)
    if not frames:
        return None
    import av

    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate or Fraction(RATE)
        name = stream.codec_context.name
        plain = name == "vp9" and not container.streams.audio
    return VideoSeen(
        format="WEBM" if plain else f"WEBM ({name}{' with sound' if container.streams.audio else ''})",
        size=frames[0].size,
        durations=(round(1000 / rate),) * len(frames),
        transparent=any(frame.getchannel("A").getextrema()[0] < 255 for frame in frames),  # type: ignore[operator]
    )


def decoded(data: bytes) -> list[Image.Image]:
    """Return the frames of a VP9 video with their alpha channel, RGBA; empty where it cannot be read."""
    import av

    try:
        with av.open(io.BytesIO(data)) as container:
            stream = container.streams.video[0]
            # FFmpeg's own decoder of VP9 leaves the alpha channel out
            decoder = av.CodecContext.create(_CODEC if stream.codec_context.name == "vp9" else stream.codec.name, "r")
            frames = []
            for packet in container.demux(stream):
                for frame in decoder.decode(packet if packet.size else None):
                    frames.append(Image.fromarray(frame.reformat(format="rgba").to_ndarray()))
                    if len(frames) > _LOOK_MAX:
                        return []
            return frames
    except (av.FFmpegError, IndexError, ValueError):
        return []
