"""Rows in byleave's own columns, from any kind of file: what is wrong with them, and what they say."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import schemas
from transforms.domain.errors import ConfigError
from transforms.domain.license_spellings import normalize
from transforms.domain.texts import shown
from transforms.formats import identity, values
from transforms.formats.quarantine import Fault, fault, mask_of

Columns = Mapping[str, pa.Array]

VISIBILITIES = pa.array(["public", "private", "deleted", "unknown"])
_MEDIA_TYPES = pa.array(["photo", "video", "unknown"])
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
        numbers out of range are null.
    """
    bounded = {name: _within(columns[name], name) for name in _BOUNDS}
    known = pc.index_in(columns["media_type"], _MEDIA_TYPES).fill_null(2)
    named = {"media_type": _MEDIA_TYPES.take(known), **_licenses(columns)}
    rows = pa.table({**columns, **bounded, **named}, schema=schemas.MANIFEST)
    return rows, values.lost({name: (columns[name], bounded[name]) for name in _BOUNDS})


def license_rows(columns: Columns) -> pa.Table:
    """Rows in ``schemas.LICENSES`` with canonical licenses, from columns without snapshot faults."""
    return pa.table({**columns, **_licenses(columns)}, schema=schemas.LICENSES)


def may_be_absent(settings: Mapping[str, object]) -> set[str]:
    """The columns that a license snapshot may lack, given the defaults in ``settings``. Never visibility."""
    return {"license_raw", *(name for name in ("source", "observed_on") if settings.get(name) is not None)}


def with_defaults(columns: Columns, rows: int, settings: Mapping[str, object]) -> dict[str, pa.Array]:
    """The columns of a license snapshot, with what its rows do not say.

    Args:
        columns: those of ``schemas.LICENSES``, perhaps less those of :func:`may_be_absent`.
        rows: how many rows there are.
        settings: ``source`` and ``observed_on`` (ISO date) of rows without.

    Raises:
        ConfigError: ``observed_on`` is no date.
    """
    filled = dict(columns)
    for name, default in (("source", settings.get("source")), ("observed_on", _day(settings))):
        value = pa.scalar(default, schemas.LICENSES.field(name).type)
        filled[name] = filled[name].fill_null(value) if name in filled else pa.repeat(value, rows)
    filled.setdefault("license_raw", pa.nulls(rows, pa.string()))
    return filled


def _licenses(columns: Columns) -> dict[str, pa.Array]:
    return {
        "license": normalize(columns["license"]),
        "license_raw": pc.coalesce(columns["license_raw"], columns["license"]),
    }


def _within(numbers: pa.Array, name: str) -> pa.Array:
    low, high = _BOUNDS[name]
    inside = pc.and_(pc.greater_equal(numbers, low), pc.less_equal(numbers, high))
    return pc.if_else(inside, numbers, None).cast(schemas.MANIFEST.field(name).type)


def _day(settings: Mapping[str, object]) -> datetime.date | None:
    day = settings.get("observed_on")
    try:
        return None if day is None else datetime.date.fromisoformat(str(day))
    except ValueError:
        raise ConfigError(f"observed_on is {shown(day)}: write a date as 2026-11-01") from None
