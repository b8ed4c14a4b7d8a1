"""Torch code in the manner of diffusers; knows nothing of the studio."""

from __future__ import annotations

import logging

# diffusers imports xformers wherever it is installed, and xformers then warns in five lines that its kernels do not
# fit this torch or this machine. `pipelines.attention` runs the kernels and tells the reason where it is asked for.
logging.getLogger("xformers").setLevel(logging.ERROR)
