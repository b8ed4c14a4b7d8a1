"""Hypernetwork that predicts a personal LoRA from pictures of a subject in one forward pass, and guidance that uses it.

After "Finetuning-Free Personalization of Text-to-Image Generation via Hypernetworks" (arXiv 2511.03156).
"""
