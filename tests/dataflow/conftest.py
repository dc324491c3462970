from __future__ import annotations

from pathlib import Path

import pytest
from support import installation


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist."""
    return installation.sdist(tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="session")
def worker(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which the sdist is installed, as on a worker."""
    return installation.installed(archive, tmp_path_factory.mktemp("worker") / "env")
