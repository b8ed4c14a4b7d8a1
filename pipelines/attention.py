"""Which attention kernel really runs on a device, found by running it, and how to give it to a model."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn.functional import scaled_dot_product_attention
from torch.utils._python_dispatch import TorchDispatchMode

if TYPE_CHECKING:
    from diffusers import ModelMixin

logger = logging.getLogger(__name__)

# The fused kernels by the word that PyTorch's operators for them share.
_FUSED_KERNELS = ("cudnn", "flash", "efficient")


@dataclass(frozen=True, kw_only=True)
class AttentionKernel:
    """A kernel that was seen to work.

    Attributes:
        name: which library computes the attention.
        backend: its kernel: for ``sdpa`` one of flash, efficient, cudnn, math; for ``xformers`` its own choice.
        reason: why this one, for a person.
    """

    name: Literal["xformers", "sdpa"]
    backend: str
    reason: str


def probe_attention(device: torch.device | str, dtype: torch.dtype = torch.float32) -> AttentionKernel:
    """Run xformers' kernel on tiny tensors; where that does not work, PyTorch's own, and see which one it took.

    Args:
        device: where the models run.
        dtype: what they run in.
    """
    failure = _xformers_failure(torch.device(device), dtype)
    if failure is None:
        return AttentionKernel(name="xformers", backend="memory_efficient", reason="its kernel ran and agreed")
    return AttentionKernel(name="sdpa", backend=_sdpa_backend(torch.device(device), dtype), reason=failure)


def apply_attention(module: ModelMixin, kernel: AttentionKernel) -> None:
    """Make a diffusers model compute its attention with `kernel`; its weights stay as they are."""
    if kernel.name == "xformers":
        module.enable_xformers_memory_efficient_attention()
    else:
        module.disable_xformers_memory_efficient_attention()


def _xformers_failure(device: torch.device, dtype: torch.dtype) -> str | None:
    """Say why xformers cannot be used, or None if it can."""
    try:
        from xformers.ops import memory_efficient_attention
    except ImportError as error:
        return f"xformers cannot be imported ({_first_line(error)})"
    query_BLHD = _tensor_BLHD(device, dtype)
    try:
        given_BLHD = memory_efficient_attention(query_BLHD, query_BLHD, query_BLHD)
    except (NotImplementedError, RuntimeError, ValueError) as error:
        logger.debug("xformers does not run on %s in %s", device, dtype, exc_info=error)
        return f"xformers is installed but has no kernel that runs on {device.type} in {_name(dtype)}"
    query_BHLD = query_BLHD.transpose(1, 2)
    expected_BLHD = scaled_dot_product_attention(query_BHLD, query_BHLD, query_BHLD).transpose(1, 2)
    if not torch.allclose(given_BLHD.float(), expected_BLHD.float(), atol=2e-2):
        return f"xformers' kernel gives wrong values on {device.type} in {_name(dtype)}"
    return None


def _sdpa_backend(device: torch.device, dtype: torch.dtype) -> str:
    """Watch one call and read which kernel PyTorch dispatched to."""
    query_BHLD = _tensor_BLHD(device, dtype).transpose(1, 2)
    with _CalledOperators() as called:
        scaled_dot_product_attention(query_BHLD, query_BHLD, query_BHLD)
    # where no fused kernel fits, the attention shows as its single products and a softmax
    fused = [name for name in called.names if "scaled_dot_product" in name]
    return next((kernel for kernel in _FUSED_KERNELS if any(kernel in name for name in fused)), "math")


class _CalledOperators(TorchDispatchMode):
    """Notes the names of the operators that are called inside the block."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.name())
        return func(*args, **(kwargs or {}))


def _tensor_BLHD(device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Tokens of a tiny attention: batch 1, length 16, 2 heads of 64; the same every time."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(1, 16, 2, 64, generator=generator).to(device=device, dtype=dtype)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
