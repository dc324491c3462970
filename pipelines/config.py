"""What ships with byleave as files: configurations and SQL, in a checkout and in a package alike."""

from __future__ import annotations

import math
import os
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from transforms.domain.errors import ConfigError


def shipped(folder: str) -> Traversable:
    """The folder `sql` or `configs`: inside the installed package, or beside it in a checkout."""
    inside = files("pipelines") / folder
    return inside if inside.is_dir() else Path(str(files("pipelines"))).parent / folder


def patience_seconds(otherwise: float) -> float:
    """How long one request to a store or for a raw file elsewhere is tried: ``BYLEAVE_PATIENCE_SECONDS``.

    Raises:
        ConfigError: it is no number above 0.
    """
    told = os.environ.get("BYLEAVE_PATIENCE_SECONDS")
    if not told:
        return otherwise
    try:
        seconds = float(told)
    except ValueError:
        seconds = 0
    if not 0 < seconds < math.inf:
        raise ConfigError(f"BYLEAVE_PATIENCE_SECONDS={told}: is no number of seconds; write one, such as 60")
    return seconds
