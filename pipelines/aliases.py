"""Taking in alias histories: a file becomes a table of who is who, named by its day and its content."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.ingest_tables import files_of
from pipelines.lists import commit_list, pin
from pipelines.steps import aliases
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
    pinned = pin(paths)
    action = aliases.action(pinned.splits, source=store.dataset.source, observed_on=observed_on)
    result = aliases.STAGE.perform(store, action)
    if not result.counts["rows"]:
        raise InputError(
            f"{', '.join(paths)}: the history is empty. If nobody has another name, leave it out"
        )
    return commit_list(
        store,
        ALIASES,
        result.blobs["entries"],
        day=observed_on,
        counts=result.counts,
        files=files_of(pinned, "aliases"),
    )
