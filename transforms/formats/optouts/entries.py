"""Entries of the ledger of leave: what a list leaves out is filled in, and equal entries are one."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.errors import ConfigError
from transforms.domain.keys import text_order
from transforms.domain.purposes import ALL
from transforms.domain.schemas import OPT_OUTS
from transforms.domain.texts import encode, shown
from transforms.formats.optouts.elsewhere import with_elsewhere
from transforms.formats.optouts.requestids import request_ids

OF_A_PLATFORM = ("item", "owner", "alias", "name")
"""Kinds whose keys mean something on one platform only."""

_FLICKRS = r"(?i)flic(?:kr\.com|\.kr)(?::[0-9]*)?/|(?:@|%40)n[0-9]{2}"
_MOST_CHARACTERS = 200
LABEL = f"up to {_MOST_CHARACTERS} characters that can be printed"

_REST = [name for name in OPT_OUTS.names if name not in ("kind", "source", "key", "raw")]


@dataclass(frozen=True)
class Received:
    """How a list came in: what holds for entries that do not say otherwise.

    Raises:
        ConfigError: ``origin`` is no label.

    Attributes:
        place: the name of its file, with which every message begins.
        source: the platform whose ids the list means.
        received_on: the day on which it was received.
        purposes: the bit set that entries cover; None: every purpose, or what the form stands for.
        origin: through whom it came.
        key: under which requesters are kept; None: there is none, so nobody can be named.
    """

    place: str
    source: str
    received_on: datetime.date
    purposes: int | None = None
    origin: str | None = None
    key: bytes | None = None

    def __post_init__(self) -> None:
        if self.origin is not None and not is_label(self.origin):
            raise ConfigError(f"--origin {shown(self.origin)}: use {LABEL}")


def is_label(text: str) -> bool:
    """Whether a text can name a request or an origin, and stand in other people's sentences."""
    return 0 < len(text) <= _MOST_CHARACTERS and text.isprintable()


def complete(found: pa.Table, received: Received) -> pa.Table:
    """Entries as the ledger holds them.

    Args:
        found: text columns ``kind``, ``key``, ``raw`` and ``held_for``, and any others of
            ``schemas.OPT_OUTS``; what is null or not there is filled in.
        received: what to fill in.

    Returns:
        A table of ``schemas.OPT_OUTS``: row for row, and behind them what ``with_elsewhere`` adds.
        An entry with ``held_for`` is held, unless it withdraws.
    """
    said = set(found.column_names)

    def column(name: str, default: object) -> pa.ChunkedArray:
        value = pa.scalar(default, OPT_OUTS.field(name).type)
        if name not in said:
            return pa.chunked_array([pa.repeat(value, len(found))])
        return pc.coalesce(found[name], value) if default is not None else found[name]

    withdraws = pc.equal(column("state", "active"), "withdrawn")
    held = pc.and_not(found["held_for"].is_valid(), withdraws)
    columns = {
        "kind": found["kind"],
        "source": _sources(found, received.source),
        "key": found["key"],
        "raw": found["raw"],
        "purposes": column("purposes", ALL if received.purposes is None else received.purposes),
        "state": pc.if_else(held, pa.scalar("held"), column("state", "active")),
        "held_for": pc.if_else(held, found["held_for"], pa.scalar(None, pa.string())),
        "requested_on": column("requested_on", None),
        "received_on": pa.chunked_array(
            [pa.repeat(pa.scalar(received.received_on, pa.date32()), len(found))]
        ),
        "effective_on": column("effective_on", received.received_on),
        "expires_on": column("expires_on", None),
        "origin": column("origin", received.origin),
        "evidence": column("evidence", None),
        "requester": column("requester", None),
    }
    ids = request_ids(columns)
    columns["request"] = pc.coalesce(found["request"], ids) if "request" in said else ids
    entries = pa.table([columns[name] for name in OPT_OUTS.names], schema=OPT_OUTS)
    return with_elsewhere(entries, received.source)


def turns_of(entries: pa.Table, day: datetime.date) -> tuple[str, ...]:
    """The ISO dates after ``day`` on which an entry begins or ceases to count; a held one never does."""
    counts = pc.not_equal(entries["state"], "held")
    active = pc.equal(entries["state"], "active")
    dates = pa.chunked_array(
        [*entries["effective_on"].filter(counts).chunks, *entries["expires_on"].filter(active).chunks],
        pa.date32(),
    ).unique()
    return tuple(sorted(str(date) for date in dates.to_pylist() if date is not None and date > day))


def merge_lists(lists: Sequence[pa.Table]) -> pa.Table:
    """The entries of several lists as those of one, whatever the order of the lists and of their rows.

    Args:
        lists: tables of ``schemas.OPT_OUTS``.

    Returns:
        A table of ``schemas.OPT_OUTS``, sorted by (kind, key, source), then by the other columns. Of entries
        that differ in nothing but ``raw`` the spelling that sorts first stays.
    """
    table = pa.concat_tables([OPT_OUTS.empty_table(), *lists])
    place = [_ranks(table["source"]), *text_order(table["key"]), _ranks(table["kind"])]
    order = np.lexsort(place)
    starts = np.ones(len(order), np.bool_)
    starts[1:] = _differ(place, order)
    # What else an entry says is looked at only where a target has several.
    group = np.cumsum(starts) - 1
    several = np.flatnonzero(np.bincount(group, minlength=1)[group] > 1)
    some = table.take(pa.array(order[several])).combine_chunks()
    rest = [group[several], *(each for name in _REST for each in _order_of(some[name]))]
    by_rest = np.lexsort([*text_order(some["raw"]), *reversed(rest)])
    kept = np.ones(len(order), np.bool_)
    kept[several[1:]] = _differ(rest, by_rest)
    order[several] = order[several][by_rest]
    return table.take(pa.array(order[kept])).combine_chunks()


def _differ(columns: Sequence[npt.NDArray[Any]], order: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether each row but the first, in ``order``, differs from the one before it."""
    differs = np.zeros(max(0, len(order) - 1), np.bool_)
    for column in columns:
        arranged = column[order]
        differs |= arranged[1:] != arranged[:-1]
    return differs


def _order_of(column: pa.ChunkedArray) -> list[npt.NDArray[Any]]:
    """Sort keys of a column, the most significant first; nulls come first."""
    filled = column.is_valid().to_numpy().astype(np.int8)
    if pa.types.is_string(column.type):
        return [filled, *reversed(text_order(column))]
    whole = column.cast(pa.int32()).fill_null(0)
    return [filled, whole.to_numpy()]


def _ranks(names: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The place of each of a few names in their order; nulls come first."""
    encoded = encode(names)
    ranks = np.append(pc.rank(encoded.dictionary).to_numpy().astype(np.int64), 0)
    return ranks[encoded.indices.fill_null(len(ranks) - 1).to_numpy(zero_copy_only=False)]


def _sources(found: pa.Table, own: str) -> pa.ChunkedArray:
    """Whose ids are meant. A bare number is the dataset's own; an NSID or a Flickr URL says whose it is."""
    flickrs = pc.and_(pc.match_substring_regex(found["raw"], _FLICKRS), pc.not_equal(found["kind"], "name"))
    whose = pc.if_else(flickrs, pa.scalar("flickr"), pa.scalar(own))
    has_source = pc.is_in(found["kind"], pa.array(OF_A_PLATFORM))
    return pc.if_else(has_source, whose, pa.scalar(None, pa.string()))
