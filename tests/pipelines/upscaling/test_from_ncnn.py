from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.upscaling.from_ncnn import HALF_FLAG, convert, main
from pipelines.upscaling.modeling_compact import CompactUpscaler


def network(channels: int = 3, layers: int = 1, scale: int = 2) -> CompactUpscaler:
    torch.manual_seed(0)
    model = CompactUpscaler(channels=channels, layers=layers, scale=scale)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model.half().float()


def as_ncnn(model: CompactUpscaler, *, half: bool) -> bytes:
    """Write the weights as ncnn does: flag, weights padded to four bytes, bias; the slopes without a flag."""
    parts = []
    for layer in model.body:
        weight = layer.weight.detach().numpy()
        if isinstance(layer, torch.nn.PReLU):
            parts.append(weight.astype("<f4").tobytes())
            continue
        data = weight.astype("<f2" if half else "<f4").tobytes()
        flag = np.array(HALF_FLAG if half else 0, "<u4").tobytes()
        parts += [flag, data + b"\0" * (-len(data) % 4), layer.bias.detach().numpy().astype("<f4").tobytes()]
    return b"".join(parts)


@pytest.mark.parametrize("half", [True, False])
def test_every_weight_finds_its_place(half: bool) -> None:
    model = network()  # 81 weights in its layers: an odd number, so that half precision is padded
    read = convert(as_ncnn(model, half=half), channels=3, layers=1, scale=2)
    state = read.state_dict()
    assert list(state) == list(model.state_dict())
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())


def test_a_file_of_another_network_is_refused() -> None:
    data = as_ncnn(network(), half=False)
    with pytest.raises(ValueError, match="8 bytes are left over"):
        convert(data + b"\0" * 8, channels=3, layers=1, scale=2)
    with pytest.raises(ValueError):
        convert(data[:-8], channels=3, layers=1, scale=2)
    with pytest.raises(ValueError, match="flag 0x7 are not read"):
        convert(b"\7\0\0\0" + data[4:], channels=3, layers=1, scale=2)


def test_the_command_writes_half_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.bin").write_bytes(as_ncnn(network(channels=64, layers=16, scale=4), half=True))
    monkeypatch.setattr(sys, "argv", ["from_ncnn", str(tmp_path / "model.bin"), str(tmp_path / "out")])
    main()
    read = CompactUpscaler.from_pretrained(tmp_path / "out", dtype=torch.float16)
    assert {parameter.dtype for parameter in read.parameters()} == {torch.float16}
    assert (read.config.channels, read.config.layers, read.config.scale) == (64, 16, 4)
