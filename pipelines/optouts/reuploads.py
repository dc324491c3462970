"""Reuploads: a manifest that comes after an opt-out of an item tells the item's bytes, which stay out too.

Intake of a list looks its items up in the manifests that are there. What only a later one tells is added to
the ledger when that one comes, list by list, as if each were taken in once more.
"""

from __future__ import annotations

import pyarrow.compute as pc

from pipelines.optouts.intake import commit_entries, is_of_items_alone
from pipelines.optouts.requests import SAME_BYTES, about_items, stated
from pipelines.optouts.samebytes import without_asked_otherwise, without_known
from pipelines.optouts.weighing import weigh_targets
from pipelines.progress import UNWATCHED, Watch
from pipelines.store.store import Store
from pipelines.store.tables import OPT_OUTS, Table
from transforms.formats.optouts.entries import merge_lists
from transforms.intake import Rules, hold, targets_of, with_contents


def cover_reuploads(store: Store, manifest: Table, watch: Watch = UNWATCHED) -> None:
    """Add to the ledger the bytes that opted-out items have by ``manifest``, unless it knows them.

    The ledger is then what it would be if the manifest had come first. Each list of which bytes are new makes
    a list of them: of its day, or of the manifest's if that is later, since only then were they known. Bytes
    of more items than a request may meet are held.

    Args:
        store: whose ledger it is.
        manifest: its rows lie in the store; that it is visible is not needed. Made visible afterwards, it is
            never without its entries, wherever the run is killed.
        watch: shows how far it is.
    """
    lists = [table for table in store.tables.all(OPT_OUTS) if not is_of_items_alone(table.files)]
    items = about_items(store, lists)
    if not len(items):
        return
    hashes = weigh_targets(store, targets_of(items), watch, manifest).weights
    contents = without_known(store, with_contents(items, hashes, manifest.name))
    if not len(contents):
        return
    met = weigh_targets(store, targets_of(contents), watch, manifest)
    new = set(contents["list"].to_pylist())
    for table in (each for each in lists if each.name in new):  # by day: one takes back what an earlier asked
        theirs, own = (each.filter(pc.equal(each["list"], table.name)) for each in (contents, items))
        entries = hold(without_asked_otherwise(store, theirs, own), met.weights, met.items, Rules())
        if len(entries):
            day = max(manifest.date, table.date)
            made_of = {**stated(table, SAME_BYTES), "manifest": manifest.name}
            commit_entries(store, merge_lists([entries]), [made_of], day, {"derived": len(entries)})


def reuploads_of(store: Store, manifest: Table) -> list[Table]:
    """The lists of bytes that were added for ``manifest``, by their days."""
    return [
        table
        for table in store.tables.all(OPT_OUTS)
        if any(file.get("manifest") == manifest.name for file in table.files)
    ]
