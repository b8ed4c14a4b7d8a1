"""Train the hypernetwork on an embedded base model.

``python -m pipelines.hyperlora.train --config configs/hyperlora.yaml --base assets/mini --data DIR --out DIR``

DIR of the data holds the identities that ``python -m pipelines.mini.data`` writes. The run's folder gets the cache,
``loss.jsonl``, ``samples/*.png``, a checkpoint from which the same command goes on, and ``pipeline``, which is what is
shipped. With ``--cache-only`` the references are encoded, and latents and captions too where the base exists.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from pipelines.features.image_encoders import ClipVisionEncoder
from pipelines.hyperlora.caching import cache_references
from pipelines.hyperlora.configuration_hyperlora import TrainingConfig
from pipelines.hyperlora.embedded_base import EmbeddedBase
from pipelines.hyperlora.identities import IdentityViews
from pipelines.hyperlora.previews import Preview
from pipelines.hyperlora.training import Trainer, TrainingData
from pipelines.resolver import resolve

logger = logging.getLogger(__name__)


def main() -> None:
    """Parse the arguments and train, or fill the cache."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=Path("configs/hyperlora.yaml"))
    parser.add_argument("--base", type=Path, default=Path("assets/mini"), help="folder of the base model")
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
    if arguments.cache_only and not (arguments.base / "unet").is_dir():
        cache_references(views, encoder, config.reference_versions, cache, config.seed)
        logger.info("references are cached; %s has no unet yet, so latents and captions are not", arguments.base)
        return
    base = EmbeddedBase.open(arguments.base, resolve("minilm"))
    data = TrainingData.prepare(views, base, encoder, config, cache)
    if arguments.cache_only:
        return
    heldout = IdentityViews.read(arguments.data, ("test",), config.styles)
    preview = Preview.of(heldout, base, encoder, steps=config.sample_steps, guidance=config.guidance, count=8)
    Trainer(base, data, config, arguments.out, preview).train()


if __name__ == "__main__":
    main()
