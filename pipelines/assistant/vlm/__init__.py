"""A small VLM for the assistant: frozen image tokens, a projector, and a small language model with LoRA."""
