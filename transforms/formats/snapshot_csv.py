"""Snapshots as CSV: a header naming the columns of their schema, and quotes where needed.

A line is a row: no column of a snapshot holds a line break. So an open quote spoils its own line and no
other, and a file can be cut at any line feed. A line that is the header again, as in files laid end to end,
is no row.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.errors import InputError
from transforms.formats import heads, snapshots, values
from transforms.formats.columns import check_columns
from transforms.formats.lines import Lines, Parsed
from transforms.formats.quarantine import mask_of

_BOM = "\ufeff"
_SEPARATOR = "\x1f"  # the unit separator; a line that holds one is refused


@dataclass(frozen=True)
class SnapshotCsv:
    """The format of a kind of snapshot."""

    name: str
    snapshot: snapshots.Snapshot

    @property
    def kind(self) -> str:
        """Of what the rows are."""
        return self.snapshot.kind

    def variant(self, head: bytes, place: str) -> dict[str, object]:
        """``{"columns": [...]}``: the header, the file's first line.

        Raises:
            InputError: it is no such header, or misses a column for which there can be no default.
        """
        line = head.split(b"\n", 1)[0].decode("utf-8", "replace").removeprefix(_BOM).removesuffix("\r")
        columns = _cells(line)
        names = self.snapshot.schema.names
        if not set(columns) & set(names):
            raise heads.not_of_format(head, place, self.name, f"a header with the columns {', '.join(names)}")
        try:
            self._check(columns, {"source", "observed_on", *self.snapshot.absent})
        except InputError as error:
            raise InputError(f"{place}: {error}") from None
        return {"columns": columns}

    def parse(self, block: bytes, *, offset_bytes: int, line: int, settings: Mapping[str, object]) -> Parsed:
        """The observations of a block of lines, in their order, in the snapshot's schema.

        Args:
            block: whole lines.
            offset_bytes: where the block begins in its split.
            line: the number of its first line in its split.
            settings: what :meth:`variant` found, and defaults: see ``Snapshot.with_defaults``.

        Raises:
            InputError: a column is missing and has no default.
        """
        header = settings["columns"]
        assert isinstance(header, Sequence)
        self._check(header, self.snapshot.may_be_absent(settings))
        lines = Lines(block, len(header), _split)
        lines.leave_out(_is_header(lines, header))

        def columns() -> dict[str, pa.Array]:
            written = {name: values.blank_to_null(lines.column(place)) for place, name in enumerate(header)}
            if "observed_on" in written:
                written["observed_on"] = values.dates(written["observed_on"])
            if "person_present" in written:
                written["person_present"] = snapshots.truths(written["person_present"])
            return self.snapshot.with_defaults(written, len(lines), settings)

        lines.refuse(self.snapshot.faults(columns()))
        return Parsed(self.snapshot.rows(columns()), lines.quarantined(offset_bytes, line))

    def _check(self, columns: Sequence[str], optional: set[str]) -> None:
        texts = pa.schema([(name, pa.string()) for name in self.snapshot.schema.names])
        check_columns(pa.schema([(name, pa.string()) for name in columns]), texts, optional)


LICENSES = SnapshotCsv("licenses-csv", snapshots.LICENSES)
DETECTIONS = SnapshotCsv("detections-csv", snapshots.DETECTIONS)


def _is_header(lines: Lines, header: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    same = np.ones(len(lines), np.bool_)
    for place, column in enumerate(header):
        names = pa.array([column, _BOM + column] if place == 0 else [column])
        same &= mask_of(pc.is_in(lines.column(place), names))
    return same


def _split(lines: pa.StringArray) -> pa.ListArray:
    mask = pc.match_substring_regex(lines, f'["{_SEPARATOR}]')
    separated = pc.replace_substring(lines, ",", _SEPARATOR)
    if pc.any(mask).as_py():
        unquoted = [_SEPARATOR.join(_cells(line)) for line in lines.filter(mask).to_pylist()]
        separated = pc.replace_with_mask(separated, mask, pa.array(unquoted, pa.string()))
    return pc.split_pattern(separated, _SEPARATOR)


def _cells(line: str) -> list[str]:
    """The cells of one line; none where a quote is left open, or no text would write what stands there."""
    try:
        return [] if _SEPARATOR in line else next(csv.reader([line], strict=True), [])
    except csv.Error:
        return []
