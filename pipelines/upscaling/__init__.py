"""Enlarges drawings, transparency included."""
