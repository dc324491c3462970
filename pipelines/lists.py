"""Lists: what is read whole or not at all, and kept as it was said: opt-outs, consents, aliases, signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipelines.raw import files as raw_files
from pipelines.raw import inputs, planning
from pipelines.store.blobs import Blob
from pipelines.store.probe import probe
from pipelines.store.store import Store
from pipelines.store.tables import Table


def pin(paths: Sequence[str]) -> inputs.Inputs:
    """The files of a list, each with the digest that its bytes have now."""
    return planning.plan(raw_files.expand(paths), None, split_bytes=0)


def commit_list(
    store: Store,
    kind: str,
    entries: Blob,
    *,
    day: str,
    counts: Mapping[str, int],
    files: Iterable[Mapping[str, Any]],
    turns: Iterable[str] = (),
) -> Table:
    """The list of these entries, named by its day and its content: made visible, or found to be there.

    Args:
        store: that takes it in.
        kind: of the table.
        entries: the whole list.
        day: ISO date from which on it is known.
        counts: of its entries, `rows` among them.
        files: what it was made of.
        turns: ISO dates, as :class:`pipelines.store.tables.Table` has them.
    """
    name = f"{day}-{entries.digest[:8]}"
    there = store.tables.find(kind, name)
    if there is not None and there.blobs["entries"] != entries:  # of another list, which begins alike
        name = f"{day}-{entries.digest}"
    table = Table(
        kind,
        name,
        date=day,
        blobs={"entries": entries},
        counts={**counts, "rows_read": counts["rows"], "duplicates": 0, "quarantined": 0},
        files=tuple(files),
        turns=tuple(sorted(turns)),
    )
    if store.tables.find(kind, table.name) is None:
        probe(store.backend)
        store.tables.commit(table)
    return store.tables.get(kind, table.name)
