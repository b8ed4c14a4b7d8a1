"""Frozen pretrained encoders: pictures and sentences to feature vectors; nothing in here is trained."""
