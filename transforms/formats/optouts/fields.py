"""What a row says of its opt-outs besides whom and what they name: purposes, dates, state, who asked."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.errors import ConfigError
from transforms.domain.purposes import ALL, PURPOSES, bits_of
from transforms.domain.requesters import keyed
from transforms.domain.schemas import OPT_OUTS
from transforms.domain.texts import did_you_mean, encode, shown
from transforms.formats.lists import Faults, Lines
from transforms.formats.optouts.entries import LABEL, Received, is_label
from transforms.formats.optouts.requestids import is_made

STATES = ("active", "withdrawn")
"""What a list may make of a request. That one is held is for the intake to say."""

_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SEPARATORS = re.compile(r"[;\s]+")


class _Unreadable(ValueError):
    """A cell that is not understood; its text is what to say behind the value."""


def parse_purposes(text: str) -> int:
    """The bit set of purposes by name, with ``;`` or white space between them; ``all`` is every one.

    Raises:
        ValueError: a name is not one of a purpose.
    """
    bits = 0
    for name in filter(None, _SEPARATORS.split(text)):
        if name != "all" and name not in PURPOSES:
            near = did_you_mean(name, (*PURPOSES, "all")) or f" There are {', '.join(PURPOSES)}."
            raise _Unreadable(f"holds {shown(name)}, which is no purpose.{near}")
        bits |= ALL if name == "all" else bits_of([name])
    return bits


def purposes_option(text: str | None) -> int | None:
    """:func:`parse_purposes` of an option.

    Raises:
        ConfigError: a name is not one of a purpose.
    """
    try:
        return None if text is None else parse_purposes(text.replace(",", " ")) or ALL
    except ValueError as error:
        raise ConfigError(f"--purposes {shown(text)} {error}") from None


def _purposes(text: str) -> int:
    if not (bits := parse_purposes(text)):  # an entry for nothing would be a person who is not heard
        raise _Unreadable(f"names no purpose. There are {', '.join(PURPOSES)}.")
    return bits


def _date(text: str) -> datetime.date:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise _Unreadable("is not a date such as 2026-11-10") from None


def _state(text: str) -> str:
    if text not in STATES:
        raise _Unreadable(f"is not one of {', '.join(STATES)}.{did_you_mean(text, STATES)}")
    return text


def _label(text: str) -> str:
    if not is_label(text):
        raise _Unreadable(f"is not {LABEL}")
    return text


def _request(text: str) -> str:
    if is_made(text):
        raise _Unreadable("is of the form of ids that byleave makes; leave it empty or state another")
    return _label(text)


_PARSE: Mapping[str, Callable[[str], Any]] = {
    "request": _request,
    "purposes": _purposes,
    "requested_on": _date,
    "effective_on": _date,
    "expires_on": _date,
    "state": _state,
    "origin": _label,
    "evidence": str,
}

FIELDS = (*_PARSE, "requester")
"""Columns of a list that say something of its entries."""


def read_fields(lines: Lines, cells: Mapping[str, pa.Array], received: Received, faults: Faults) -> pa.Table:
    """The columns of ``schemas.OPT_OUTS`` that rows fill.

    Args:
        lines: the line of each row.
        cells: text by column, row for row, empty where nothing is said.
        received: by which dates are held to make sense, and the key for requesters.
        faults: gets the cells that are not understood.

    Returns:
        The columns of ``cells`` that are among :data:`FIELDS`, typed, row for row; null where it is empty.

    Raises:
        ConfigError: a requester is named, and there is no key.
    """
    columns = {
        name: _parsed(lines, cells[name], name, parse, faults)
        for name, parse in _PARSE.items()
        if name in cells
    }
    if "requester" in cells:
        columns["requester"] = _requesters(cells["requester"], received)
    _check_order(lines, columns, received, faults)
    return pa.table(columns) if columns else pa.table({"": pa.nulls(len(lines))}).drop_columns([""])


def _parsed(
    lines: Lines, cells: pa.Array, name: str, parse: Callable[[str], Any], faults: Faults
) -> pa.Array:
    """Each cell by ``parse``, which is called once for each distinct one."""
    encoded = encode(cells)
    values: list[Any] = []
    wrong: dict[int, str] = {}
    for place, text in enumerate(encoded.dictionary.to_pylist()):
        value = None
        try:
            value = parse(text) if text else None
        except _Unreadable as error:
            wrong[place] = str(error)
        values.append(value)
    if wrong:
        rows = np.flatnonzero(np.isin(encoded.indices.to_numpy(), list(wrong)))
        faults.add(
            lines[rows],
            (
                f", {name}: {shown(encoded[row].as_py())} {wrong[encoded.indices[row].as_py()]}"
                for row in rows.tolist()
            ),
        )
    return pa.array(values, OPT_OUTS.field(name).type).take(encoded.indices)


def _requesters(cells: pa.Array, received: Received) -> pa.Array:
    if received.key is not None:
        return keyed(cells, received.key)
    if pc.any(pc.not_equal(cells, "")).as_py():
        raise ConfigError(
            f"{received.place}: names requesters, who are kept as keyed hashes only, and no key is given."
            " Make one (openssl rand -hex 32 > requester.key), keep it outside the store, and name it:"
            " --requester-key requester.key, or BYLEAVE_REQUESTER_KEY=requester.key in the environment"
        )
    return pa.nulls(len(cells), pa.string())


def _check_order(lines: Lines, columns: Mapping[str, pa.Array], received: Received, faults: Faults) -> None:
    """Faults of dates that cannot be: asked after it was received, over before it begins."""
    day = pa.scalar(received.received_on, pa.date32())
    if "requested_on" in columns:
        _late(
            lines,
            columns["requested_on"],
            pc.greater(columns["requested_on"], day),
            lambda row: (
                f", requested_on: {columns['requested_on'][row]} is after {day}, when it was received"
            ),
            faults,
        )
    if "expires_on" in columns:
        begins = columns.get("effective_on", pa.nulls(len(lines), pa.date32())).fill_null(day)
        _late(
            lines,
            columns["expires_on"],
            pc.less_equal(columns["expires_on"], begins),
            lambda row: (
                f", expires_on: {columns['expires_on'][row]} is not after {begins[row]}, when it begins"
            ),
            faults,
        )


def _late(
    lines: Lines, dates: pa.Array, wrong: pa.Array, words: Callable[[int], str], faults: Faults
) -> None:
    rows = np.flatnonzero(wrong.fill_null(False).to_numpy(zero_copy_only=False))
    faults.add(lines[rows], (words(row) for row in rows.tolist()))
