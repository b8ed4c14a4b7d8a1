"""The version of the studio, as pictures and logs carry it."""

from __future__ import annotations

VERSION = "0.1.0"
