"""Real inputs, which are no part of the project: tests that read them are skipped where they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("BYLEAVE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


def shared(test):
    """Marks a test that reads the real inputs."""
    reason = f"the real inputs are not at {SHARED}"
    return pytest.mark.shared(pytest.mark.skipif(not SHARED.is_dir(), reason=reason)(test))
