"""Ledger: what license snapshots say of a bucket's items, as changes in two times.

An action is keyed by the looks that can matter. A look that says again what the one before it said adds
nothing, and is left out: a new snapshot in which nothing changed finds the bucket's memo.
"""

from __future__ import annotations

import contextlib
import datetime
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipelines.actions import Action, Stage
from pipelines.store.blobs import Blob
from pipelines.store.memo import Result
from pipelines.store.routed import Slice, gather
from pipelines.store.store import Store
from transforms.domain.errors import IntegrityError
from transforms.domain.lookup import Ids
from transforms.domain.schemas import LEDGER, LICENSES, MANIFEST
from transforms.domain.texts import encode
from transforms.ledger import MANIFEST_COLUMNS, Look, build_ledger, extend_ledger
from transforms.merge import merge_licenses

_DICTIONARIES = ("source", "owner_id", "media_type")
_LOOK_COLUMNS = ("source", "item_id", "license", "visibility", "observed_on")
_LOOK_TEXTS = ("license", "visibility")
_TEXTS = tuple(field.name for field in LEDGER if field.type == pa.string() and field.name != "item_id")

# So many looks may have been added since the ledger that is extended: a week has nights without a release.
_LOOK_BACK = 3


@dataclass(frozen=True)
class Told:
    """What one license snapshot tells about a bucket.

    Attributes:
        day: ISO date of the snapshot: since when it is known.
        observer: who looked.
        full: whether it lists everything that was there.
        looked_on: ISO date of the look, where it is another than ``day``.
        dated: whether rows of the snapshot may have days of their own.
        owned: the bucket's blob of rows that name their owner, if there are any.
        resolved: slices of rows that do not, and that belong to items of this bucket.
    """

    day: str
    observer: str
    full: bool = False
    looked_on: str = ""
    dated: bool = False
    owned: Blob | None = None
    resolved: tuple[Slice, ...] = ()

    @property
    def digests(self) -> list[str]:
        """What names the rows."""
        owned = [self.owned.digest] if self.owned else []
        return sorted([*owned, *(each.digest for each in self.resolved)])

    @property
    def is_plain(self) -> bool:
        """Whether all that it says is of its own day."""
        return not self.dated and not self.looked_on

    @property
    def identity(self) -> list[Any]:
        """What of it the ledger depends on."""
        return [self.day, self.observer, self.full, self.looked_on, self.digests]

    def to_json(self) -> list[Any]:
        """The snapshot's rows, and what it is, as a JSON value."""
        owned = self.owned.to_json() if self.owned else None
        resolved = [each.to_json() for each in self.resolved]
        return [self.day, self.observer, self.full, self.looked_on, owned, resolved]


def action(bucket: int, manifest: Blob, told: Sequence[Told], observers: Sequence[str]) -> Action | None:
    """Write the ledger of a manifest bucket; None if no snapshot says anything of it.

    Args:
        bucket: the key of the manifest's bucket.
        manifest: its blob.
        told: by the license snapshots, in any order, each once.
        observers: the most trusted first.
    """
    news = _that_matter(told)
    if not news:
        return None
    refs = {
        "bucket": bucket,
        "manifest": manifest.to_json(),
        "looks": [each.to_json() for each in news],
        "before": _before(manifest, news, observers),
    }
    return Action(inputs=_inputs(manifest, news, observers), refs=refs, weight=manifest.rows)


def _inputs(manifest: Blob, told: Sequence[Told], observers: Sequence[str]) -> Mapping[str, Any]:
    # Whom to trust more is a question only where several spoke: policies that differ in it share a ledger.
    spoke = {each.observer for each in told}
    trusted = [name for name in observers if name in spoke] if len(spoke) > 1 else []
    return {
        "manifest": manifest.digest,
        "looks": [each.identity for each in told],
        "observers": trusted,
    }


def _that_matter(told: Sequence[Told]) -> list[Told]:
    """``told`` by day, less looks that say again what the one before said, or that have nothing to miss."""
    ordered = sorted(told, key=lambda each: each.identity)
    # A look that is not plain may speak of any day up to its own.
    mixed = max((each.day for each in ordered if not each.is_plain), default="")
    times = Counter(each.day for each in ordered)
    news: list[Told] = []
    for each in ordered:
        last = news[-1] if news else None
        if last is None:
            is_news = bool(each.digests) or bool(mixed)
        else:
            both_alone = times[each.day] == times[last.day] == 1
            after_all_mixed = each.is_plain and mixed < last.day
            again = each.digests == last.digests and (last.full or not each.full)
            is_news = not (both_alone and after_all_mixed and again)
        if is_news:
            news.append(each)
    return news


def _before(manifest: Blob, told: Sequence[Told], observers: Sequence[str]) -> list[list[str]]:
    """The ledgers that ``told`` may extend: the key of each, and the day of the last look that it knows."""
    found = []
    for known in range(len(told) - 1, max(len(told) - 1 - _LOOK_BACK, 0), -1):
        last, added = told[known - 1], told[known]
        if not added.is_plain or added.day <= last.day:
            break
        earlier = Action(inputs=_inputs(manifest, told[:known], observers))
        found.append([STAGE.key(earlier), last.day])
    return found


def run(store: Store, action: Action) -> Result:
    """The blob `ledger`; none if nothing was said of an item of the bucket.

    Counts: its `rows`, of how many `items`, and `events`: changes, as they are known now.
    """
    result = _extended(store, action)
    if result is None:
        looks = [_look(store, *value) for value in action.refs["looks"]]
        result = _result(store, build_ledger(_manifest(store, action), looks, action.inputs["observers"]))
    return result


def _extended(store: Store, action: Action) -> Result | None:
    """The ledger of fewer looks with the others added; None if there is none to extend."""
    with contextlib.suppress(IntegrityError):  # it is a hint: the snapshots are there to be read again
        for key, day in action.refs["before"]:
            result = store.memos.get(STAGE.name, key)
            if result is not None:
                looks = [_look(store, *value) for value in action.refs["looks"] if value[0] > day]
                ledger = LEDGER.empty_table()
                if "ledger" in result.blobs:
                    ledger = store.blobs.get_table(result.blobs["ledger"], schema=LEDGER, dictionary=_TEXTS)
                extended = extend_ledger(ledger, _manifest(store, action), looks)
                return result if extended is None else _result(store, extended)
    return None


def _result(store: Store, ledger: pa.Table) -> Result:
    blobs = {"ledger": store.blobs.put_table(ledger, LEDGER)} if len(ledger) else {}
    now = ledger["known_to"].null_count
    items = len(ledger["row"].unique())
    return Result(blobs, counts={"rows": len(ledger), "items": items, "events": now - items})


def _manifest(store: Store, action: Action) -> pa.Table:
    blob = Blob.from_json(action.refs["manifest"])
    table = store.blobs.get_table(blob, MANIFEST_COLUMNS, schema=MANIFEST, dictionary=_DICTIONARIES)
    return table.combine_chunks()


def _look(
    store: Store,
    day: str,
    observer: str,
    full: bool,
    looked_on: str,
    owned: Sequence[Any] | None,
    resolved: Sequence[str],
) -> Look:
    date = datetime.date.fromisoformat
    return Look(
        date(day), observer, full, _rows(store, owned, resolved), date(looked_on) if looked_on else None
    )


def _rows(store: Store, owned: Sequence[Any] | None, resolved: Sequence[str]) -> Callable[[], pa.Table]:
    """Reads what a snapshot says: one row for each item and day."""
    slices = [Slice.from_json(value) for value in resolved]

    def read() -> pa.Table:
        unowned = gather(store.blobs, slices, LICENSES)
        if owned is None:
            return unowned.select(_LOOK_COLUMNS)
        blob = Blob.from_json(owned)
        rows = store.blobs.get_table(blob, _LOOK_COLUMNS, schema=LICENSES, dictionary=_LOOK_TEXTS)
        if not len(unowned):
            return rows
        if (_ids(rows).find(_ids(unowned)) >= 0).any():  # an item with its owner, and again without
            rows = store.blobs.get_table(blob, schema=LICENSES).cast(LICENSES)
            return merge_licenses(pa.concat_tables([rows, unowned]).combine_chunks()).select(_LOOK_COLUMNS)
        both = (_encoded(each) for each in (rows, unowned.select(_LOOK_COLUMNS)))
        return pa.concat_tables(both).unify_dictionaries()

    return read


def _ids(rows: pa.Table) -> Ids:
    return Ids(rows["source"], rows["item_id"])


def _encoded(rows: pa.Table) -> pa.Table:
    """``rows`` with the texts that repeat as dictionaries."""
    for name in _LOOK_TEXTS:
        rows = rows.set_column(rows.schema.get_field_index(name), name, encode(rows[name]))
    return rows


STAGE = Stage("Ledger", run)
