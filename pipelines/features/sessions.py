"""Opening onnxruntime sessions the same way everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import onnxruntime

Provider = Literal["cpu", "cuda"]

_EXECUTION_PROVIDERS: dict[str, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


def open_session(path: Path | str, *, threads: int = 1, provider: Provider = "cpu") -> onnxruntime.InferenceSession:
    """Open an ONNX graph for inference.

    Args:
        path: the .onnx file.
        threads: intra-op threads, at least 1. One is the default because a single worker shares the machine with
            the page it serves.
        provider: `cpu`, or `cuda` where onnxruntime was built with it.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: a thread count below 1, or a provider that this onnxruntime does not have.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"No ONNX graph at {file}; fetch it with `python -m studio models fetch`.")
    if threads < 1:
        raise ValueError(f"threads is {threads}; at least 1 is needed.")
    wanted = _EXECUTION_PROVIDERS.get(provider)
    available = onnxruntime.get_available_providers()
    if wanted not in available:
        raise ValueError(f"provider {provider!r} is not available; this onnxruntime offers {', '.join(available)}.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning worker threads would burn the second core while torch is computing on it.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(file), options, providers=[wanted])
