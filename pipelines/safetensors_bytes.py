"""Safetensors files in memory: read with a sentence for everything that is wrong, written the same way every time."""

from __future__ import annotations

import json
from collections.abc import Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

_LENGTH = 8  # bytes that say how long the header is
_CAN_CARRY_CODE = {b"\x80": "a pickle", b"PK\x03\x04": "a zip archive, as PyTorch's own files are"}


class UnreadableFile(ValueError):
    """Bytes that are not a safetensors file; the message says why."""


def read_tensors(data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file: its tensors on the CPU in the order of their names, and its text metadata.

    Only sizes that the file itself holds are ever allocated, and nothing in it is run.

    Raises:
        UnreadableFile: empty, of another format, cut off, or with a header that contradicts its contents.
    """
    for magic, kind in _CAN_CARRY_CODE.items():
        if data.startswith(magic) and not _opens_header(data):
            raise UnreadableFile(f"it is {kind}: a format that can carry code, which is never opened")
    if not data:
        raise UnreadableFile("it is empty")
    try:
        tensors = load(data)
    except SafetensorError as error:
        raise UnreadableFile(str(error).rstrip(".")) from error
    except KeyError as error:  # a type of numbers that the library's header knows and torch does not
        raise UnreadableFile(f"it holds numbers of the type {error.args[0]!r}, which cannot be read") from error
    header, _ = _header(data)
    return dict(sorted(tensors.items())), header.get("__metadata__") or {}


def write_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> bytes:
    """Write a safetensors file; the same contents always give the same bytes, whatever their order."""
    raw = save({name: tensor.detach().contiguous() for name, tensor in sorted(tensors.items())})
    header, start = _header(raw)
    # safetensors orders metadata at random; files that are kept by content hash must not depend on that.
    header["__metadata__"] = {"format": "pt", **metadata}
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH)
    return len(text).to_bytes(_LENGTH, "little") + text + raw[start:]


def payload(data: bytes) -> bytes:
    """Return what follows the header of a valid safetensors file: the numbers."""
    return data[_header(data)[1] :]


def all_finite(tensor: Tensor) -> bool:
    """Say whether no value is NaN or infinite; floats of eight bits included."""
    return bool(torch.isfinite(tensor.float() if tensor.is_floating_point() else tensor).all())


def _opens_header(data: bytes) -> bool:
    return data[_LENGTH : _LENGTH + 1] == b"{"


def _header(data: bytes) -> tuple[dict, int]:
    """Return the header of a valid safetensors file and where its tensors start."""
    start = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    return json.loads(data[_LENGTH:start]), start
