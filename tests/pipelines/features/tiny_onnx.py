"""Writes real, tiny ONNX graphs with the inputs and outputs of the pretrained ones.

The protobuf wire format is written by hand, for the few messages and fields that are needed, so that the tests do not
depend on the onnx package. Field numbers are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

Attribute = int | Sequence[int]
Node = tuple[str, Sequence[str], str, dict[str, Attribute]]


def write_tinyvit(file: Path, seed: int = 0) -> Path:
    weights = {"w": _random(seed, 192, 320), "flat": np.array([0, -1])}
    nodes: list[Node] = [
        ("AveragePool", ["input"], "pooled", {"kernel_shape": [28, 28], "strides": [28, 28]}),
        ("Reshape", ["pooled", "flat"], "cells", {}),
        ("MatMul", ["cells", "w"], "output", {}),
    ]
    return _write(file, nodes, weights, ("input", ["n", 3, 224, 224]), [("output", ["n", 320])])


def write_clip_vision(file: Path, seed: int = 1) -> Path:
    weights = {
        "w": _random(seed, 192, 512),
        "w_class": _random(seed + 1, 192, 768),
        "w_patch": _random(seed + 2, 3, 768),
        "flat": np.array([0, -1]),
        "one": np.array([0, 1, 768]),
        "patches": np.array([0, 3, 196]),
    }
    nodes: list[Node] = [
        ("AveragePool", ["pixel_values"], "coarse", {"kernel_shape": [28, 28], "strides": [28, 28]}),
        ("Reshape", ["coarse", "flat"], "cells", {}),
        ("MatMul", ["cells", "w"], "image_embeds", {}),
        ("MatMul", ["cells", "w_class"], "class_flat", {}),
        ("Reshape", ["class_flat", "one"], "class_token", {}),
        ("AveragePool", ["pixel_values"], "fine", {"kernel_shape": [16, 16], "strides": [16, 16]}),
        ("Reshape", ["fine", "patches"], "planes", {}),
        ("Transpose", ["planes"], "patch_colours", {"perm": [0, 2, 1]}),
        ("MatMul", ["patch_colours", "w_patch"], "patch_tokens", {}),
        ("Concat", ["class_token", "patch_tokens"], "tokens", {"axis": 1}),
    ]
    outputs = [("image_embeds", ["n", 512]), ("tokens", ["n", 197, 768])]
    return _write(file, nodes, weights, ("pixel_values", ["n", 3, 224, 224]), outputs)


def write_dinov2(file: Path, seed: int = 4) -> Path:
    nodes: list[Node] = [
        ("AveragePool", ["input"], "pooled", {"kernel_shape": [28, 28], "strides": [28, 28]}),
        ("Transpose", ["pooled"], "colours", {"perm": [0, 2, 3, 1]}),
        ("MatMul", ["colours", "w"], "output", {}),
    ]
    shapes = ("input", ["n", 3, 224, 224]), [("output", ["n", 8, 8, 384])]
    return _write(file, nodes, {"w": _random(seed, 3, 384)}, *shapes)


def write_u2netp(file: Path) -> Path:
    """Its subject is whatever is red rather than green."""
    weights = {"w": np.array([8.0, -8.0, 0.0], np.float32).reshape(1, 3, 1, 1), "b": np.array([-8.0], np.float32)}
    nodes: list[Node] = [("Conv", ["input.1", "w", "b"], "logits", {}), ("Sigmoid", ["logits"], "1959", {})]
    return _write(file, nodes, weights, ("input.1", [1, 3, 320, 320]), [("1959", [1, 1, 320, 320])])


def _random(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def _write(
    file: Path,
    nodes: Sequence[Node],
    weights: dict[str, np.ndarray],
    graph_input: tuple[str, Sequence[int | str]],
    outputs: Sequence[tuple[str, Sequence[int | str]]],
) -> Path:
    graph = b"".join(_bytes(1, _node(*node)) for node in nodes) + _bytes(2, b"tiny")
    graph += b"".join(_bytes(5, _tensor(name, value)) for name, value in weights.items())
    graph += _bytes(11, _value_info(*graph_input)) + b"".join(_bytes(12, _value_info(*output)) for output in outputs)
    opset = _bytes(1, b"") + _integer(2, 17)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_integer(1, 8) + _bytes(7, graph) + _bytes(8, opset))
    return file


def _node(operator: str, inputs: Sequence[str], output: str, attributes: dict[str, Attribute]) -> bytes:
    message = b"".join(_bytes(1, name.encode()) for name in inputs) + _bytes(2, output.encode())
    message += _bytes(4, operator.encode())
    for name, value in attributes.items():
        if isinstance(value, int):
            body = _integer(3, value) + _integer(20, 2)
        else:
            body = b"".join(_integer(8, number) for number in value) + _integer(20, 7)
        message += _bytes(5, _bytes(1, name.encode()) + body)
    return message


def _tensor(name: str, value: np.ndarray) -> bytes:
    element_type = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}[value.dtype]
    shape = b"".join(_integer(1, size) for size in value.shape)
    return shape + _integer(2, element_type) + _bytes(8, name.encode()) + _bytes(9, value.tobytes())


def _value_info(name: str, shape: Sequence[int | str]) -> bytes:
    sizes = [_integer(1, size) if isinstance(size, int) else _bytes(2, size.encode()) for size in shape]
    tensor = _integer(1, 1) + _bytes(2, b"".join(_bytes(1, size) for size in sizes))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
