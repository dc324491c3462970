"""WideTargets: what opt-out lists name that does not say where it lives: a URL, a host, a tag, a name.

A chunk of lists makes one set of targets, by which each bucket is scanned once. Where a manifest has rows of
other platforms, which may show what is Flickr's, Flickr's items and owners are among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.store import Store
from pipelines.store.tables import Table
from transforms.domain.schemas import ALIASES, OPT_OUTS
from transforms.domain.targets import FLICKR
from transforms.match import FLICKRS, KINDS
from transforms.standing import ALIAS_COLUMNS, owners_meant

COLUMNS = ("kind", "key")
SCHEMA = pa.schema([OPT_OUTS.field(name) for name in COLUMNS])


def action(lists: Sequence[Table], *, shown: Sequence[Table] | None = None) -> Action:
    """The wide targets of a chunk of opt-out lists.

    Args:
        lists: at least one.
        shown: where rows may show what is Flickr's, the lists that say whom an alias means; else None.
    """
    ledgers = {"entries": lists} | ({} if shown is None else {"aliases": shown})
    blobs = {
        name: {table.blobs["entries"].digest: table.blobs["entries"] for table in some}
        for name, some in ledgers.items()
    }
    return Action(
        inputs={name: sorted(some) for name, some in blobs.items()},
        refs={name: [blob.to_json() for _, blob in sorted(some.items())] for name, some in blobs.items()},
        weight=sum(blob.rows for some in blobs.values() for blob in some.values()),
    )


def run(store: Store, action: Action) -> Result:
    """The blob `targets`: kind and key, distinct and sorted, absent if there are none; counts them by kind.

    Whatever was ever asked of a target is scanned for. What stands of it, and when, is not looked at here: so
    nothing is scanned again because a day came. What waits for a person was not asked yet.
    """
    named = pa.concat_tables(_named(store, Blob.from_json(value)) for value in action.refs["entries"])
    wide = [named.filter(pc.is_in(named["kind"], pa.array(KINDS)))]
    if "aliases" in action.refs:
        wide += _flickrs(store, action, named)
    targets = pa.concat_tables(each.select(COLUMNS).cast(SCHEMA) for each in wide)
    targets = targets.group_by(COLUMNS, use_threads=False).aggregate([])
    targets = targets.sort_by([(name, "ascending") for name in COLUMNS]).combine_chunks()
    counted = targets["kind"].combine_chunks().value_counts().to_pylist()
    counts = {each["values"]: each["counts"] for each in counted}
    blobs = {"targets": store.blobs.put_table(targets, SCHEMA)} if len(targets) else {}
    return Result(blobs, counts=counts)


def _named(store: Store, entries: Blob) -> pa.Table:
    rows = store.blobs.get_table(entries, (*COLUMNS, "source", "state"), schema=OPT_OUTS)
    return rows.filter(pc.equal(rows["state"], "active"))


def _flickrs(store: Store, action: Action, named: pa.Table) -> Iterator[pa.Table]:
    """Flickr's items and owners: those that are named, and whom a name means."""
    yield named.filter(
        pc.and_(
            pc.is_in(named["kind"], pa.array(FLICKRS)), pc.equal(named["source"], FLICKR).fill_null(False)
        )
    )
    lists = [Blob.from_json(value) for value in action.refs["aliases"]]
    known = [store.blobs.get_table(blob, ALIAS_COLUMNS, schema=ALIASES) for blob in lists]
    aliases = pa.concat_tables([ALIASES.empty_table().select(ALIAS_COLUMNS), *known])
    owners = owners_meant(named, aliases)
    yield owners.filter(pc.equal(owners["source"], FLICKR))


STAGE = Stage("WideTargets", run)
