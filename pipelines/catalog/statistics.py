"""Shipping `stats.duckdb` with a release: aggregates that anyone can open, beside the version file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from pipelines.catalog.views import write_stats
from pipelines.progress import UNWATCHED, Watch
from pipelines.store.releases import Release
from pipelines.store.store import Store


def ship_stats(store: Store, release: Release, watch: Watch = UNWATCHED) -> str:
    """The URL of the release's `stats.duckdb`, made now if it is not there.

    It is made after the release is committed and from nothing but the release, so a run that died between
    the two is mended by the next. DuckDB's files differ from byte to byte each time they are written: no
    digest covers this one, and byleave itself never reads it.
    """
    path = store.releases.stats_path(release.version)
    if not store.backend.exists(path):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "stats.duckdb"
            write_stats(file, release, store, watch)
            with store.backend.upload(".duckdb") as upload:
                upload.file.write(file.read_bytes())
                upload.create(path)
    return f"{store.url}/{path}"
