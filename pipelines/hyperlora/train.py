"""Train the hypernetwork on a base model: the embedded one, Stable Diffusion 1.5, SDXL, or a model of their kind.

``python -m pipelines.hyperlora.train --config configs/hyperlora.yaml --base assets/mini --data DIR --out DIR``
``python -m pipelines.hyperlora.train --config configs/hyperlora.sdxl.yaml --base HUB_ID --data DIR --out DIR``

DIR of the data holds the identities that ``python -m pipelines.mini.data`` writes. The run's folder gets the cache,
``loss.jsonl``, ``samples/*.png``, a checkpoint from which the same command goes on, and ``pipeline``, which is what is
shipped. With ``--cache-only`` what is frozen is encoded and no more.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch

from pipelines.features.image_encoders import ClipVisionEncoder
from pipelines.hub_models import HubModel, read_index
from pipelines.hyperlora.configuration_hyperlora import TrainingConfig
from pipelines.hyperlora.denoising import DenoisingBase
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.hub_base import HubBase
from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.previews import Preview
from pipelines.hyperlora.training import Trainer, TrainingData
from pipelines.mini.pipeline_mini import MiniPipeline
from pipelines.resolver import resolve

logger = logging.getLogger(__name__)


def open_base(model: HubModel) -> DenoisingBase:
    """Load the embedded base from its folder, or any other base as `HubBase`, onto the GPU where there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if model.folder is not None and read_index(model).pipeline == MiniPipeline.__name__:
        return EmbeddedBase.open(model.folder, resolve("minilm"), device=device)
    return HubBase.open(model, device=device, dtype=torch.bfloat16 if device == "cuda" else torch.float32)


def main() -> None:
    """Parse the arguments and train, or fill the cache."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/hyperlora.yaml"))
    parser.add_argument("--base", default="assets/mini", help="folder of the base model, or a hub id")
    parser.add_argument("--revision", help="of a hub id; a full commit pins it")
    parser.add_argument("--data", type=Path, required=True, help="folder with identities.npy and identities.jsonl")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--steps", type=int, help="instead of the configured number")
    parser.add_argument("--cache-only", action="store_true", help="compute what is frozen and stop")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    config = TrainingConfig.read(arguments.config, steps=arguments.steps)
    views = IdentityViews.read(arguments.data, styles=config.styles)
    encoder = ClipVisionEncoder(resolve("clip-vision"))
    cache = arguments.out / "cache"
    base = open_base(HubModel(model=arguments.base, revision=arguments.revision))
    data = TrainingData.prepare(views, base, encoder, config, cache)
    if arguments.cache_only:
        return
    heldout = IdentityViews.read(arguments.data, ("test",), config.styles)
    preview = Preview.of(heldout, base, encoder, steps=config.sample_steps, guidance=config.guidance, count=8)
    Trainer(base, data, config, arguments.out, preview).train()


if __name__ == "__main__":
    main()
