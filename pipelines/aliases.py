"""Taking in alias histories: a file becomes a table of who is who, named by its day and its content."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.raw import files as raw_files
from pipelines.raw import planning
from pipelines.steps import aliases
from pipelines.store.probe import probe
from pipelines.store.store import Store
from pipelines.store.tables import ALIASES, Table
from transforms.domain.errors import InputError


def ingest_aliases(store: Store, paths: Sequence[str], *, observed_on: str) -> Table:
    """The alias history made of ``paths``.

    Args:
        store: that takes it in.
        paths: of its files: CSV or JSON lines.
        observed_on: ISO date on which it was made; since then a release knows it.

    Raises:
        InputError: a line is not understood; or there is none.
    """
    pinned = planning.plan(raw_files.expand(paths), None, split_bytes=0)
    action = aliases.action(pinned.splits, source=store.dataset.source, observed_on=observed_on)
    result = aliases.STAGE.perform(store, action)
    if not result.counts["rows"]:
        raise InputError(
            f"{', '.join(paths)}: the history is empty. If nobody has another name, leave it out"
        )
    table = Table(
        ALIASES,
        f"{observed_on}-{result.blobs['entries'].digest[:8]}",
        date=observed_on,
        blobs=result.blobs,
        counts={**result.counts, "rows_read": result.counts["rows"], "duplicates": 0, "quarantined": 0},
        files=tuple(
            {"name": file.path, "bytes": file.bytes, "sha256": file.sha256, "format": "aliases"}
            for file in pinned.files
        ),
    )
    if store.tables.find(ALIASES, table.name) is None:
        probe(store.backend)
        store.tables.commit(table)
    return store.tables.get(ALIASES, table.name)
