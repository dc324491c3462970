"""Join: one bucket's manifest, license ledger, leave, signals and detections become facts."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.actions import Action, Done, Stage
from pipelines.store.blobs import Blob
from pipelines.store.documents import digest
from pipelines.store.memo import Result
from pipelines.store.routed import Slice, gather
from pipelines.store.store import Store
from transforms.domain.errors import IntegrityError
from transforms.domain.schemas import DETECTIONS, FACTS, LEAVE, LEDGER, MANIFEST, MET, SIGNALED
from transforms.facts import MANIFEST_COLUMNS, change_leave, join_facts
from transforms.leave import OWN_COLUMNS
from transforms.ledger import newest

_DICTIONARIES = ("source", "owner_id", "license", "media_type")
_LEDGER_COLUMNS = ("row", "license", "visibility", "valid_to", "known_to")


@dataclass(frozen=True)
class Leave:
    """What was asked and granted, as far as it may concern a bucket.

    Attributes:
        own: of its owners, and of items resolved to it.
        met: what its scans met: rows, and owners by their names.
        wide: what stands against targets that do not say where they live; None where none of them is met.
    """

    own: Sequence[Slice] = ()
    met: Sequence[Blob] = ()
    wide: Blob | None = None

    def inputs(self) -> dict[str, Any]:
        """By what an action is known."""
        return {
            "leave": sorted({each.digest for each in self.own}),
            "met": sorted({blob.digest for blob in self.met}),
            "wide": self.wide.digest if self.wide else None,
        }

    def to_json(self) -> dict[str, Any]:
        """What an action carries."""
        return {
            "leave": [each.to_json() for each in self.own],
            "met": [blob.to_json() for blob in self.met],
            "wide": self.wide.to_json() if self.wide else None,
        }


@dataclass(frozen=True)
class Seen:
    """Whether people are in a bucket's items, by one snapshot of detections.

    Attributes:
        day: ISO date of the rows that state none.
        resolved: slices of rows that belong to items of this bucket.
    """

    day: str
    resolved: tuple[Slice, ...]

    def inputs(self) -> list[Any]:
        """By what an action is known."""
        return [self.day, sorted({each.digest for each in self.resolved})]

    def to_json(self) -> list[Any]:
        """What an action carries."""
        return [self.day, [each.to_json() for each in self.resolved]]


@dataclass(frozen=True)
class Concerns:
    """All but the leave that a manifest bucket is joined with.

    Attributes:
        ledger: of its licenses; None if no snapshot says anything of them.
        signaled: what signals come to for its items; None if they say nothing.
        seen: detections, the oldest snapshot first.
    """

    ledger: Blob | None = None
    signaled: Blob | None = None
    seen: Sequence[Seen] = field(default_factory=tuple)


@dataclass(frozen=True)
class Earlier:
    """A join of the same bucket in an earlier release.

    Attributes:
        key: of its memo, under this version of the code.
        but_leave: a digest of its inputs other than leave.
        facts: what it came to.
    """

    key: str
    but_leave: str
    facts: Blob

    @staticmethod
    def of(done: Done) -> Earlier:
        """What a later join needs to know of it."""
        return Earlier(STAGE.key(done.action), _but_leave(done.action.inputs), done.result.blobs["facts"])


def _but_leave(inputs: Mapping[str, Any]) -> str:
    return digest({**inputs, **dict.fromkeys(Leave().inputs())})


def action(
    bucket: int, manifest: Blob, concerns: Concerns, leave: Leave, before: Earlier | None = None
) -> Action:
    """Join a manifest bucket with what concerns it.

    Args:
        bucket: its key.
        manifest: its rows.
        concerns: what is known of them besides leave.
        leave: what was asked and granted.
        before: a hint, which changes what the action costs and not what it gives.
    """
    blobs = {"ledger": concerns.ledger, "signaled": concerns.signaled}
    inputs = {
        "manifest": manifest.digest,
        **{name: blob.digest if blob else None for name, blob in blobs.items()},
        "detections": [each.inputs() for each in concerns.seen],
        **leave.inputs(),
    }
    same = before is not None and before.but_leave == _but_leave(inputs)
    return Action(
        inputs=inputs,
        refs={
            **({"before": before.key} if before is not None and same else {}),
            "bucket": bucket,
            "manifest": manifest.to_json(),
            **{name: blob.to_json() if blob else None for name, blob in blobs.items()},
            "detections": [each.to_json() for each in concerns.seen],
            **leave.to_json(),
        },
        weight=manifest.rows,
    )


def run(store: Store, action: Action) -> Result:
    """The blob `facts`, row for row with the manifest bucket."""
    own = gather(store.blobs, [Slice.from_json(each) for each in action.refs["leave"]], LEAVE)
    met = pa.concat_tables([MET.empty_table(), *(_table(store, each, MET) for each in action.refs["met"])])
    leave = own.combine_chunks(), _table(store, action.refs["wide"], LEAVE), met.combine_chunks()
    facts = _changed(store, action, *leave)
    if facts is None:
        signaled = _table(store, action.refs["signaled"], SIGNALED)
        manifest = _manifest(store, action, MANIFEST_COLUMNS)
        facts = join_facts(manifest, _now(store, action), *leave, signaled, _detections(store, action))
    return Result({"facts": store.blobs.put_table(facts, FACTS)}, counts={"rows": len(facts)})


def _changed(store: Store, action: Action, leave: pa.Table, wide: pa.Table, met: pa.Table) -> pa.Table | None:
    """The facts, from those of an earlier join that differs in leave alone."""
    with contextlib.suppress(IntegrityError):  # it is a hint: the tables are there to be joined again
        result = store.memos.get(STAGE.name, action.refs["before"]) if "before" in action.refs else None
        if result is not None:
            texts = [field.name for field in FACTS if field.type == pa.string()]
            facts = store.blobs.get_table(result.blobs["facts"], schema=FACTS, dictionary=texts)
            return change_leave(facts, _manifest(store, action, OWN_COLUMNS), leave, wide, met)
    return None


def _table(store: Store, blob: Any, schema: pa.Schema) -> pa.Table:
    """The rows of a blob as an action carries it; of none, none."""
    if blob is None:
        return schema.empty_table()
    return store.blobs.get_table(Blob.from_json(blob), schema=schema).cast(schema).combine_chunks()


def _now(store: Store, action: Action) -> pa.Table:
    """What is known of the licenses now."""
    ledger = LEDGER.empty_table().select(_LEDGER_COLUMNS)
    if action.refs["ledger"]:
        blob = Blob.from_json(action.refs["ledger"])
        texts = ("license", "visibility")
        ledger = store.blobs.get_table(blob, _LEDGER_COLUMNS, schema=LEDGER, dictionary=texts)
    return newest(ledger)


def _detections(store: Store, action: Action) -> pa.Table:
    """All that was seen, each row with its day."""
    found = [DETECTIONS.empty_table()]
    for day, resolved in action.refs["detections"]:
        rows = gather(store.blobs, [Slice.from_json(each) for each in resolved], DETECTIONS)
        place = DETECTIONS.get_field_index("observed_on")
        stated = pc.coalesce(rows["observed_on"], pa.scalar(datetime.date.fromisoformat(day), pa.date32()))
        found.append(rows.set_column(place, DETECTIONS.field(place), stated))
    return pa.concat_tables(found).combine_chunks()


def _manifest(store: Store, action: Action, columns: Sequence[str]) -> pa.Table:
    manifest = Blob.from_json(action.refs["manifest"])
    texts = [name for name in _DICTIONARIES if name in columns]
    return store.blobs.get_table(manifest, columns, schema=MANIFEST, dictionary=texts).combine_chunks()


STAGE = Stage("Join", run)
