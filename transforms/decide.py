"""Deciding: facts and a policy in, a verdict and every reason for it out. Nothing else is looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import purposes, reasons
from transforms.domain.licenses import UNKNOWN
from transforms.domain.policy import Policy
from transforms.domain.reasons import BIT, PRECEDENCE, REASONS
from transforms.domain.texts import encode

_Rows = npt.NDArray[np.bool_]


def decide(facts: pa.Table, policy: Policy) -> npt.NDArray[np.uint32]:
    """Every reason to leave each row out, as a bit set over :data:`reasons.REASONS`; 0 keeps it.

    Args:
        facts: in :data:`schemas.FACTS`.
        policy: what each fact means for the release's purpose.
    """
    out = said_no(facts, policy.purpose)

    def leave_out(rows: _Rows, reason: str) -> None:
        out[rows] |= np.uint32(BIT[reason])

    signal_yes = _covers(facts["signal_yes"], policy.purpose)
    unreadable = facts["signal_unreadable"].to_numpy()
    if policy.unreadable_signal == "exclude":
        leave_out(unreadable, "signal_unreadable")
    if policy.unknown_signal == "exclude":
        leave_out(~_covers(facts["signal_no"], policy.purpose) & ~signal_yes & ~unreadable, "signal_unknown")
    for value, does in (("present", policy.people_present), ("unknown", policy.people_unknown)):
        rows = _among(facts["people"], [value])
        if does == "exclude":
            leave_out(rows, f"people_{value}")
        if does == "require-grant":
            leave_out(rows & ~_granted(facts, policy), "consent_missing")
    for value, reason, does in (
        ("deleted", "deleted", policy.deleted),
        ("private", "private", policy.private),
        ("missing", "missing", policy.missing),
        ("unknown", "visibility_unknown", policy.unknown_visibility),
    ):
        if does == "exclude":
            leave_out(_among(facts["visibility"], [value]), reason)
    license_ = deciding_license(facts, policy)
    unknown = _among(license_, [UNKNOWN])
    refused = ~_among(license_, [*policy.allowed, UNKNOWN])
    if policy.unknown_license == "exclude":
        leave_out(unknown, "license_unknown")
    if policy.license_change == "newest":
        leave_out(refused & _among(facts["direction"], ["withdrawn"]), "license_withdrawn")
    leave_out(refused, "license_not_allowed")
    return out


def said_no(facts: pa.Table, purpose: str) -> npt.NDArray[np.uint32]:
    """The reasons that no policy overrules: opt-outs, refused consents, signals that speak to a purpose."""
    out = np.zeros(len(facts), np.uint32)
    columns = {f"opt_out_{kind}": f"no_{kind}" for kind in reasons.OPT_OUTS}
    for reason, column in {**columns, "consent_refused": "refused", "signal_no": "signal_no"}.items():
        out[_covers(facts[column], purpose)] |= np.uint32(BIT[reason])
    return out


def _covers(sets: pa.ChunkedArray, purpose: str) -> _Rows:
    """Which sets of purposes hold ``purpose``: what a no or a yes spreads to is in them already."""
    return (sets.to_numpy() & np.uint16(purposes.BIT[purpose])) != 0


def _granted(facts: pa.Table, policy: Policy) -> _Rows:
    """Which rows have a grant, by whoever's counts for the policy."""
    givers = ("owner", "depicted") if policy.grant == "either" else (policy.grant,)
    granted = np.zeros(len(facts), np.bool_)
    for giver in givers:
        granted |= _covers(facts[f"granted_by_{giver}"], policy.purpose)
    return granted


def deciding_license(facts: pa.Table, policy: Policy) -> pa.ChunkedArray:
    """The license that a row stands or falls by: the newest, or the one at ingest."""
    return facts[deciding_column(policy)]


def deciding_column(policy: Policy) -> str:
    """Where a row's deciding license stands."""
    return "license_now" if policy.license_change == "newest" else "license_then"


def first_places(reasons: npt.NDArray[np.uint32]) -> npt.NDArray[np.int8]:
    """The place in :data:`reasons.REASONS` of the first reason in each bit set; -1 where there is none."""
    ranks = np.full(len(reasons), len(PRECEDENCE), np.int8)
    for shift, first in _FIRST.items():
        np.minimum(ranks, first[(reasons >> shift) & 0xFF], out=ranks)
    return _PLACES[ranks]


def first_reason(reasons: npt.NDArray[np.uint32]) -> pa.DictionaryArray:
    """The reason of highest precedence in each bit set; null where there is none."""
    first = first_places(reasons)
    return pa.DictionaryArray.from_arrays(pa.array(first, mask=first < 0), pa.array(REASONS))


def _first_ranks(shift: int) -> npt.NDArray[np.int8]:
    """The place in :data:`reasons.PRECEDENCE` of the first reason, for each of eight bits' values."""
    ranks = [
        [rank for rank, name in enumerate(PRECEDENCE) if bits << shift & BIT[name]] for bits in range(256)
    ]
    return np.array([min(some, default=len(PRECEDENCE)) for some in ranks], np.int8)


# Eight bits at a time: a table of all sets of reasons doubles with each reason.
_FIRST = {shift: _first_ranks(shift) for shift in range(0, len(REASONS), 8)}
_PLACES = np.array([*(REASONS.index(name) for name in PRECEDENCE), -1], np.int8)


def _among(column: pa.ChunkedArray, values: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which rows hold one of ``values``; each distinct value is looked at once."""
    encoded = encode(column)
    among = pc.is_in(encoded.dictionary, pa.array(values, pa.string())).to_numpy(zero_copy_only=False)
    rows: npt.NDArray[np.bool_] = among[encoded.indices.to_numpy(zero_copy_only=False)]
    return rows
