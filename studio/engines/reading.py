"""What every image engine makes of a job: the prompt in words a model knows, its personal subjects, the device."""

from __future__ import annotations

import re

from studio.domain.mentions import find_mentions
from studio.domain.text import with_article
from studio.engines.base import ImageJob, Subject

# A name needs no article, a class word does: "@bo with @ana" is read "a dog with a mug", but "my happy @bo" has one.
_WANTS_ARTICLE = re.compile(
    r"(?:^|[,;:.]|\b(?:and|or|with|of|to|by|for|near|beside|behind|under|over|in|on|is))\s*$", re.IGNORECASE
)


def class_prompt(job: ImageJob) -> str:
    """Return the prompt with every mention replaced by the subject's kind, which is the word the model knows.

    A subject that the prompt does not mention is put in front.
    """
    kinds = {subject.mention: word_of(subject) for subject in job.subjects}
    prompt, mentioned = job.prompt, set()
    for mention in reversed(find_mentions(job.prompt, kinds)):
        if mention.handle in kinds:
            before, after = prompt[: mention.start], prompt[mention.end :]
            kind = kinds[mention.handle]
            prompt = before + (with_article(kind) if _WANTS_ARTICLE.search(before) else kind) + after
            mentioned.add(mention.handle)
    return ", ".join([*(with_article(kind) for handle, kind in kinds.items() if handle not in mentioned), prompt])


def word_of(subject: Subject) -> str:
    """Return the word that stands for a subject in `class_prompt`."""
    return subject.kind or "thing"


def in_order(job: ImageJob) -> tuple[Subject, ...]:
    """Return the subjects in the order in which `class_prompt` names them: those that it puts in front come first."""
    handles = [mention.handle for mention in find_mentions(job.prompt, {subject.mention for subject in job.subjects})]
    return tuple(sorted(job.subjects, key=lambda one: handles.index(one.mention) if one.mention in handles else -1))


def chosen_device(device: str) -> str:
    """Return the device that is meant; ``auto`` takes the GPU where there is one."""
    import torch

    return device if device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
