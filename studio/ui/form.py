"""Widgets bound to the fields of a request by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Generic, TypeVar

from gradio.components import Component

T = TypeVar("T")


class Form(Generic[T]):
    """The widgets of a page that together make one request.

    Pass `components` as ``inputs_kwargs`` of an event: the handler then receives the values under the
    request's own field names, and so does the public endpoint.

    Args:
        request: a dataclass.
        widgets: its fields, each with the component that asks for it.

    Raises:
        TypeError: a widget is named like no field of `request`.
    """

    def __init__(self, request: type[T], **widgets: Component) -> None:
        unknown = widgets.keys() - {field.name for field in fields(request)}  # type: ignore[arg-type]
        if unknown:
            raise TypeError(f"{request.__name__} has no field {', '.join(sorted(unknown))}.")
        self._request = request
        self.components: dict[str, Component] = widgets

    def read(self, values: Mapping[str, Any]) -> T:
        """Return the request that the widgets' `values` make; raises what the request raises."""
        return self._request(**{name: values[name] for name in self.components})

    def fill(self, values: Mapping[str, Any]) -> dict[Component, Any]:
        """Return the update that shows `values`, given by field name, in their widgets."""
        return {self.components[name]: value for name, value in values.items()}
