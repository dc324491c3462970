"""What all signals come to for an item: the newest answers stand, any no wins, and silence says neither."""

from __future__ import annotations

import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import purposes, schemas
from transforms.domain.conformity import conform
from transforms.domain.texts import encode
from transforms.signals.rules import ANYTHING
from transforms.signals.speaking import Said, who_speaks

STANDING = schemas.SIGNALS.append(pa.field("stale", pa.bool_(), nullable=False))
"""Signals that stand; `stale`: its source could not be read since."""

_NEVER = -(1 << 31)
_Days = npt.NDArray[np.int64]
_Groups = npt.NDArray[np.int64]


def standing_signals(signals: pa.Table, on: datetime.date) -> pa.Table:
    """What stands on a day of all that was ever observed.

    Of each subject, authority and mechanism, the rules of the newest answer stand; of registries, those of
    each. A source that was since `unreadable` or `unavailable` keeps its last answer, which is stale. That it
    is unreadable stands beside the answer; that it is unavailable only where there never was one, of whatever
    authority: many a host sends who asks by `http` on to `https`, which is no outage.

    Args:
        signals: in :data:`schemas.SIGNALS`, of all snapshots, in any order.
        on: the day; what was observed later is not looked at.

    Returns:
        In :data:`STANDING`, in the order of ``signals``.
    """
    signals = signals.filter(pc.less_equal(signals["observed_on"], pa.scalar(on, pa.date32())))
    everywhere = pc.and_(pc.equal(signals["kind"], ANYTHING.kind), pc.equal(signals["key"], ANYTHING.key))
    failed_everywhere = pc.and_(everywhere, pc.equal(signals["fact"], "unavailable"))
    whole, signals = signals.filter(failed_everywhere), signals.filter(pc.invert(everywhere))
    group, of_subject = _groups(signals)
    days = _days(signals)
    answered = pc.is_in(signals["fact"], pa.array(["ok", "malformed"])).to_numpy()
    unread = pc.equal(signals["fact"], "unreadable").to_numpy()
    down = ~answered & ~unread
    answer, garbled, missed = (_newest(group, days, each) for each in (answered, unread, down))
    failed = np.maximum(np.maximum(garbled, missed), _failed_as_a_whole(signals, whole))
    stands = answered & (days == answer)
    stands |= unread & (days == garbled) & (days > answer)
    stands |= down & (days == missed) & (_newest(of_subject, days, ~down) == _NEVER)
    stale = down | (failed > days)
    table = signals.append_column(STANDING.field("stale"), pa.array(stale)).filter(pa.array(stands))
    return conform(table, STANDING).cast(STANDING)


def adjudicate(rows: pa.Table, signals: pa.Table) -> pa.Table:
    """What the signals come to for each row of which any source says anything.

    Args:
        rows: ``source``, ``item_id``, ``page_url`` and ``image_url`` of a manifest bucket.
        signals: those that stand, in :data:`STANDING`.

    Returns:
        In :data:`schemas.SIGNALED`, by ascending row. ``no`` is closed by :func:`purposes.spread_no`,
        ``yes`` by :func:`purposes.spread_yes`; a purpose is in one of them at most, and a people-sensitive
        one never in ``yes``: no host can say that for the people in a picture.
    """
    said = who_speaks(rows, signals)
    no = _united(said, signals["no"], len(rows))
    yes = _united(said, signals["yes"], len(rows))
    no, yes = purposes.spread_no(no), purposes.spread_yes(yes)
    yes &= ~no & np.uint16(~purposes.bits_of(purposes.PEOPLE_SENSITIVE) & purposes.ALL)
    unreadable = _any(said, pc.equal(signals["fact"], "unreadable"), len(rows))
    stale = _any(said, signals["stale"], len(rows))
    something = np.flatnonzero((no != 0) | (yes != 0) | unreadable | stale)
    columns = {"no": no, "yes": yes, "unreadable": unreadable, "stale": stale}
    table = pa.table({"row": something.astype(np.int32), **{n: c[something] for n, c in columns.items()}})
    return conform(table, schemas.SIGNALED).cast(schemas.SIGNALED)


def _groups(signals: pa.Table) -> tuple[_Groups, _Groups]:
    """A number for each row, the same for rows of which only the newest count; and one whoever answered."""
    registry = pc.equal(signals["mechanism"], "registry")
    which = pc.if_else(registry, signals["vocabulary"], pa.scalar(None, pa.string()))
    subject = [signals[name] for name in ("kind", "source", "key", "mechanism")]
    of_subject = _numbered(np.zeros(len(signals), np.int64), *subject, which)
    return _numbered(of_subject, signals["authority"]), of_subject


def _numbered(group: _Groups, *columns: pa.ChunkedArray) -> _Groups:
    """The groups, each divided by what the columns say."""
    for column in columns:
        encoded = encode(column)
        codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy()
        group = group * (len(encoded.dictionary) + 1) + codes
        group = np.unique(group, return_inverse=True)[1].astype(np.int64)
    return group


def _days(signals: pa.Table) -> _Days:
    days: _Days = signals["observed_on"].cast(pa.int32()).to_numpy().astype(np.int64)
    return days


def _newest(group: _Groups, days: _Days, among: npt.NDArray[np.bool_]) -> _Days:
    """For each row, the newest day of those ``among`` its group."""
    newest = np.full(group.max(initial=-1) + 1, _NEVER, np.int64)
    np.maximum.at(newest, group[among], days[among])
    return newest[group]


def _failed_as_a_whole(signals: pa.Table, whole: pa.Table) -> _Days:
    """For each row, the newest day on which all of its mechanism, or its registry, could not be got."""
    failed = np.full(len(signals), _NEVER, np.int64)
    for mechanism, which, day in zip(
        whole["mechanism"].to_pylist(), whole["vocabulary"].to_pylist(), _days(whole).tolist(), strict=True
    ):
        rows = pc.equal(signals["mechanism"], mechanism)
        if which is not None:
            rows = pc.and_(rows, pc.equal(signals["vocabulary"], which).combine_chunks().fill_null(False))
        places = np.flatnonzero(rows.to_numpy())
        failed[places] = np.maximum(failed[places], day)
    return failed


def _united(said: Said, sets: pa.ChunkedArray, count: int) -> npt.NDArray[np.uint16]:
    """For each row, all bits of the rules that speak of it."""
    united = np.zeros(count, np.uint16)
    np.bitwise_or.at(united, said.rows, sets.to_numpy()[said.rules])
    return united


def _any(said: Said, flags: pa.ChunkedArray, count: int) -> npt.NDArray[np.bool_]:
    """For each row, whether any rule that speaks of it is flagged."""
    flagged = np.zeros(count, np.bool_)
    flagged[said.rows[flags.to_numpy()[said.rules]]] = True
    return flagged
