from __future__ import annotations

import json
import pickle

import pytest
import torch

from pipelines.safetensors_bytes import UnreadableFile, read_tensors, write_tensors

GOOD = write_tensors({"a": torch.ones(2, 3)}, {"origin": "test"})


def made(header: object, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def entry(dtype: str = "F32", shape: list[int] | None = None, end: int = 24) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape or [2, 3], "data_offsets": [0, end]}


def test_what_is_written_is_read() -> None:
    tensors, metadata = read_tensors(GOOD)
    assert torch.equal(tensors["a"], torch.ones(2, 3))
    assert metadata == {"format": "pt", "origin": "test"}


def test_a_file_may_be_without_metadata() -> None:
    assert read_tensors(made({"a": entry()}, bytes(24)))[1] == {}
    assert read_tensors(made({"__metadata__": None, "a": entry()}, bytes(24)))[1] == {}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\x01", "header too small"),
        (pickle.dumps({"a": [1.0]}), "it is a pickle: a format that can carry code"),
        (b"PK\x03\x04" + bytes(40), "it is a zip archive"),
        ((2 << 30).to_bytes(8, "little") + b"{}", "header too large"),
        (b"\xff" * 16, "header too large"),
        (GOOD[:-1], "not fully covered"),
        (GOOD + b"0", "not fully covered"),
        (made({"a": entry(end=4000)}, bytes(24)), "invalid shape"),
        (made({"a": entry(shape=[2, 3000])}, bytes(24)), "invalid shape"),
        (made({"a": entry(shape=[2**62, 2**62])}, bytes(24)), "overflow"),
        (made({"a": entry(), "b": entry()}, bytes(24)), "invalid offset"),
        (made({"a": entry("F4", [4], 2)}, bytes(2)), "numbers of the type 'F4'"),
        (made(["a"]), "invalid JSON"),
        (made({"__metadata__": {"a": 1}}), "invalid JSON"),
    ],
)
def test_every_wrong_file_gets_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        read_tensors(data)


def test_a_header_of_the_length_of_a_pickles_first_byte_is_no_pickle() -> None:
    header = {"a": entry(shape=[6])}
    text = json.dumps(header).encode().ljust(0x80)
    assert read_tensors(len(text).to_bytes(8, "little") + text + bytes(24))[0]["a"].shape == (6,)
