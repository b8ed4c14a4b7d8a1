"""Finds the models that `configs/models.yaml` names: on this machine, on the hub, or inside a package of the index."""

from __future__ import annotations

from pipelines.resolver.errors import InvalidCatalogue, ModelNotFound, ResolverError
from pipelines.resolver.resolution import ModelStatus, resolve, status
from pipelines.resolver.spec import DEFAULT_CATALOGUE, load_catalogue
from pipelines.resolver.store import models_dir

__all__ = [
    "DEFAULT_CATALOGUE",
    "InvalidCatalogue",
    "ModelNotFound",
    "ModelStatus",
    "ResolverError",
    "load_catalogue",
    "models_dir",
    "resolve",
    "status",
]
