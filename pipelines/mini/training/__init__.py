"""Trains the embedded base model: ``python -m pipelines.mini.training STAGE --config FILE --data DIR --out DIR``."""
