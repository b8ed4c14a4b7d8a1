"""``python -m pipelines.mini.training STAGE --config configs/mini/nano.yaml --data DIR --out DIR``.

The stages are ``autoencoder``, ``cache`` and ``denoiser``, in this order; each reads what the one before wrote to DIR.
"""

from __future__ import annotations

import argparse
import importlib
import logging
from pathlib import Path

import yaml


def main() -> None:
    """Parse the arguments and run one stage; every stage goes on from its last checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=("autoencoder", "cache", "library", "denoiser"))
    parser.add_argument("--config", type=Path, default=Path("configs/mini/nano.yaml"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stage = importlib.import_module(f"pipelines.mini.training.{arguments.stage}")
    stage.train(yaml.safe_load(arguments.config.read_text()), arguments.data, arguments.out)


if __name__ == "__main__":
    main()
