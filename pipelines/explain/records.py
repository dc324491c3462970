"""Evidence: what the tables of a release say of a few items, found by index and read from one bucket each."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.release_inputs import Inputs
from pipelines.store.blobs import Blob
from pipelines.store.store import Store
from pipelines.store.tables import Table
from pipelines.threads import in_threads
from transforms.domain import keys, schemas, subbuckets
from transforms.domain.subbuckets import SubBucket
from transforms.explain import Evidence, Row
from transforms.names import Names, Target, tag_that_says_no, targets_of
from transforms.signals.adjudicate import standing_signals
from transforms.signals.speaking import SIDES, who_speaks

Item = tuple[str, str]
"""Source and id."""


class Records:
    """The tables of a release, to be asked about items.

    Nothing is read that does not concern them, as far as that can be told: of the manifest and of licenses
    the buckets in which they live, of licenses and detections their shards; of lists first the keys.
    """

    def __init__(self, store: Store, inputs: Inputs) -> None:
        self._store = store
        self._inputs = inputs
        self._buckets = store.dataset.buckets
        self._at_once = store.backend.reads_at_once

    def homes(self, items: Iterable[Item]) -> dict[Item, int]:
        """By the manifest's index, the home bucket of each item that it has."""
        asked = _pairs(items)
        shards = keys.bucket_of(keys.item_hash(asked["source"], asked["item_id"]), self._store.dataset.shards)
        found = {}
        for shard in np.unique(shards).tolist():
            blob = self._inputs.manifest.shards.get(shard)
            here = asked.filter(pa.array(shards == shard))
            for row in self._of_items(blob, schemas.INDEX, here):
                home = int(keys.bucket_of(np.array([row["home"]], np.uint64), self._buckets)[0])
                found[row["source"], row["item_id"]] = home
        return found

    def keys(self, items: Iterable[Item]) -> dict[Item, int]:
        """The key of the manifest's bucket, or sub-bucket, in which each item that it has lives."""
        held = subbuckets.by_home(self._inputs.manifest.buckets, self._buckets)
        found = {}
        for item, home in self.homes(items).items():
            pair = _pairs([item]) if len(held.get(home, ())) > 1 else None
            for key in held.get(home, ()):
                if pair is None or len(SubBucket.of(key, self._buckets).select(pair)):
                    found[item] = key
        return found

    def of_owner(self, source: str, owner: str) -> list[Item]:
        """The items of an owner."""
        name = pa.array([owner])
        home = keys.bucket_of(keys.home_hash(pa.array([source]), name, name), self._buckets)[0]
        items = []
        for key in subbuckets.by_home(self._inputs.manifest.buckets, self._buckets).get(int(home), []):
            columns = ["source", "item_id", "owner_id"]
            blob = self._inputs.manifest.buckets[key]
            rows = self._store.blobs.get_table(blob, columns, schema=schemas.MANIFEST)
            theirs = rows.filter(pc.and_(pc.equal(rows["owner_id"], owner), pc.equal(rows["source"], source)))
            items += [(row["source"], row["item_id"]) for row in theirs.to_pylist()]
        return items

    def evidence(self, items: Sequence[Item]) -> Iterator[Evidence]:
        """All that is on record about each item that the manifest has; bucket by bucket."""
        homes: dict[int, list[Item]] = defaultdict(list)
        for item, home in sorted(self.homes(items).items()):
            homes[home].append(item)
        rows = [row for home, some in homes.items() for row in self._manifest(home, some)]
        targets = targets_of(rows, self._names(rows))
        asked = {target for each in targets for target in each}
        requests = self._entries(self._inputs.opt_outs, schemas.OPT_OUTS, asked)
        own = {("item", *_item(row)) for row in rows}
        own |= {("owner", row["source"], row["owner_id"]) for row in rows if row["owner_id"] is not None}
        consents = self._entries(self._inputs.consents, schemas.CONSENTS, own)
        looks, detections = self._looks(homes), self._detections(homes)
        signals = self._signals(rows)
        for row, about, rules in zip(rows, targets, signals, strict=True):
            item, owner = _item(row), ("owner", row["source"], row["owner_id"])
            yield Evidence(
                item=row,
                looks=looks.get(item, ()),
                requests=[{**each, "by": by} for to, by in about.items() for each in requests.get(to, ())],
                consents=[*consents.get(("item", *item), ()), *consents.get(owner, ())],
                signals=rules,
                detections=detections.get(item, ()),
                says_no=tag_that_says_no(about),
            )

    def _manifest(self, home: int, items: Sequence[Item]) -> Iterator[dict[str, Any]]:
        """The rows of some items of one home: first the ids are read, then the row groups that hold one."""
        wanted = _pairs(items)
        for key in subbuckets.by_home(self._inputs.manifest.buckets, self._buckets).get(home, []):
            blob = self._inputs.manifest.buckets[key]
            ids = self._store.blobs.get_table(blob, ["source", "item_id"], schema=schemas.MANIFEST)
            places = np.flatnonzero(_among(ids, wanted).to_numpy())
            with self._store.blobs.row_groups(blob, schema=schemas.MANIFEST) as groups:
                ends = np.cumsum(groups.rows)
                of_group = np.searchsorted(ends, places, side="right")
                for group in np.unique(of_group).tolist():
                    rows = groups.read(group)
                    within = places[of_group == group] - (ends[group] - groups.rows[group])
                    yield from rows.take(pa.array(within)).to_pylist()

    def _names(self, rows: Sequence[Row]) -> Names:
        """Under which names the owners of ``rows`` are known: by side files, and by every manifest."""
        tables = [self._table(each.blobs["entries"], schemas.ALIASES) for each in self._inputs.aliases]
        seen = []
        if any(each.counts.get(kind) for each in self._inputs.opt_outs for kind in ("aliases", "names")):
            owners = pa.array({row["owner_id"] for row in rows} - {None}, pa.string())
            sources, names = (pa.array([row[n] for row in rows], pa.string()) for n in ("source", "owner_id"))
            homes = keys.bucket_of(keys.home_hash(sources, names, names), self._buckets)
            columns = ["source", "owner_id", "owner_name", "page_url"]
            for manifest in (self._inputs.manifest, *self._inputs.earlier):
                by_home = subbuckets.by_home(manifest.buckets, self._buckets)
                for key in (key for home in {*np.unique(homes).tolist()} for key in by_home.get(home, [])):
                    blob = manifest.buckets[key]
                    table = self._store.blobs.get_table(blob, columns, schema=schemas.MANIFEST)
                    seen.append(table.filter(pc.is_in(table["owner_id"], owners, skip_nulls=True)))
        aliases = pa.concat_tables([schemas.ALIASES.empty_table(), *tables])
        return Names.of(aliases, seen)

    def _entries(
        self, tables: Sequence[Table], schema: pa.Schema, targets: Iterable[Target]
    ) -> Mapping[Target, list[Row]]:
        """The entries of lists about ``targets``, each with its list: first keys are read, then the rest."""
        wanted = {*targets}
        of_keys = pa.array({key for _, _, key in wanted}, pa.string())

        def read(table: Table) -> list[dict[str, Any]]:
            blob = table.blobs["entries"]
            met = pc.is_in(self._store.blobs.get_table(blob, ["key"], schema=schema)["key"], of_keys)
            if not pc.any(met).as_py():
                return []
            return [{**row, "list": table.name} for row in self._table(blob, schema).filter(met).to_pylist()]

        found: dict[Target, list[Row]] = defaultdict(list)
        for rows in in_threads(read, tables, self._at_once):
            for row in rows:
                target = (row["kind"], row["source"], row["key"])
                if target in wanted:
                    found[target].append(row)
        return found

    def _looks(self, homes: Mapping[int, Sequence[Item]]) -> Mapping[Item, list[Row]]:
        """What license snapshots say of each item; a full one that does not list it says: missing."""
        said: dict[Item, list[Row]] = defaultdict(list)
        for table, rows in self._of_snapshots(self._inputs.licenses, schemas.LICENSES, homes):
            for row in rows:
                said[_item(row)].append(self._look(table, row))
        for table in self._inputs.licenses if any(each.full for each in self._inputs.licenses) else ():
            day = datetime.date.fromisoformat(table.observed_on or table.date)
            for item in (item for some in homes.values() for item in some if table.full):
                looks = said[item]
                listed = any(look["list"] == table.name for look in looks)
                if not listed and any(
                    look["valid"] < day and look["visibility"] != "missing" for look in looks
                ):
                    row = {"license": "unknown", "visibility": "missing", "observed_on": day}
                    looks.append(self._look(table, row))
        return said

    def _look(self, table: Table, row: Row) -> dict[str, Any]:
        return {
            "license": row["license"],
            "visibility": row["visibility"],
            "valid": row["observed_on"] or datetime.date.fromisoformat(table.date),
            "known": datetime.date.fromisoformat(table.date),
            "observer": table.observer or self._store.dataset.source,
            "list": table.name,
        }

    def _detections(self, homes: Mapping[int, Sequence[Item]]) -> Mapping[Item, list[Row]]:
        said: dict[Item, list[Row]] = defaultdict(list)
        for table, rows in self._of_snapshots(self._inputs.detections, schemas.DETECTIONS, homes):
            for row in rows:
                day = row["observed_on"] or datetime.date.fromisoformat(table.date)
                said[_item(row)].append({**row, "observed_on": day, "list": table.name})
        return said

    def _of_snapshots(
        self, tables: Sequence[Table], schema: pa.Schema, homes: Mapping[int, Sequence[Item]]
    ) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
        """The rows of snapshots about items: by home where they name an owner, else by the item's shard."""
        asked = {home: _pairs(items) for home, items in homes.items()}
        every = pa.concat_tables([_pairs([]), *asked.values()]).combine_chunks()
        shards = keys.bucket_of(keys.item_hash(every["source"], every["item_id"]), self._store.dataset.shards)

        def read(table: Table) -> list[dict[str, Any]]:
            owned = [self._of_items(table.buckets.get(home), schema, some) for home, some in asked.items()]
            found = [
                self._of_items(table.shards.get(shard), schema, every.filter(pa.array(shards == shard)))
                for shard in np.unique(shards).tolist()
            ]
            return [row for rows in (*owned, *found) for row in rows]

        yield from zip(tables, in_threads(read, tables, self._at_once), strict=True)

    def _signals(self, rows: Sequence[Row]) -> list[list[Row]]:
        """The rules that stand and speak of each row, each with all that it says."""
        tables = [self._table(each.blobs["entries"], schemas.SIGNALS) for each in self._inputs.signals]
        if not tables or not rows:
            return [[] for _ in rows]
        standing = standing_signals(pa.concat_tables(tables).combine_chunks(), datetime.date.max)
        columns = ["source", "item_id", *SIDES]
        manifest = pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in columns})
        said: list[list[Row]] = [[] for _ in rows]
        speak = who_speaks(manifest, standing)
        spoken = standing.take(pa.array(speak.rules)).to_pylist()
        for place, rule in zip(speak.rows.tolist(), spoken, strict=True):
            said[place].append(rule)
        return said

    def _of_items(self, blob: Blob | None, schema: pa.Schema, items: pa.Table) -> list[dict[str, Any]]:
        if blob is None:
            return []
        ids = self._store.blobs.get_table(blob, ["source", "item_id"], schema=schema)
        met = _among(ids, items)
        return self._table(blob, schema).filter(met).to_pylist() if pc.any(met).as_py() else []

    def _table(self, blob: Blob, schema: pa.Schema) -> pa.Table:
        return self._store.blobs.get_table(blob, schema=schema).cast(schema)


def _item(row: Row) -> Item:
    return row["source"], row["item_id"]


def _pairs(items: Iterable[Item]) -> pa.Table:
    source, item = ([*each] for each in zip(*items, strict=True)) if (items := [*items]) else ([], [])
    return pa.table({"source": pa.array(source, pa.string()), "item_id": pa.array(item, pa.string())})


def _among(ids: pa.Table, items: pa.Table) -> pa.ChunkedArray:
    """Which of the rows are about ``items``."""
    met = pc.is_in(ids["item_id"], items["item_id"].combine_chunks())
    sources = items["source"].unique()
    if len(sources) == 1:
        return pc.and_(met, pc.equal(ids["source"], sources[0]))
    wanted = {*zip(items["source"].to_pylist(), items["item_id"].to_pylist(), strict=True)}
    rows = np.flatnonzero(met.to_numpy())
    kept = np.zeros(len(ids), np.bool_)
    few = ids.take(pa.array(rows))
    pairs = zip(few["source"].to_pylist(), few["item_id"].to_pylist(), strict=True)
    kept[rows] = [pair in wanted for pair in pairs]
    return pa.chunked_array([pa.array(kept)])
