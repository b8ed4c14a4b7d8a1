"""Model libraries say a lot while they load; a person waits for a picture and wants to hear of errors only."""

from __future__ import annotations

import logging
import warnings


def quieten_kernels() -> None:
    """Let xformers report errors only: its banner says at length that its kernels do not fit the installed PyTorch.

    `doctor` tells in one line which kernel runs, and why. Without effect where the studio is to tell more (``-v``).
    """
    if not _more_is_wanted():
        logging.getLogger("xformers").setLevel(logging.ERROR)


def quieten_libraries() -> None:
    """Let diffusers, transformers and xformers report errors only; call it before a model is loaded.

    Progress of downloads is still shown. Without effect where the studio is to tell more (``-v``).
    """
    if _more_is_wanted():
        return
    quieten_kernels()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")  # of its own code
    from diffusers.utils import logging as of_diffusers
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, enable_progress_bars
    from transformers.utils import logging as of_transformers

    downloads_shown = not are_progress_bars_disabled()
    for library in (of_diffusers, of_transformers):
        library.set_verbosity_error()
        library.disable_progress_bar()
    if downloads_shown:  # transformers turned them off, too
        enable_progress_bars()


def _more_is_wanted() -> bool:
    return logging.getLogger().isEnabledFor(logging.INFO)
