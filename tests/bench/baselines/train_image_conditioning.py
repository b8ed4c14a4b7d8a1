"""Train image conditioning on what the hypernetwork is trained on, batch for batch.

``python -m tests.bench.baselines.train_image_conditioning --data DIR --cache DIR --out DIR``

The recipe is the hypernetwork's own (``configs/hyperlora.yaml``): references, pairs, drop-outs, noise, weights of the
loss, optimiser. ``--warm-start`` names the hypernetwork from which the reader of pictures starts; for a comparison of
equals, the one that the hypernetwork started from. The run's folder gets ``loss.jsonl``, ``samples/*.png``, a
checkpoint from which the same command goes on, and ``adapter``.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from pipelines.features.image_encoders import ClipVisionEncoder
from pipelines.hyperlora.configuration_hyperlora import TrainingConfig
from pipelines.hyperlora.denoising import DenoisingBase
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.guidance import Guidance
from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.losses import diffusion_loss
from pipelines.hyperlora.modeling_hyperlora import HyperLora
from pipelines.hyperlora.previews import Preview
from pipelines.hyperlora.sampling import draw
from pipelines.hyperlora.training import Batch, Trainer, TrainingData
from pipelines.mini.alpha import contact_sheet
from pipelines.mini.training.loop import attention_kernel
from pipelines.resolver import resolve
from tests.bench.baselines.image_conditioning import AdapterDenoiser, ImageConditioning

logger = logging.getLogger(__name__)
READER = ("width", "heads", "latents", "resampler_blocks", "decoder_blocks")


class AdapterTrainer(Trainer):
    """One training run of an adapter, in the hypernetwork's place."""

    model: ImageConditioning

    def _untrained(self) -> ImageConditioning:
        sizes = {name: value for name, value in self._config.model.items() if name in READER}
        return ImageConditioning.for_model(self._base.model, base_model=self._base.name, **sizes)

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the diffusion error with the image tokens; there is no LoRA whose size could be a penalty."""
        noisy, target, timesteps = self._base.noised(batch.latents, batch.noise, batch.levels)
        ones = torch.ones(len(noisy), device=noisy.device)
        with self._accelerator.autocast(), attention_kernel(noisy.device):
            tokens = self.model(batch.tokens, batch.mask)
            with self.model.reading(self._base.model, tokens, ones):
                predicted = self._base.predict(noisy, timesteps, batch.conditions)
        return diffusion_loss(predicted, target, batch.weights), torch.zeros((), device=noisy.device)

    def export(self) -> ImageConditioning:
        """Write the averaged adapter in half precision, with the recipe that made it."""
        adapter = self.averaged()
        adapter.to(torch.float16).save_pretrained(self._out / "adapter", safe_serialization=True)
        (self._out / "adapter" / "recipe.json").write_text(json.dumps(self._recipe(), indent=2) + "\n")
        return adapter.float()


@dataclass(frozen=True, eq=False)
class AdapterPreview(Preview):
    """Draws one row per individual: its reference, the class word alone, and the adapter after a grey sketch."""

    @torch.no_grad()
    def write(self, model: ImageConditioning, path: Path) -> None:
        """Draw the grid and write it as PNG."""
        conditions = self.base.encode_text(["", *self.captions])
        text = {name: value[1:] for name, value in conditions.items()} | self.base.sketch(self.captions)
        empty = {name: value[:1] for name, value in conditions.items()}
        tokens = model(self.tokens.to(model.device), torch.ones(self.tokens.shape[:2], device=model.device))
        denoiser = AdapterDenoiser(self.base, text, empty, {}, model, tokens)
        config = self.base.model.config
        shape = (len(self.pictures), config.out_channels, config.sample_size, config.sample_size)
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(model.device)
        drawn = [
            draw(denoiser, noise, Guidance.steady(strength, self.guidance), self.steps) for strength in (0.0, 0.5, 1.0)
        ]
        _write_sheet([list(self.pictures), *drawn], path)


def _write_sheet(columns: Sequence[Sequence[Image.Image]], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    flat = [picture.resize(columns[-1][0].size) for row in zip(*columns, strict=True) for picture in row]
    contact_sheet(flat, len(columns)).save(path)


def trainer(base: DenoisingBase, options: argparse.Namespace) -> AdapterTrainer:
    """Read what is frozen from the cache, or compute it, and set a run up."""
    config = TrainingConfig.read(
        options.config, steps=options.steps, batch=options.batch, warm_start=options.warm_start
    )
    encoder = ClipVisionEncoder(resolve("clip-vision"))
    data = TrainingData.prepare(
        IdentityViews.read(options.data, styles=config.styles), base, encoder, config, options.cache
    )
    heldout = IdentityViews.read(options.data, ("test",), config.styles)
    preview = AdapterPreview.of(heldout, base, encoder, steps=config.sample_steps, guidance=config.guidance, count=8)
    return AdapterTrainer(base, data, config, options.out, preview)


def parameters(model: nn.Module) -> int:
    """Return how many numbers of a model are trained."""
    return sum(value.numel() for value in model.parameters())


def main() -> None:
    """Parse the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/hyperlora.yaml"))
    parser.add_argument("--base", type=Path, default=Path("assets/mini"))
    parser.add_argument("--hyperlora", type=Path, default=Path("assets/hyperlora"), help="to compare sizes with")
    parser.add_argument("--warm-start", default="", help="folder of a hypernetwork; without it, from nothing")
    parser.add_argument("--data", type=Path, required=True, help="folder with identities.npy and identities.jsonl")
    parser.add_argument("--cache", type=Path, required=True, help="the hypernetwork's cache folder, or a new one")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--steps", type=int, help="instead of the configured number")
    parser.add_argument("--batch", type=int, help="instead of the configured number")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run = trainer(EmbeddedBase.open(options.base, resolve("minilm")), options)
    compared = HyperLora.from_pretrained(options.hyperlora / "hyperlora", dtype=torch.float32)
    print(f"trained parameters: adapter {parameters(run.model):,}, hypernetwork {parameters(compared):,}")
    run.train()


if __name__ == "__main__":
    main()
