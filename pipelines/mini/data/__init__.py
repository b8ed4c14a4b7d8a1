"""Builds the training corpus of the embedded model family from openly licensed drawings.

Run ``python -m pipelines.mini.data --config configs/mini/data.yaml --out DIR``. Using the models needs nothing of it.
"""
