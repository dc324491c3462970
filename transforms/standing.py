"""What stands on a day: of all that was asked and granted, one row for each target.

An *entry* of an opt-out list speaks to the purposes it states and all narrower ones. It stands from the day
on which it was received and is in effect until the day it expires, unless the same requester withdrew it
later. What waits for a person does not stand. Of consents see :mod:`transforms.grants`.

What an owner granted is not worked out here: that takes both an item and whose it is, and
:mod:`transforms.leave` sees both.

The result depends on the day through nothing but these comparisons: between two days on which an entry begins
or ceases to count it is the same, to the byte.
"""

from __future__ import annotations

import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import purposes
from transforms.domain.groups import day_numbers, group
from transforms.domain.order import by_text, repeats
from transforms.domain.purposes import Purposes
from transforms.domain.schemas import ALIASES, CONSENTS, LEAVE, OPT_OUTS
from transforms.domain.targets import KINDS
from transforms.grants import grants

OPT_OUT_COLUMNS = tuple(
    name for name in OPT_OUTS.names if name not in ("request", "raw", "held_for", "requested_on", "evidence")
)
CONSENT_COLUMNS = tuple(name for name in CONSENTS.names if name not in ("raw", "origin", "evidence"))
ALIAS_COLUMNS = tuple(name for name in ALIASES.names if name != "seen_on")
"""What :func:`standing` reads of each ledger."""

_TARGET = ("kind", "source", "key")
_ASKED_BY = (*_TARGET, "origin", "requester")
_SETS = tuple(field.name for field in LEAVE if field.type == pa.uint16())


def standing(opt_outs: pa.Table, consents: pa.Table, aliases: pa.Table, on: datetime.date) -> pa.Table:
    """Each target of which anything stands on a day, in :data:`schemas.LEAVE`.

    Args:
        opt_outs: at least :data:`OPT_OUT_COLUMNS` of all lists' entries, in any order, more than once or not.
        consents: likewise :data:`CONSENT_COLUMNS`.
        aliases: likewise :data:`ALIAS_COLUMNS`: an opt-out of a name is one of the owner whose it is.
        on: the day; what was received later is not known.

    Returns:
        Sorted by kind, source and key, one row for each, nulls last.
    """
    asked = opted_out(opt_outs, on)
    said = [asked, _of_owners(asked, aliases), grants(consents, on)]
    # Kind by kind: ids that are all numbers are sorted as such, and URLs are longer than any of them.
    return pa.concat_tables(
        _each_once(pa.concat_tables([_in_leave(each, kind) for each in said])) for kind in sorted(KINDS)
    )


def _each_once(rows: pa.Table) -> pa.Table:
    """One row for each target, sorted, with what all its rows say."""
    rows = rows.take(pa.array(by_text(rows, _TARGET, distinct=("key",)))).combine_chunks()
    # Nulls are equal here; no platform has an empty name.
    whose = rows.select(["key"]).append_column("source", rows["source"].fill_null(""))
    starts = np.flatnonzero(~repeats(whose, whose.column_names))
    leave = rows.select(_TARGET).take(pa.array(starts))
    for name in _SETS:
        sets = rows[name].to_numpy()
        merged = np.bitwise_or.reduceat(sets, starts) if len(starts) else sets
        leave = leave.append_column(LEAVE.field(name), pa.array(merged))
    spoke = np.flatnonzero(rows["owner_said"].is_valid().to_numpy())
    words = np.full(len(starts), -1)  # no target has them twice
    words[np.searchsorted(starts, spoke, side="right") - 1] = spoke
    said = rows["owner_said"].take(pa.array(words, mask=words < 0))
    return leave.append_column(LEAVE.field("owner_said"), said).select(LEAVE.names)


def opted_out(opt_outs: pa.Table, on: datetime.date) -> pa.Table:
    """The entries that stand on a day: kind, source, key and `no`, the purposes for which they do."""
    came = pc.less_equal(opt_outs["received_on"], on)
    known = pc.and_(came, pc.less_equal(opt_outs["effective_on"], on))
    lasts = pc.greater(opt_outs["expires_on"], on).fill_null(True)
    active = pc.and_(pc.and_(known, lasts), pc.equal(opt_outs["state"], "active"))
    rows = opt_outs.select([*_TARGET, "purposes"]).filter(active)
    no = purposes.spread_no(rows["purposes"].to_numpy())
    # Few keys have withdrawals: who asked, which is most of a ledger, is looked at only there.
    withdrawn = opt_outs.filter(pc.and_(known, pc.equal(opt_outs["state"], "withdrawn")))
    perhaps = np.flatnonzero(pc.is_in(rows["key"], withdrawn["key"]).to_numpy())
    if len(perhaps):
        places = np.flatnonzero(active.to_numpy())[perhaps]
        no[perhaps] &= ~_taken_back(opt_outs.take(pa.array(places)), withdrawn)
    rows = rows.select(_TARGET).append_column("no", pa.array(no))
    return rows if no.all() else rows.filter(pa.array(no != 0))


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def withdrawn_keys(opt_outs: pa.Table) -> pa.Array:
    """The keys of which anything was ever withdrawn. Of ``opt_outs`` key and state are read."""
    return _texts(opt_outs.filter(pc.equal(opt_outs["state"], "withdrawn"))["key"]).unique()


def forget_askers(opt_outs: pa.Table, keys: pa.Array) -> pa.Table:
    """``opt_outs`` without who asked where no withdrawal can depend on it, which changes nothing that stands.

    Keyed hashes of requesters are two thirds of a ledger in memory.

    Args:
        opt_outs: :data:`OPT_OUT_COLUMNS` of some of the entries.
        keys: :func:`withdrawn_keys` of all of them.
    """
    needed = pc.is_in(opt_outs["key"], keys)
    for name in ("origin", "requester"):
        told = pc.if_else(needed, opt_outs[name], pa.scalar(None, pa.string()))
        opt_outs = opt_outs.set_column(opt_outs.column_names.index(name), name, told)
    return opt_outs


def _taken_back(entries: pa.Table, withdrawn: pa.Table) -> Purposes:
    """For which purposes each entry was withdrawn after it came, by whom it came from."""
    both = pa.concat_tables([each.select(_ASKED_BY) for each in (entries, withdrawn)])
    asker, firsts = group(both, _ASKED_BY)
    here, there = asker[: len(entries)], asker[len(entries) :]
    came, went = day_numbers(entries["received_on"]), day_numbers(withdrawn["received_on"])
    reaches = purposes.spread_no(withdrawn["purposes"].to_numpy())
    gone = np.zeros(len(entries), np.uint16)
    for bit in (np.uint16(1 << place) for place in range(16)):
        last = np.full(len(firsts), np.iinfo(np.int64).min)
        withdraws = reaches & bit != 0
        np.maximum.at(last, there[withdraws], went[withdraws])
        gone[last[here] > came] |= bit
    return gone


def _of_owners(asked: pa.Table, aliases: pa.Table) -> pa.Table:
    """What opt-outs of names and former ids come to as opt-outs of owners: source, key and `no`."""
    named = asked.filter(pc.is_in(asked["kind"], pa.array(["alias", "name", "owner"])))
    kinds = pa.repeat("owner", len(aliases))
    owners = pa.table([kinds, aliases["source"], aliases["owner_id"]], names=_TARGET)
    nodes, firsts = group(pa.concat_tables([_target(each) for each in (named, aliases, owners)]), _TARGET)
    start, former, owner = np.split(nodes, [len(named), len(named) + len(aliases)])
    no = np.zeros(len(firsts), np.uint16)
    np.bitwise_or.at(no, start, named["no"].to_numpy())
    while True:  # a name leads to an owner, who may have another id today
        before = no.copy()
        np.bitwise_or.at(no, owner, no[former])
        if (no == before).all():
            break
    return owners.append_column("no", pa.array(no[owner])).filter(pa.array(no[owner] != 0))


def owners_meant(entries: pa.Table, aliases: pa.Table) -> pa.Table:
    """The owners whom entries mean by a name or a former id, in the columns of a target.

    Args:
        entries: kind, source and key.
        aliases: at least :data:`ALIAS_COLUMNS`.
    """
    every = pa.repeat(pa.scalar(purposes.ALL, pa.uint16()), len(entries))
    return _of_owners(entries.select(_TARGET).append_column("no", every), aliases).select(_TARGET)


def _target(rows: pa.Table) -> pa.Table:
    return pa.table([_texts(rows[name]) for name in _TARGET], names=_TARGET)


def _in_leave(rows: pa.Table, kind: str) -> pa.Table:
    """Those of a kind, with all columns of :data:`schemas.LEAVE`; what they do not say is empty, or null."""
    rows = rows.filter(pc.equal(rows["kind"], kind))
    columns = [
        rows[name].cast(LEAVE.field(name).type)
        if name in rows.column_names
        else (pa.array(np.zeros(len(rows), np.uint16)) if name in _SETS else pa.nulls(len(rows), field.type))
        for name, field in zip(LEAVE.names, LEAVE, strict=True)
    ]
    return pa.table(columns, schema=LEAVE)
