"""Rows of cells under column names: what lists of consents have in common, in whatever form they come.

A row names one item or owner, who speaks, what they say, and of which purposes. A grant names its purposes
one by one: leave for everything, those to come too, is nothing that anybody can give.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.errors import ConfigError
from transforms.domain.purposes import ALL
from transforms.domain.requesters import keyed
from transforms.domain.schemas import CONSENTS
from transforms.domain.targets import parse_targets, why_not
from transforms.domain.texts import did_you_mean, shown
from transforms.formats.lists import Faults, Lines
from transforms.formats.optouts.entries import Received
from transforms.formats.optouts.fields import read_fields
from transforms.formats.sheets import Cells, Columns
from transforms.grants import WORST_LAST

NAMING: Mapping[str, str | None] = {"item_id": "item", "owner_id": "owner", "target": None}
"""Columns that name what is spoken of, and the kind that may stand in each; None is either."""

GIVERS = ("owner", "depicted")
_FIELDS = ("purposes", "effective_on", "expires_on", "origin", "evidence")
REQUIRED = ("given_by", "says", "purposes")
COLUMNS = (*NAMING, "source", "given_by", "person", "says", *_FIELDS, "note")
SHEET = Columns(COLUMNS, REQUIRED, naming=(*NAMING,), listed=("purposes",), numbered=("item_id",))

_MEANING = {None: "an item or owner", "item": "an item id", "owner": "an owner id"}
_ID = r"^[\x21-\x7e]{1,256}$"  # of a platform whose ids have no rule of their own here
_FLICKRS = r"(?i)flic|(?:@|%40)n[0-9]{2}"

_Mask = npt.NDArray[np.bool_]


def read_rows(lines: Lines, cells: Cells, received: Received, faults: Faults) -> pa.Table:
    """The statements of rows.

    Args:
        lines: the line of each row.
        cells: text by column, among :data:`COLUMNS`, trimmed; empty where nothing is written.
        received: how the list came in.
        faults: gets what is not understood. If it gets any, the table means nothing.

    Returns:
        A table of ``schemas.CONSENTS``.

    Raises:
        ConfigError: a person is named, and there is no key.
    """
    columns = {name: cells.get(name, pa.array([""] * len(lines), pa.string())) for name in COLUMNS}
    fields = read_fields(lines, {name: columns[name] for name in _FIELDS}, received, faults)
    _check_words(lines, columns["given_by"], "given_by", GIVERS, faults)
    _check_words(lines, columns["says"], "says", WORST_LAST, faults)
    targets = _targets(lines, columns, received, faults)
    _check_sense(lines, columns, fields, targets["kind"], faults)
    day = pa.scalar(received.received_on, pa.date32())
    said = {
        **targets,
        "given_by": columns["given_by"],
        "person": _persons(columns["person"], received),
        "says": columns["says"],
        "purposes": fields["purposes"].fill_null(0),
        "received_on": pa.repeat(day, len(lines)),
        "effective_on": fields["effective_on"].fill_null(day),
        "expires_on": fields["expires_on"],
        "origin": pc.coalesce(fields["origin"], pa.scalar(received.origin, pa.string())),
        "evidence": fields["evidence"],
    }
    return pa.table([said[name] for name in CONSENTS.names], schema=CONSENTS)


def _check_words(lines: Lines, cells: pa.Array, name: str, words: tuple[str, ...], faults: Faults) -> None:
    odd = ~_mask(pc.is_in(cells, pa.array(words)))
    faults.add(
        lines[odd],
        (
            f", {name}: {shown(cell)} is not one of {', '.join(words)}.{did_you_mean(cell, words)}"
            for cell in _of(cells, odd)
        ),
    )


def _targets(lines: Lines, columns: Cells, received: Received, faults: Faults) -> dict[str, pa.Array]:
    """The columns kind, source, key and raw: what each row speaks of."""
    filled = {name: _filled(columns[name]) for name in NAMING}
    named = np.sum(list(filled.values()), axis=0)
    faults.add(lines[named == 0], (": names neither an item nor an owner" for _ in lines))
    faults.add(lines[named > 1], (f": fills more than one of {', '.join(NAMING)}" for _ in lines))
    raw = pc.coalesce(*(pc.if_else(pa.array(filled[name]), columns[name], None) for name in NAMING), "")
    own = pc.if_else(pc.match_substring_regex(raw, _FLICKRS), "flickr", received.source)
    source = pc.if_else(pa.array(_filled(columns["source"])), columns["source"], own)
    parsed = parse_targets(raw)
    kind, key = (parsed[name].combine_chunks() for name in ("kind", "key"))
    # Flickr's ids have rules, and its pages name them; of other platforms the column says what an id is.
    elsewhere = pc.and_(pc.not_equal(source, "flickr"), pc.match_substring_regex(raw, _ID))
    for name, of in NAMING.items():
        here = pa.array(filled[name] & (named == 1))
        if of is not None:
            there = pc.and_(here, elsewhere)
            kind, key = pc.if_else(there, of, kind), pc.if_else(there, raw, key)
        good = pc.is_in(kind, pa.array([of] if of else ["item", "owner"]))
        odd = _mask(pc.and_not(here, good))
        faults.add(
            lines[odd], (f", {name}: {shown(cell)} {why_not(cell, _MEANING[of])}" for cell in _of(raw, odd))
        )
    return {"kind": kind.fill_null(""), "source": source, "key": key.fill_null(""), "raw": raw}


def _check_sense(lines: Lines, columns: Cells, fields: pa.Table, kind: pa.Array, faults: Faults) -> None:
    """Faults of rows whose cells are understood, and contradict each other."""
    grants, depicted = (
        _mask(pc.equal(columns[name], word)) for name, word in (("says", "grant"), ("given_by", "depicted"))
    )
    everything = _mask(pc.equal(fields["purposes"].fill_null(0), ALL))
    for odd, words in (
        (~_filled(columns["purposes"]), ", purposes: is empty; name them"),
        (grants & everything, ", purposes: a grant names its purposes, and 'all' is none"),
        (~grants & _filled(columns["expires_on"]), ", expires_on: only a grant expires"),
        (depicted & _mask(pc.equal(kind, "owner")), ", given_by: a depicted person speaks of an item"),
        (~depicted & _filled(columns["person"]), ", person: is of depicted persons alone"),
    ):
        faults.add(lines[odd], (words for _ in lines))


def _persons(cells: pa.Array, received: Received) -> pa.Array:
    if received.key is not None:
        return keyed(cells, received.key)
    if _filled(cells).any():
        raise ConfigError(
            f"{received.place}: names depicted persons, who are kept as keyed hashes only, and no key is"
            " given. Make one (openssl rand -hex 32 > requester.key), keep it outside the store, and name it:"
            " --requester-key requester.key, or BYLEAVE_REQUESTER_KEY=requester.key in the environment"
        )
    return pa.nulls(len(cells), pa.string())


def _filled(cells: pa.Array) -> _Mask:
    return _mask(pc.not_equal(cells, ""))


def _mask(rows: pa.Array) -> _Mask:
    if isinstance(rows, pa.ChunkedArray):
        rows = rows.combine_chunks()
    mask: _Mask = rows.fill_null(False).to_numpy(zero_copy_only=False)
    return mask


def _of(cells: pa.Array, rows: _Mask) -> Iterator[str]:
    return (cells[row].as_py() for row in np.flatnonzero(rows).tolist())
