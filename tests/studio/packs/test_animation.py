"""Moving stickers as files, read back by Pillow and, where it is installed, PyAV."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from studio.domain.stickers import Messenger, Motion
from studio.errors import InvalidInput
from studio.packs import animation, video
from studio.packs.motion import Moving


def moving(motion: Motion = Motion.WIGGLE, *, rich: bool = False, edge: int = 512) -> Moving:
    picture = Image.new("RGBA", (edge, edge))
    ImageDraw.Draw(picture).ellipse((20, 20, edge - 20, edge - 20), fill="white")
    ImageDraw.Draw(picture).ellipse((40, 40, edge - 40, edge - 40), fill="teal")
    if rich:
        noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (edge, edge, 3), dtype=np.uint8))
        picture.paste(noise.filter(ImageFilter.GaussianBlur(0.6)), (0, 0), picture.getchannel("A"))
    return Moving(picture, motion, edge)


def read(data: bytes) -> tuple[Image.Image, list[Image.Image], list[int]]:
    picture = Image.open(io.BytesIO(data))
    frames, durations = [], []
    for number in range(picture.n_frames):  # type: ignore[attr-defined]
        picture.seek(number)
        frames.append(picture.convert("RGBA"))
        durations.append(round(picture.info["duration"]))
    return picture, frames, durations


def test_a_simple_loop_is_whole_for_whatsapp(tmp_path: Path) -> None:
    data = animation.encoded(moving(), Messenger.WHATSAPP, 450_000)
    picture, frames, durations = read(data)
    assert (picture.format, picture.size, len(frames)) == ("WEBP", (512, 512), 24)
    assert (sum(durations), min(durations)) == (960, 40)
    assert picture.info["loop"] == 0
    assert np.asarray(frames[0])[256, 256].tolist() == pytest.approx([0, 128, 128, 255], abs=6)
    assert frames[6].getpixel((2, 2))[3] == 0  # type: ignore[index]
    if shutil.which("webpmux"):
        (tmp_path / "a.webp").write_bytes(data)
        told = subprocess.run(["webpmux", "-info", tmp_path / "a.webp"], capture_output=True, text=True, check=True)
        assert "Number of frames: 24" in told.stdout
        assert "Loop Count : 0" in told.stdout


def test_a_rich_loop_gives_up_quality_then_frames() -> None:
    data = animation.encoded(moving(rich=True), Messenger.WHATSAPP, 450_000)
    picture, frames, durations = read(data)
    assert len(data) <= 450_000
    assert picture.size == (512, 512)
    assert 6 <= len(frames) < 24
    assert sum(durations) == pytest.approx(960, rel=0.1)  # slower in frames, not in time


def test_a_loop_for_signal_is_an_endless_png_of_few_colours() -> None:
    data = animation.encoded(moving(rich=True), Messenger.SIGNAL, 300 * 1024)
    picture, frames, _ = read(data)
    assert len(data) <= 300 * 1024
    assert (picture.format, picture.info["loop"]) == ("PNG", 0)
    assert picture.width == picture.height < 512
    assert len(frames) > 4
    first, *others = (np.asarray(frame).astype(int) for frame in frames)
    assert all(np.abs(first - other).mean() > 1 for other in others[1:3])


def test_a_plain_loop_keeps_all_colours_where_it_can() -> None:
    data = animation.encoded(moving(), Messenger.PNG, 4096 * 1024)
    picture, frames, _ = read(data)
    assert (picture.format, picture.mode, picture.size, len(frames)) == ("PNG", "RGBA", (512, 512), 24)
    assert np.array_equal(np.asarray(frames[3]), np.asarray(moving().frame(3 / 24)))


def test_what_cannot_be_made_small_enough_is_said() -> None:
    with pytest.raises(InvalidInput, match="2000 bytes"):
        animation.encoded(moving(rich=True), Messenger.WHATSAPP, 2000)


def test_a_preview_is_quick_and_moves() -> None:
    picture, frames, _ = read(animation.preview(moving(edge=128), 15))
    assert (picture.format, picture.size) == ("WEBP", (128, 128))
    assert len(frames) > 10


def test_telegram_gets_a_video_with_alpha() -> None:
    pytest.importorskip("av")
    data = animation.encoded(moving(), Messenger.TELEGRAM, 256 * 1024)
    seen = video.look(data)
    assert seen is not None
    assert (seen.format, seen.size, seen.transparent) == ("WEBM", (512, 512), True)
    assert len(data) <= 256 * 1024
    assert sum(seen.durations) <= 3000
    frames = video.decoded(data)
    assert np.asarray(frames[0])[256, 256].tolist() == pytest.approx([0, 128, 128, 255], abs=12)
    assert frames[0].getpixel((2, 2))[3] == 0  # type: ignore[index]
