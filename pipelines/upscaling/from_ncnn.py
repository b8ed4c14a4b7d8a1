"""Converts Real-ESRGAN's compact weights from ncnn to safetensors: ``python -m pipelines.upscaling.from_ncnn BIN OUT``.

The published file (realesr-animevideov3-x4, BSD-3-Clause, Xintao Wang) is a plain run of arrays: per convolution a
4-byte flag, the weights (float16 where the flag says so, padded to 4 bytes) and the float32 bias; per PReLU its slopes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from pipelines.upscaling.modeling_compact import CompactUpscaler

HALF_FLAG = 0x01306B47


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def floats(self, count: int) -> np.ndarray:
        values = np.frombuffer(self._data, "<f4", count, self._at)
        self._at += 4 * count
        return values

    def weights(self, count: int) -> np.ndarray:
        flag = int(np.frombuffer(self._data, "<u4", 1, self._at)[0])
        self._at += 4
        if flag == 0:
            return self.floats(count)
        if flag != HALF_FLAG:
            raise ValueError(f"weights with flag {flag:#x} are not read; only float32 and float16 ones are.")
        values = np.frombuffer(self._data, "<f2", count, self._at)
        self._at += (2 * count + 3) // 4 * 4
        return values.astype(np.float32)

    @property
    def rest(self) -> int:
        return len(self._data) - self._at


def convert(data: bytes, channels: int = 64, layers: int = 16, scale: int = 4) -> CompactUpscaler:
    """Return the network holding the weights of an ncnn ``.bin`` file.

    Raises:
        ValueError: the file holds more or fewer values than the network.
    """
    model, reader = CompactUpscaler(channels=channels, layers=layers, scale=scale), _Reader(data)
    with torch.no_grad():
        for layer in model.body:
            if isinstance(layer, torch.nn.Conv2d):
                layer.weight.copy_(torch.from_numpy(reader.weights(layer.weight.numel()).copy()).view_as(layer.weight))
                assert layer.bias is not None
                layer.bias.copy_(torch.from_numpy(reader.floats(layer.bias.numel()).copy()))
            else:
                layer.weight.copy_(torch.from_numpy(reader.floats(layer.weight.numel()).copy()))
    if reader.rest:
        raise ValueError(
            f"{reader.rest} bytes are left over; the file is of another network than {channels}x{layers}, x{scale}."
        )
    return model


def main() -> None:
    """Convert one file; the result is half precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bin", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    convert(arguments.bin.read_bytes()).half().save_pretrained(arguments.out, safe_serialization=True)


if __name__ == "__main__":
    main()
