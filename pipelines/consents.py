"""Taking in consents: a list becomes a table of statements, named by its day and its content."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.ingest_tables import files_of
from pipelines.lists import commit_list, pin
from pipelines.requesterkey import key_file
from pipelines.steps import consents
from pipelines.store.store import Store
from pipelines.store.tables import CONSENTS, Table
from transforms.domain.errors import InputError


def ingest_consents(
    store: Store, paths: Sequence[str], *, received_on: str, requester_key: str | None = None
) -> Table:
    """The list of consents made of ``paths``.

    Args:
        store: that takes it in.
        paths: of its files: CSV, JSON lines or Parquet.
        received_on: ISO date.
        requester_key: file of the key under which depicted persons are kept, instead of the one that the
            environment names.

    Raises:
        InputError: a statement is not understood, with its line; or there is none.
        ConfigError: a person is named, and there is no key; or the key cannot be read.
    """
    pinned = pin(paths)
    action = consents.action(
        pinned.splits,
        source=store.dataset.source,
        received_on=received_on,
        key_file=key_file(requester_key),
    )
    result = consents.STAGE.perform(store, action)
    counts = {name: count for name, count in result.counts.items() if "/" not in name}
    if not counts["rows"]:
        raise InputError(f"{', '.join(paths)}: the list is empty. If nobody said anything, leave it out")
    return commit_list(
        store,
        CONSENTS,
        result.blobs["entries"],
        day=received_on,
        counts=counts,
        files=files_of(pinned, "consents"),
        turns=result.counts_by("turn"),
    )
