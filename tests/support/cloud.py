"""The GCS server and the weather before it, as all clients of this process and its children find them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.fakegcs import FakeGcs, fake_gcs
from support.weather import Weather


@dataclass(frozen=True)
class Cloud:
    """A server behind weather."""

    server: FakeGcs
    weather: Weather

    def new_bucket(self) -> str:
        """The name of a new, empty bucket. Making it is not counted."""
        return self.server.new_bucket()


@contextlib.contextmanager
def cloud(folder: Path | None = None) -> Iterator[Cloud]:
    """A server, in memory or in ``folder``, whose weather `STORAGE_EMULATOR_HOST` names meanwhile."""
    with fake_gcs(folder) as server, Weather(server.url) as weather, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", weather.url)
        # Read when gcsfs is imported. Otherwise it asks a gRPC service of each bucket's kind, which no
        # emulator has, and waits a minute for the answer.
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        yield Cloud(server, weather)
