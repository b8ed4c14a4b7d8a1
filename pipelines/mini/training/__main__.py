"""``python -m pipelines.mini.training STAGE --config configs/mini/nano.yaml --data DIR --out DIR``.

The stages are ``autoencoder``, ``cache``, ``library`` and ``denoiser``, in this order, or ``all`` of them; each reads
what the ones before wrote to DIR. ``reconstruction`` measures an autoencoder that is there already.
"""

from __future__ import annotations

import argparse
import importlib
import logging
from pathlib import Path

import yaml

IN_ORDER = ("autoencoder", "cache", "library", "denoiser")
STAGES = (*IN_ORDER, "reconstruction", "all")


def main() -> None:
    """Parse the arguments and run one stage; every stage goes on from its last checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--config", type=Path, default=Path("configs/mini/nano.yaml"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    config = yaml.safe_load(arguments.config.read_text())
    for name in IN_ORDER if arguments.stage == "all" else (arguments.stage,):
        stage = importlib.import_module(f"pipelines.mini.training.{name}")
        stage.train(config, arguments.data, arguments.out)


if __name__ == "__main__":
    main()
