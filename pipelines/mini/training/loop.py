"""What both trainings share: learning-rate schedule, moving average, log, resume."""

from __future__ import annotations

import json
import math
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel


def learning_rate_at(step: int, steps: int, peak: float, warmup: int = 100) -> float:
    """Return the learning rate: linear warm-up, then a cosine from `peak` to a fiftieth of it at `steps`."""
    if step < warmup:
        return peak * (step + 1) / warmup
    share = min(1.0, (step - warmup) / max(1, steps - warmup))
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))


def attention_kernel(device: torch.device) -> AbstractContextManager[None]:
    """On a CPU the fused kernel's backward pass takes twice as long as the plain one at the sizes of latents."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


class MovingAverage:
    """Exponential moving average of a model's parameters; the decay is ramped up, so short trainings profit too."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay, self._steps = decay, 0
        self.shadow = {name: value.detach().clone().float() for name, value in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards the model's present parameters."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        names = list(self.shadow)
        live = dict(model.named_parameters())
        torch._foreach_lerp_([self.shadow[n] for n in names], [live[n].detach().float() for n in names], 1 - decay)

    @torch.no_grad()
    def copy_to(self, model: nn.Module) -> None:
        """Write the average into a model of the same shape."""
        for name, value in model.named_parameters():
            value.copy_(self.shadow[name])

    def state_dict(self) -> dict:
        """State for a checkpoint."""
        return {"shadow": self.shadow, "steps": torch.tensor(self._steps)}

    def load_state_dict(self, state: dict) -> None:
        """Take a checkpoint's state over."""
        self.shadow = state["shadow"]
        self._steps = int(state["steps"])


@dataclass(kw_only=True)
class RunLog:
    """Appends one JSON line per report to ``loss.jsonl`` and keeps the running mean of the loss."""

    folder: Path
    started: float = 0.0
    total: float = 0.0
    count: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.started = time.monotonic()

    def add(self, loss: float) -> None:
        """Add one step's loss to the running mean."""
        self.total += loss
        self.count += 1

    def report(self, step: int, **more: float) -> dict:
        """Write the mean since the last report and return the line."""
        line = {
            "step": step,
            "loss": round(self.total / max(1, self.count), 5),
            "seconds": round(time.monotonic() - self.started, 1),
        } | more
        with (self.folder / "loss.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        self.total, self.count = 0.0, 0
        return line


def resume(accelerator: Accelerator, folder: Path) -> int:
    """Load the newest checkpoint of `folder` into what the accelerator has prepared; return the step to go on from."""
    marker = folder / "checkpoint" / "step.json"
    if not marker.exists():
        return 0
    accelerator.load_state(str(folder / "checkpoint"))
    return int(json.loads(marker.read_text())["step"])


def save(accelerator: Accelerator, folder: Path, step: int) -> None:
    """Write a checkpoint from which `resume` goes on."""
    accelerator.save_state(str(folder / "checkpoint"), safe_serialization=True)
    (folder / "checkpoint" / "step.json").write_text(json.dumps({"step": step}))
