"""A person's taste in pictures: what they liked, why, how likely they like a new one, and tokens that carry it.

After Pigeon (Xu et al. 2024, arXiv 2410.14170), with PHG-DIF's filters, kNN-Embed's mixtures, FSPO's few shots and
PrefPalette's reasons.
"""
