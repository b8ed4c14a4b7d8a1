"""HEIC, the photo format of iPhones, decoded by a process of its own.

Its reader (libheif, by way of pi-heif) ends the whole process with a segmentation fault on some damaged files; an
upload must not be able to do that to the studio. pi-heif rather than pillow-heif: its wheel holds decoders only,
while that of pillow-heif carries the GPL encoder x265.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

from studio.errors import InvalidPhoto

SECONDS_MAX = 60
_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_EXPORT = (
    "Save it as JPEG: on a Mac open it in Preview and choose File → Export; on an iPhone choose Settings → Camera → "
    "Formats → Most Compatible."
)
_TOO_LARGE = 3
# Run with -I: neither the environment nor the folder it starts in can change what it imports.
_READER = """
import sys
import pi_heif
from PIL import Image
pi_heif.register_heif_opener(thumbnails=False)
photo = Image.open(sys.stdin.buffer, formats=["HEIF"])
if photo.width * photo.height > int(sys.argv[1]):
    sys.exit(int(sys.argv[2]))
profile = photo.info.get("icc_profile")
if photo.mode not in ("RGB", "RGBA", "L"):
    photo = photo.convert("RGB")
photo.load()
plain = Image.frombytes(photo.mode, photo.size, photo.tobytes())
plain.save(sys.stdout.buffer, "PNG", compress_level=1, **({"icc_profile": profile} if profile else {}))
"""


def is_heic(data: bytes) -> bool:
    """Say whether `data` begins like a HEIC or HEIF photo."""
    return data[4:8] == b"ftyp" and data[8:12] in _BRANDS


def check_reader() -> None:
    """Raise `InvalidPhoto`, which says how to save a JPEG, where the reader is not installed."""
    if importlib.util.find_spec("pi_heif") is None:
        raise InvalidPhoto(f"The file is a HEIC photo, which cannot be read here. {_EXPORT}")


def heic_to_png(data: bytes, pixels_max: int) -> bytes:
    """Decode a HEIC photo to an upright PNG that holds its pixels and colour profile and nothing else.

    Raises:
        InvalidPhoto: it has more than `pixels_max` pixels, is damaged, or cannot be read here.
    """
    check_reader()
    arguments = [sys.executable, "-I", "-c", _READER, str(pixels_max), str(_TOO_LARGE)]
    try:
        done = subprocess.run(arguments, input=data, capture_output=True, timeout=SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired as error:
        raise InvalidPhoto(f"The HEIC photo could not be read within {SECONDS_MAX} seconds. {_EXPORT}") from error
    if done.returncode == _TOO_LARGE:
        raise InvalidPhoto(
            f"The picture has far too many pixels; at most {pixels_max // 1_000_000} million are possible. "
            "Make it smaller first."
        )
    if done.returncode:
        raise InvalidPhoto(f"The HEIC photo is cut off or damaged, or of a kind that cannot be read. {_EXPORT}")
    return done.stdout
