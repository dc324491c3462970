"""Snapshots in byleave's own columns: what each kind says of items, and what a file may leave out."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import schemas
from transforms.domain.errors import ConfigError
from transforms.domain.texts import shown
from transforms.formats.ownrows import Columns, identity_faults, license_rows, snapshot_faults
from transforms.formats.quarantine import Fault, fault, mask_of

_STATED = ("source", "observed_on")  # a snapshot states them for rows that do not


@dataclass(frozen=True)
class Snapshot:
    """A kind of snapshot.

    Attributes:
        kind: `licenses` or `detections`.
        schema: of its rows.
        absent: columns that a file may lack, and which are null then.
        faults: rows that cannot be taken in, among the columns of the schema.
        rows: in the schema, of columns without faults.
    """

    kind: str
    schema: pa.Schema
    absent: tuple[str, ...]
    faults: Callable[[Columns], list[Fault]]
    rows: Callable[[Columns], pa.Table]

    def may_be_absent(self, settings: Mapping[str, object]) -> set[str]:
        """The columns that a file may lack, given the defaults in ``settings``. Never what it is about."""
        return {*self.absent, *(name for name in _STATED if settings.get(name) is not None)}

    def with_defaults(
        self, columns: Columns, rows: int, settings: Mapping[str, object]
    ) -> dict[str, pa.Array]:
        """The columns of the schema, with what its rows do not say.

        Args:
            columns: those of the schema, perhaps less those of :meth:`may_be_absent`.
            rows: how many rows there are.
            settings: ``source`` and ``observed_on`` (ISO date) of rows without.

        Raises:
            ConfigError: ``observed_on`` is no date.
        """
        filled = dict(columns)
        for name, default in zip(_STATED, (settings.get("source"), _day(settings)), strict=True):
            value = pa.scalar(default, self.schema.field(name).type)
            filled[name] = filled[name].fill_null(value) if name in filled else pa.repeat(value, rows)
        for name in self.absent:
            filled.setdefault(name, pa.nulls(rows, self.schema.field(name).type))
        return filled


def _day(settings: Mapping[str, object]) -> datetime.date | None:
    day = settings.get("observed_on")
    try:
        return None if day is None else datetime.date.fromisoformat(str(day))
    except ValueError:
        raise ConfigError(f"observed_on is {shown(day)}: write a date as 2026-11-01") from None


def truths(texts: pa.Array) -> pa.Array:
    """`true` or `1`, and `false` or `0`, as what they say; null where a text is neither."""
    place = pc.index_in(pc.ascii_lower(texts), pa.array(["false", "true", "0", "1"]))
    return pa.array([False, True, False, True]).take(place)


def _detection_faults(columns: Columns) -> list[Fault]:
    unsaid = ~mask_of(columns["person_present"].is_valid())
    undated = ~mask_of(columns["observed_on"].is_valid())
    return [
        *identity_faults(columns),
        fault(unsaid, "person_present_unparsable", "person_present is not true or false"),
        fault(undated, "observed_on_unparsable", "the date of observation is missing, or is no date"),
    ]


LICENSES = Snapshot("licenses", schemas.LICENSES, ("license_raw",), snapshot_faults, license_rows)
DETECTIONS = Snapshot(
    "detections",
    schemas.DETECTIONS,
    ("owner_id", "detector"),
    _detection_faults,
    lambda columns: pa.table(dict(columns), schema=schemas.DETECTIONS),
)
