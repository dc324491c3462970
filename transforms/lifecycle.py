"""What became of each entry of the opt-out ledger by a day, from all entries about its target."""

from __future__ import annotations

import datetime
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.domain.purposes import PURPOSES, bits_of, spread_no

RECEIVED, HELD, ACTIVE, EXPIRED, WITHDRAWN = "received", "held", "active", "expired", "withdrawn"
SAYS_SO = "says so"
"""Of an entry that withdraws others, and asks for nothing itself."""

_NAMED = bits_of(PURPOSES)
_WHO = ("kind", "source", "key", "origin", "requester")


def fates_of(entries: pa.Table, ledger: pa.Table, on: datetime.date) -> list[str]:
    """The state of each of ``entries`` on a day.

    Args:
        entries: in ``schemas.OPT_OUTS``; more columns do no harm.
        ledger: likewise: every entry about the same targets.
        on: the day.

    Returns:
        `held`; `received`, if the entry counts from a later day on; `expired`; `withdrawn`, if nothing that
        it asked for stands any longer; `active`; or :data:`SAYS_SO`. It may be withdrawn before it counts,
        and while it is held.
    """
    left = still_asked(entries, ledger, on)
    return [_fate(row, bits, on) for row, bits in zip(_rows(entries), left, strict=True)]


def _fate(row: Mapping[str, Any], left: int, on: datetime.date) -> str:
    if row["state"] == WITHDRAWN:
        return SAYS_SO
    if not left & _NAMED:  # what stands for purposes to come alone keeps nothing out
        return WITHDRAWN
    if row["state"] == HELD:
        return HELD
    if on < max(row["received_on"], row["effective_on"]):
        return RECEIVED
    return EXPIRED if row["expires_on"] is not None and row["expires_on"] <= on else ACTIVE


def purposes_left(entries: pa.Table, ledger: pa.Table, on: datetime.date) -> list[int]:
    """For each of ``entries`` the purposes it speaks to that stand on a day; see :func:`fates_of`."""
    bits = still_asked(entries, ledger, on)
    fates = fates_of(entries, ledger, on)
    return [left if fate == ACTIVE else 0 for left, fate in zip(bits, fates, strict=True)]


def still_asked(entries: pa.Table, ledger: pa.Table, on: datetime.date) -> list[int]:
    """What of each entry's purposes, with all narrower ones, nobody has withdrawn by the day.

    The arguments are those of :func:`fates_of`. Whether an entry counts by then is not looked at.
    """
    taken_back: dict[Hashable, list[tuple[datetime.date, int]]] = {}
    for row, bits in zip(_rows(ledger), _spread(ledger), strict=True):
        if row["state"] == WITHDRAWN and max(row["received_on"], row["effective_on"]) <= on:
            taken_back.setdefault(_who(row), []).append((row["received_on"], bits))
    left = []
    for row, bits in zip(_rows(entries), _spread(entries), strict=True):
        for day, gone in taken_back.get(_who(row), ()):
            if day > row["received_on"]:  # on one day an opt-out stands
                bits &= ~gone
        left.append(bits)
    return left


def _rows(entries: pa.Table) -> list[dict[str, Any]]:
    return entries.select([*_WHO, "state", "received_on", "effective_on", "expires_on"]).to_pylist()


def _who(row: Mapping[str, Any]) -> Hashable:
    return tuple(row[name] for name in _WHO)


def _spread(entries: pa.Table) -> list[int]:
    return spread_no(entries["purposes"].to_numpy().astype(np.uint16)).tolist()
