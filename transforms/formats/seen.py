"""What answers of an API say of items, an item and day at a time, gathered into rows of a license snapshot.

An answer is a tree of a few objects, and is walked in Python; its texts are checked a batch at a time, by the
same rules as those of any other snapshot.
"""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.license_spellings import normalize_one
from transforms.domain.licenses import UNKNOWN
from transforms.domain.targets import are_nsids
from transforms.formats import ownrows, snapshots
from transforms.formats.filerows import FileRows
from transforms.formats.lines import Parsed
from transforms.formats.quarantine import Fault, Why, fault, mask_of

_BATCH_ROWS = 16_384
_BATCH_BYTES = 32 << 20
_TEXTS = ("item_id", "owner_id", "license", "license_raw", "visibility")


class Seen(NamedTuple):
    """One observation; or, with a ``fault``, an answer or a part of it that is none.

    Attributes:
        number: of the photo or the answer in its file, from 0.
        written: it as the file has it: its bytes, or a value of JSON.
        item_id: Flickr's.
        owner_id: its NSID; None if that was not told.
        license: as :func:`agreed` gives it.
        license_raw: likewise.
        visibility: ``public``, ``private`` or ``unknown``; None if it cannot be read.
        observed_on: None on the day of the snapshot.
        fault: why it is refused, if it is.
        weight_bytes: what keeping ``written`` takes.
    """

    number: int
    written: object
    item_id: str | None = None
    owner_id: str | None = None
    license: str | None = None
    license_raw: str | None = None
    visibility: str | None = "public"
    observed_on: datetime.date | None = None
    fault: Why | None = None
    weight_bytes: int = 0


def text(value: object) -> str | None:
    """An id or a name, which some write as a number; null is None. What is neither passes for none."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)[:1000]


def agreed(*told: object) -> tuple[str | None, str | None]:
    """The license that all of ``told`` name, the most trusted first, and what of it was written.

    What is not recognized is passed over. Where two name different ones, the license is None, and all was
    written.
    """
    said = [one for one in map(text, told) if one and one.strip()]
    known = [one for one in said if _normalized(one) != UNKNOWN]
    if len({_normalized(one) for one in known}) > 1:
        return None, " ".join(said)
    first = next(iter([*known, *said]), None)
    return first, first


_normalized = functools.lru_cache(4096)(normalize_one)


def batches(seen: Iterable[Seen], settings: Mapping[str, object]) -> Iterator[Parsed]:
    """Observations as rows in ``schemas.LICENSES``, in their order, in batches of bounded size.

    Args:
        seen: of photos on Flickr.
        settings: see ``Snapshot.with_defaults``.
    """
    batch: list[Seen] = []
    weight_bytes = 0
    for one in seen:
        batch.append(one)
        weight_bytes += one.weight_bytes
        if len(batch) == _BATCH_ROWS or weight_bytes > _BATCH_BYTES:
            yield _parsed(batch, settings)
            batch, weight_bytes = [], 0
    if batch:
        yield _parsed(batch, settings)


def _parsed(batch: Sequence[Seen], settings: Mapping[str, object]) -> Parsed:
    columns = {name: _texts([getattr(one, name) for one in batch]) for name in _TEXTS}
    columns["observed_on"] = pa.array([one.observed_on for one in batch], pa.date32())
    # At which of `batch` a row stands: what is refused for another reason takes its fault along.
    columns["place"] = pa.array(np.arange(len(batch)))
    numbers = np.array([one.number for one in batch], np.int64)
    rows = FileRows(pa.table(columns), numbers, lambda place: _raw(batch[place].written))

    def snapshot() -> dict[str, pa.Array]:
        named = {name: column for name, column in rows.columns().items() if name != "place"}
        named["source"] = pa.repeat("flickr", len(rows))
        return snapshots.LICENSES.with_defaults(named, len(rows), settings)

    rows.refuse(_found(batch, rows.columns()["place"]))
    rows.refuse([*ownrows.snapshot_faults(snapshot()), _no_nsid(rows.columns()["owner_id"])])
    return Parsed(ownrows.license_rows(snapshot()), rows.quarantined())


def _texts(texts: Sequence[str | None]) -> pa.Array:
    # JSON can write half of a surrogate pair: such a text is refused with its row, as any that is not UTF-8.
    encoded = [one if one is None else one.encode("utf-8", "surrogatepass") for one in texts]
    return pa.array(encoded, pa.binary()).view(pa.string())


def _found(batch: Sequence[Seen], places: pa.Array) -> list[Fault]:
    faults: dict[Why, list[int]] = {}
    for row, place in enumerate(places.to_pylist()):
        if found := batch[place].fault:
            faults.setdefault(found, []).append(row)
    return [Fault(np.array(rows, np.int64), *found) for found, rows in faults.items()]


def _no_nsid(owners: pa.Array) -> Fault:
    other = mask_of(pc.invert(are_nsids(owners)))
    return fault(other, "owner_id_unparsable", "the owner id is no NSID, as 12345678@N00")


def _raw(written: object) -> bytes:
    if isinstance(written, bytes):
        return written
    return json.dumps(written, ensure_ascii=False).encode("utf-8", "backslashreplace")
