"""Errors of the model resolver; each message is one sentence for a person.

ResolverError
├── InvalidCatalogue    the file that names the models does not make sense
├── ModelNotFound       a model has no source that answered, or no such name is known
└── SourceUnavailable   one source gave nothing usable; the next one is tried
"""

from __future__ import annotations


class ResolverError(Exception):
    """Base of what the resolver raises on purpose."""


class InvalidCatalogue(ResolverError):
    """The file that names the models cannot be read or does not make sense."""


class ModelNotFound(ResolverError):
    """No source of a model answered with the right bytes, or the name is not known."""


class SourceUnavailable(ResolverError):
    """One source gave nothing usable; the message is the reason, without the model's name."""
