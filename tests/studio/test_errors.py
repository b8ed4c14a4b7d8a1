from __future__ import annotations

import inspect

from studio import errors


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    assert all(issubclass(kind, errors.StudioError) for kind in classes)
    drawn = inspect.getdoc(errors)
    assert drawn is not None
    for kind in classes:
        assert kind.__name__ in drawn
