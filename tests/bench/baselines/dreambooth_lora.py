"""DreamBooth (Ruiz et al. 2023, arXiv 2208.12242) with a LoRA of peft's on the frozen denoiser, to compare with.

Captions call the thing "a sks dog", and as many rows as show it show drawings of its class, called "a dog": the prior
preservation of the paper's equation 2, with weight 1.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from diffusers.training_utils import cast_training_params
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from PIL import Image

from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.lora import Factor, LoraFactors
from tests.bench.baselines.method import Costs, Learned, called
from tests.bench.baselines.own_rows import OwnRows, diffusion_error

RARE = "sks"
ADAPTER = "dreambooth"


@dataclass(frozen=True, kw_only=True)
class DreamBoothConfig:
    """Settings.

    Attributes:
        targets: ends of the names of the adapted layers.
        rank: of the LoRA.
        checkpoints: steps after which the LoRA is taken, ascending.
        own: rows of a step that show the thing.
        prior: rows of a step that show its class; 0: no prior preservation.
        learning_rate: after `warmup` steps, so that all checkpoints are those of one run it does not fall. Of 3e-4,
            1e-3 and 3e-3 the best on two further individuals.
        warmup: steps.
        clip: largest norm of the gradient.
        seed: of the LoRA, batches and noise.
    """

    targets: Sequence[str]
    rank: int = 8
    checkpoints: Sequence[int] = (100, 200, 400, 800)
    own: int = 2
    prior: int = 2
    learning_rate: float = 3e-4
    warmup: int = 10
    clip: float = 1.0
    seed: int = 0


class DreamBoothLora:
    """Trains the LoRA of one thing at a time.

    Args:
        base: the frozen model; a copy of it in half precision is trained on.
        config: settings.
    """

    def __init__(self, base: EmbeddedBase, config: DreamBoothConfig) -> None:
        self._base, self._config = base, config

    def learn(self, cutouts: Sequence[Image.Image], kind: str, coat: Sequence[str]) -> dict[int, Learned]:
        """Return what was learned at every checkpoint.

        Args:
            cutouts: of the thing, RGBA.
            kind: its class word.
            coat: its main colours, which half of the rows are shown in.
        """
        config = self._config
        found: dict[int, Learned] = {}
        with Costs() as costs:
            own, prior = OwnRows.of(self._base, cutouts, kind, coat), OwnRows.of_class(self._base, kind)
            text = self._base.encode_text([called(caption, RARE) for caption in own.captions] + [*prior.captions])
            generator = torch.Generator().manual_seed(config.seed)
            adapted = self._adapted()
            parameters = [parameter for parameter in adapted.model.parameters() if parameter.requires_grad]
            optimizer = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=0.0, fused=True)
            for step in range(1, config.checkpoints[-1] + 1):
                optimizer.param_groups[0]["lr"] = config.learning_rate * min(1.0, step / config.warmup)
                batch = own.draw(config.own, generator)
                if config.prior:
                    batch = batch.joined(prior.draw(config.prior, generator), len(own.captions))
                chosen = {name: value[batch.captions] for name, value in text.items()}
                diffusion_error(adapted, batch, chosen, generator).backward()
                torch.nn.utils.clip_grad_norm_(parameters, config.clip)
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                if step in config.checkpoints:
                    lora, so_far = self._factors(adapted), costs.look()
                    found[step] = Learned.of_lora(
                        self._base.model, lora, name=RARE, seconds=so_far.seconds, memory=so_far.memory
                    )
        return found

    def _adapted(self) -> EmbeddedBase:
        """Return a copy of the base with an untrained LoRA."""
        config, adapted = self._config, copy.copy(self._base)
        adapted.model = copy.deepcopy(self._base.model).to(torch.bfloat16)
        torch.manual_seed(config.seed)
        adapted.model.add_adapter(
            LoraConfig(r=config.rank, lora_alpha=config.rank, target_modules=list(config.targets)), adapter_name=ADAPTER
        )
        cast_training_params(adapted.model, torch.float32)
        return adapted

    def _factors(self, adapted: EmbeddedBase) -> LoraFactors:
        state = get_peft_model_state_dict(adapted.model, adapter_name=ADAPTER)
        down = {key.removesuffix(".lora_A.weight"): value for key, value in state.items() if ".lora_A." in key}
        layers = {
            name: Factor(value.detach().clone(), state[f"{name}.lora_B.weight"].detach().clone())
            for name, value in down.items()
        }
        return LoraFactors(layers, component=adapted.component, metadata={"base_model": adapted.name})
