"""What ships with byleave as files: configurations and SQL, in a checkout and in a package alike."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def shipped(folder: str) -> Traversable:
    """The folder `sql` or `configs`: inside the installed package, or beside it in a checkout."""
    inside = files("pipelines") / folder
    return inside if inside.is_dir() else Path(str(files("pipelines"))).parent / folder
