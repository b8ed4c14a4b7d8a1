"""Errors a person can cause or must hear about; each message names the value, the reason and the way out.

StudioError
├── InvalidInput        a value given at the edge is out of bounds
│   ├── InvalidPhoto    a file that is not a usable picture
│   ├── InvalidCard     a file that is not a concept to import
│   ├── MixedPhotos     photos of one concept that do not look like one thing; the person may say that they are
│   └── UnknownConcept  an @name or a concept name that is not registered
├── NameTaken           a concept of that name exists already
├── ConsentMissing      a person has not agreed to be given away
├── NotFound            a record or file that is not (or no longer) there
├── StorageFull         the disk or the quota has no room
├── ModelMissing        a model could not be found in any of its sources
├── NothingSuggested    a language model gave nothing that could be used
├── JobCancelled        somebody pressed stop
│   └── JobInterrupted  the studio was closed first
└── JobFailed           a job ended with an error; ``__cause__`` holds it
"""

from __future__ import annotations


class StudioError(Exception):
    """Base of every error that is shown to a person as one sentence."""


class InvalidInput(StudioError):
    """A value given at the edge is out of bounds."""


class InvalidPhoto(InvalidInput):
    """A file that is not a usable picture."""


class InvalidCard(InvalidInput):
    """A file that is not a concept to import."""


class MixedPhotos(InvalidInput):
    """Photos of one concept that do not look like one thing; the person may say that they are."""


class UnknownConcept(InvalidInput):
    """An @name or a concept name that is not registered."""


class NameTaken(StudioError):
    """A concept of that name exists already."""


class ConsentMissing(StudioError):
    """A person has not agreed that what is known of them is given away."""


class NotFound(StudioError):
    """A record or file that is not (or no longer) there."""


class StorageFull(StudioError):
    """The disk or the quota has no room for what was to be written."""


class ModelMissing(StudioError):
    """A model could not be found in any of its sources."""


class NothingSuggested(StudioError):
    """A language model gave nothing that could be used."""


class JobCancelled(StudioError):
    """Somebody pressed stop; with its subclass the only exception used as control flow."""


class JobInterrupted(JobCancelled):
    """The studio was closed before the job had ended."""


class JobFailed(StudioError):
    """A job ended with an error; ``__cause__`` holds it."""
