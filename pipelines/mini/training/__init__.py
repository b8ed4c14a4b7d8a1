"""Trains the embedded base model: ``python -m pipelines.mini.training {autoencoder,cache,denoiser} --config … --data … --out …``."""
