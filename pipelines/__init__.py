"""Torch code in the manner of diffusers; knows nothing of the studio."""

from __future__ import annotations

import logging
import os

# diffusers imports xformers wherever it is installed, and xformers then warns in five lines that its kernels do not
# fit this torch or this machine. `pipelines.attention` runs the kernels and tells the reason where it is asked for.
logging.getLogger("xformers").setLevel(logging.ERROR)

# GNU's OpenMP, which torch computes with, lets a thread that is done spin 300,000 times before it sleeps. With a core
# taken by anything else the one that is waited for does not get to run meanwhile, hundreds of times a step: beside one
# busy program a picture took 1.6 s instead of 0.9, and costs 0.03 s more on an idle machine (`tests.bench.bench_busy`).
# 1000 is what the library itself spins when it has more threads than cores. It is read when torch is loaded, and what
# somebody has set stays.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
