from __future__ import annotations

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch.nn.attention import SDPBackend, sdpa_kernel

from pipelines.attention import AttentionKernel, apply_attention, probe_attention


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_names_a_kernel_that_runs_here(dtype: torch.dtype) -> None:
    kernel = probe_attention("cpu", dtype)
    assert kernel.name == "sdpa"  # xformers has no kernel for a processor
    assert kernel.backend in ("flash", "math")
    assert "xformers" in kernel.reason


def test_sees_which_kernel_pytorch_took() -> None:
    with sdpa_kernel(SDPBackend.MATH):
        assert probe_attention("cpu").backend == "math"
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        assert probe_attention("cpu").backend == "flash"


def test_a_model_computes_the_same_with_it() -> None:
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 16),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=8,
        attention_head_dim=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    )
    inputs = {"sample": torch.randn(1, 4, 8, 8), "timestep": 1, "encoder_hidden_states": torch.randn(1, 3, 8)}
    with torch.no_grad():
        before = unet(**inputs).sample
        apply_attention(unet, probe_attention("cpu"))
        after = unet(**inputs).sample
    torch.testing.assert_close(after, before)


@pytest.mark.gpu
def test_on_a_gpu_a_fused_kernel_runs() -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    kernel: AttentionKernel = probe_attention("cuda", torch.float16)
    assert kernel.backend in ("memory_efficient", "flash", "efficient", "cudnn")
