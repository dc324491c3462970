"""Rows in byleave's own columns, from any kind of file: what is wrong with them, and what they say."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import schemas
from transforms.domain.license_spellings import normalize
from transforms.formats import identity, values
from transforms.formats.quarantine import Fault, fault, mask_of

Columns = Mapping[str, pa.Array]

VISIBILITIES = pa.array(["public", "private", "deleted", "unknown"])
_MEDIA_TYPES = pa.array(["photo", "video", "unknown"])
_HASHES = {"content_md5": "^[0-9a-f]{32}$", "content_sha256": "^[0-9a-f]{64}$"}
NEWER_COLUMNS = ("content_sha256", "person_present")
"""Of a manifest: files from before there were these lack them, and say null."""
_BOUNDS = {
    "longitude": (-180, 180),
    "latitude": (-90, 90),
    "accuracy": (1, 16),
    "width": (1, 2**31 - 1),
    "height": (1, 2**31 - 1),
}


def identity_faults(columns: Columns) -> list[Fault]:
    """Rows whose ``source``, ``item_id`` or ``owner_id`` cannot be one."""
    items = identity.item_faults(columns["source"], columns["item_id"])
    return [*items, *identity.owner_faults(columns["owner_id"])]


def snapshot_faults(columns: Columns) -> list[Fault]:
    """Rows of a license snapshot that lack identity, visibility or date."""
    unsaid = ~mask_of(pc.is_in(columns["visibility"], VISIBILITIES))
    undated = ~mask_of(columns["observed_on"].is_valid())
    return [
        *identity_faults(columns),
        fault(unsaid, "visibility_unparsable", "visibility is not public, private, deleted or unknown"),
        fault(undated, "observed_on_unparsable", "the date of observation is missing, or is no date"),
    ]


def manifest_rows(columns: Columns) -> tuple[pa.Table, dict[str, int]]:
    """Rows in ``schemas.MANIFEST``, and cells per column that became null.

    Args:
        columns: those of ``schemas.MANIFEST`` without identity faults; integers may be of any width.

    Returns:
        Canonical licenses, ``license_raw`` as written; ``media_type`` is ``unknown`` unless it is one;
        hashes in lower case; numbers out of range, and what is no hash, are null.
    """
    bounded = {name: _within(columns[name], name) for name in _BOUNDS}
    bounded |= {name: hashes(columns[name], name) for name in _HASHES}
    known = pc.index_in(columns["media_type"], _MEDIA_TYPES).fill_null(2)
    named = {"media_type": _MEDIA_TYPES.take(known), **_licenses(columns)}
    rows = pa.table({**columns, **bounded, **named}, schema=schemas.MANIFEST)
    return rows, values.lost({name: (columns[name], bounded[name]) for name in bounded})


def hashes(written: pa.Array, column: str) -> pa.Array:
    """Hashes as a manifest holds them: an opt-out of the bytes has to find them however they were written."""
    lowered = pc.ascii_lower(written)
    return pc.if_else(pc.match_substring_regex(lowered, _HASHES[column]), lowered, None)


def license_rows(columns: Columns) -> pa.Table:
    """Rows in ``schemas.LICENSES`` with canonical licenses, from columns without snapshot faults."""
    return pa.table({**columns, **_licenses(columns)}, schema=schemas.LICENSES)


def _licenses(columns: Columns) -> dict[str, pa.Array]:
    return {
        "license": normalize(columns["license"]),
        "license_raw": pc.coalesce(columns["license_raw"], columns["license"]),
    }


def _within(numbers: pa.Array, name: str) -> pa.Array:
    low, high = _BOUNDS[name]
    inside = pc.and_(pc.greater_equal(numbers, low), pc.less_equal(numbers, high))
    return pc.if_else(inside, numbers, None).cast(schemas.MANIFEST.field(name).type)
