"""Join: one bucket's manifest, licenses and opt-outs become facts."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.actions import Action, Done, Stage
from pipelines.store.blobs import Blob
from pipelines.store.documents import digest
from pipelines.store.memo import Result
from pipelines.store.routed import Slice, gather
from pipelines.store.store import Store
from transforms.domain.errors import IntegrityError
from transforms.domain.schemas import FACTS, LICENSES, MANIFEST, OPT_OUTS
from transforms.facts import (
    MANIFEST_COLUMNS,
    OWN_COLUMNS,
    URL_COLUMNS,
    Look,
    change_opt_outs,
    join_facts,
)

_DICTIONARIES = (
    "source",
    "owner_id",
    "license",
    "media_type",
    "tags.list.element",
    "machine_tags.list.element",
)
_LOOK_COLUMNS = ("source", "item_id", "license", "visibility", "observed_on")


@dataclass(frozen=True)
class Told:
    """What one license snapshot tells about a bucket: the bucket's blob, or rows resolved to it.

    Attributes:
        day: ISO date of the snapshot.
        rows: the blob, or the slices.
        dated: whether rows of the snapshot may have days of their own.
    """

    day: str
    rows: tuple[Blob, ...] | tuple[Slice, ...]
    dated: bool

    @property
    def digests(self) -> list[str]:
        """What names the rows."""
        return sorted(each.digest for each in self.rows)

    def to_json(self) -> list[Any]:
        """The snapshot's rows as a JSON value."""
        kind = "blob" if isinstance(self.rows[0], Blob) else "slices"
        return [self.day, kind, [each.to_json() for each in self.rows]]


@dataclass(frozen=True)
class Earlier:
    """A join of the same bucket in an earlier release.

    Attributes:
        key: of its memo, under this version of the code.
        but_opt_outs: a digest of its inputs other than opted-out owners and items.
        facts: what it came to.
    """

    key: str
    but_opt_outs: str
    facts: Blob

    @staticmethod
    def of(done: Done) -> Earlier:
        """What a later join needs to know of it."""
        return Earlier(STAGE.key(done.action), _but_opt_outs(done.action.inputs), done.result.blobs["facts"])


def _but_opt_outs(inputs: Mapping[str, Any]) -> str:
    return digest({**inputs, "opt_outs": None})


def action(
    bucket: int,
    manifest: Blob,
    told: Sequence[Told],
    opt_outs: Sequence[Slice],
    wide: Sequence[Blob],
    before: Earlier | None = None,
) -> Action:
    """Join a manifest bucket with what concerns it.

    Args:
        told: by the license snapshots, in any order.
        opt_outs: owners of this bucket and items resolved to it.
        wide: URLs and tags, which concern every bucket.
        before: a hint, which changes what the action costs and not what it gives.
    """
    told = _newest_first(told)
    inputs = {
        "manifest": manifest.digest,
        "licenses": _order_of(told),
        "opt_outs": sorted({each.digest for each in opt_outs}),
        "wide": sorted({blob.digest for blob in wide}),
    }
    same = before is not None and before.but_opt_outs == _but_opt_outs(inputs)
    return Action(
        inputs=inputs,
        refs={
            **({"before": before.key} if before is not None and same else {}),
            "bucket": bucket,
            "manifest": manifest.to_json(),
            "licenses": [each.to_json() for each in told],
            "opt_outs": [each.to_json() for each in opt_outs],
            "wide": [blob.to_json() for blob in wide],
        },
        weight=manifest.rows,
    )


def _newest_first(told: Sequence[Told]) -> list[Told]:
    """``told`` without what a later snapshot says again: whatever the earlier one saw, the later one saw."""
    ordered = sorted(told, key=lambda each: (each.day, each.digests), reverse=True)
    if any(each.dated for each in ordered):
        return ordered
    latest: dict[tuple[str, ...], Told] = {}
    for each in ordered:
        latest.setdefault(tuple(each.digests), each)
    return list(latest.values())


def _order_of(told: Sequence[Told]) -> list[Any]:
    """What of the days changes the facts: only which snapshot is newer, unless rows have their own.

    So a night on which a new snapshot says the same of a bucket as the last one finds the bucket's memo.
    """
    days = {each.day: [other.digests for other in told if other.day == each.day] for each in told}
    return [[day, *each] for day, each in days.items()] if any(e.dated for e in told) else [*days.values()]


def run(store: Store, action: Action) -> Result:
    """The blob `facts`, row for row with the manifest bucket."""
    opt_outs = gather(store.blobs, [Slice.from_json(v) for v in action.refs["opt_outs"]], OPT_OUTS)
    facts = _changed(store, action, opt_outs.combine_chunks())
    if facts is None:
        facts = _joined(store, action, opt_outs)
    return Result({"facts": store.blobs.put_table(facts, FACTS)}, counts={"rows": len(facts)})


def _joined(store: Store, action: Action, opt_outs: pa.Table) -> pa.Table:
    """The facts, from nothing but the tables."""
    wide = [store.blobs.get_table(Blob.from_json(v), schema=OPT_OUTS) for v in action.refs["wide"]]
    concerns = pa.concat_tables([opt_outs, *wide])
    columns = list(MANIFEST_COLUMNS)
    if "url" in concerns["kind"].unique().to_pylist():
        columns += URL_COLUMNS
    looks = [_look(store, *value) for value in action.refs["licenses"]]
    return join_facts(_manifest(store, action, columns), looks, concerns.combine_chunks())


def _changed(store: Store, action: Action, opt_outs: pa.Table) -> pa.Table | None:
    """The facts, from those of an earlier join that differs in opted-out owners and items alone."""
    with contextlib.suppress(IntegrityError):  # it is a hint: the tables are there to be joined again
        result = store.memos.get(STAGE.name, action.refs["before"]) if "before" in action.refs else None
        if result is not None:
            texts = [field.name for field in FACTS if field.type == pa.string()]
            facts = store.blobs.get_table(result.blobs["facts"], schema=FACTS, dictionary=texts)
            return change_opt_outs(facts, _manifest(store, action, OWN_COLUMNS), opt_outs)
    return None


def _manifest(store: Store, action: Action, columns: Sequence[str]) -> pa.Table:
    manifest = Blob.from_json(action.refs["manifest"])
    nested = [name for name in _DICTIONARIES if name.partition(".")[0] in columns]
    table = store.blobs.get_table(manifest, columns, schema=MANIFEST, dictionary=nested)
    return table.combine_chunks()


def _look(store: Store, day: str, kind: str, rows: Sequence[Any]) -> Look:
    def read() -> pa.Table:
        if kind == "slices":
            return gather(store.blobs, [Slice.from_json(value) for value in rows], LICENSES)
        (blob,) = rows
        return store.blobs.get_table(
            Blob.from_json(blob), _LOOK_COLUMNS, schema=LICENSES, dictionary=("license", "visibility")
        )

    return Look(datetime.date.fromisoformat(day), read)


STAGE = Stage("Join", run)
