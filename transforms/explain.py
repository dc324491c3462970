"""Explaining: what is on record about one item, and what follows from it, rule by rule in plain Python.

These are the rules of the pipeline written down once more, for one item and by looking at nothing but records
as they were taken in: no facts, no memo, no vectors. Where the two do not agree, one of them is wrong.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from transforms.domain import purposes
from transforms.domain.license_changes import compare, strictest_first
from transforms.domain.observations import VISIBILITIES
from transforms.domain.policy import Policy
from transforms.domain.reasons import OPT_OUTS, PRECEDENCE

Row = Mapping[str, Any]

_SAID_WORSE = ("grant", "revoke", "refuse")
_TARGET = ("kind", "source", "key")


@dataclass(frozen=True)
class Evidence:
    """All that is on record about an item, each record as it was taken in, with the list that holds it.

    Attributes:
        item: of the manifest.
        looks: at its license: `license`, `visibility`, `valid` and `known` days, `observer`, `list`.
        requests: entries of opt-out lists about it; `by` says for which of :data:`reasons.OPT_OUTS`.
        consents: statements about it or its owner.
        signals: rules that stand and speak of it.
        detections: of people in it, each with its day as `observed_on`.
        says_no: a tag that says no by itself, if it carries one.
    """

    item: Row
    looks: Sequence[Row] = ()
    requests: Sequence[Row] = ()
    consents: Sequence[Row] = ()
    signals: Sequence[Row] = ()
    detections: Sequence[Row] = ()
    says_no: str | None = None


@dataclass(frozen=True)
class Findings:
    """What the evidence comes to on a day. Sets of purposes are bit sets."""

    license_then: str
    license_now: str
    direction: str
    visibility: str
    no: Mapping[str, int]  # by what it is opted out, which purposes
    granted_by_owner: int
    granted_by_depicted: int
    refused: int
    signal_no: int
    signal_yes: int
    signal_unreadable: bool
    signal_stale: bool
    people: str


def find(evidence: Evidence, on: datetime.date, observers: Sequence[str] = ()) -> Findings:
    """What the evidence comes to.

    Args:
        evidence: all that was known.
        on: the day as of which.
        observers: whose word rules where several looked on one day, the most trusted first.
    """
    then = str(evidence.item["license"])
    look = _ruling(evidence.looks, observers)
    now = str(look["license"]) if look else then
    no = dict.fromkeys(OPT_OUTS, 0)
    for request in evidence.requests:
        no[request["by"]] |= stands(request, evidence.requests, on)
    if evidence.says_no:
        no["tag"] |= _no(purposes.BIT["computer-vision"])
    signal_no = _no(_union(rule["no"] for rule in evidence.signals))
    signal_yes = _yes(_union(rule["yes"] for rule in evidence.signals))
    return Findings(
        license_then=then,
        license_now=now,
        direction=compare(then, now),
        visibility=str(look["visibility"]) if look else "unknown",
        no=no,
        **_granted(evidence.consents, on),
        signal_no=signal_no,
        signal_yes=signal_yes & ~signal_no & ~purposes.bits_of(purposes.PEOPLE_SENSITIVE),
        signal_unreadable=any(rule["fact"] == "unreadable" for rule in evidence.signals),
        signal_stale=any(rule["stale"] for rule in evidence.signals),
        people=_people(evidence),
    )


def reasons_for(found: Findings, policy: Policy) -> list[str]:
    """Every reason by which a policy leaves the item out, in order of precedence; none if it is kept."""
    bit = purposes.BIT[policy.purpose]
    license_ = found.license_now if policy.license_change == "newest" else found.license_then
    refused = license_ != "unknown" and license_ not in policy.allowed
    people = {"present": policy.people_present, "unknown": policy.people_unknown, "absent": "keep"}
    asked_for = {
        "owner": found.granted_by_owner,
        "depicted": found.granted_by_depicted,
        "either": found.granted_by_owner | found.granted_by_depicted,
    }[policy.grant]
    says_nothing = not (found.signal_no | found.signal_yes) & bit and not found.signal_unreadable
    holds = {
        **{f"opt_out_{kind}": found.no[kind] & bit for kind in OPT_OUTS},
        "consent_refused": found.refused & bit,
        "signal_no": found.signal_no & bit,
        "signal_unreadable": found.signal_unreadable and policy.unreadable_signal == "exclude",
        "signal_unknown": says_nothing and policy.unknown_signal == "exclude",
        "people_present": found.people == "present" and policy.people_present == "exclude",
        "people_unknown": found.people == "unknown" and policy.people_unknown == "exclude",
        "consent_missing": people[found.people] == "require-grant" and not asked_for & bit,
        "deleted": found.visibility == "deleted" and policy.deleted == "exclude",
        "private": found.visibility == "private" and policy.private == "exclude",
        "missing": found.visibility == "missing" and policy.missing == "exclude",
        "visibility_unknown": found.visibility == "unknown" and policy.unknown_visibility == "exclude",
        "license_unknown": license_ == "unknown" and policy.unknown_license == "exclude",
        "license_withdrawn": refused and policy.license_change == "newest" and found.direction == "withdrawn",
        "license_not_allowed": refused,
    }
    return [reason for reason in PRECEDENCE if holds[reason]]


def stands(request: Row, all_requests: Iterable[Row], on: datetime.date) -> int:
    """For which purposes an entry of an opt-out list stands on a day."""
    if request["state"] != "active" or not _in_effect(request, on):
        return 0
    if request["expires_on"] is not None and request["expires_on"] <= on:
        return 0
    no = _no(request["purposes"])
    asker = (*_TARGET, "origin", "requester")
    for other in all_requests:
        if (
            other["state"] == "withdrawn"
            and all(other[name] == request[name] for name in asker)
            and _in_effect(other, on)
            and other["received_on"] > request["received_on"]
        ):
            no &= ~_no(other["purposes"])
    return no


def _in_effect(entry: Row, on: datetime.date) -> bool:
    return bool(entry["received_on"] <= on and entry["effective_on"] <= on)


def _ruling(looks: Sequence[Row], observers: Sequence[str]) -> Row | None:
    """The look that rules: of the last day, of the most trusted, the worst news, the strictest license."""

    def order(look: Row) -> tuple[Any, ...]:
        trust = observers.index(look["observer"]) if look["observer"] in observers else len(observers)
        worse = VISIBILITIES.index(look["visibility"])
        return -look["valid"].toordinal(), trust, worse, strictest_first(look["license"])

    return min(looks, key=order, default=None)


def _people(evidence: Evidence) -> str:
    if evidence.detections:
        last = max(each["observed_on"] for each in evidence.detections)
        seen = any(e["person_present"] for e in evidence.detections if e["observed_on"] == last)
        return "present" if seen else "absent"
    said = evidence.item["person_present"]
    return "unknown" if said is None else "present" if said else "absent"


def _granted(consents: Sequence[Row], on: datetime.date) -> dict[str, int]:
    """What stands of grants and refusals; of the item and of all they have an owner speaks as one giver."""
    owners = [said for said in consents if said["given_by"] == "owner" and _in_effect(said, on)]
    givers: dict[tuple[Any, ...], list[Row]] = {}
    for said in consents:
        if said["received_on"] <= on:
            giver = (*(said[name] for name in _TARGET), said["given_by"], said["person"])
            givers.setdefault(giver, []).append(said)
    refused = 0
    by_depicted: dict[tuple[Any, ...], int] = {}
    for (*target, given_by, _), statements in givers.items():
        grants, refusals = _of_giver([each for each in statements if _in_effect(each, on)], on)
        refused |= refusals  # of its target alone: a grant by the other target does not end it
        if given_by == "depicted":  # all who ever said anything have to grant
            by_depicted[(*target,)] = by_depicted.get((*target,), purposes.ALL) & grants
    return {
        "granted_by_owner": _of_giver(owners, on)[0],
        "granted_by_depicted": _union(by_depicted.values()),
        "refused": refused,
    }


def _of_giver(said: Sequence[Row], on: datetime.date) -> tuple[int, int]:
    """The purposes that one giver grants and refuses, with those that this spreads to."""
    granted = refused = 0
    for bit in (1 << place for place in range(16)):
        named = [each for each in said if each["purposes"] & bit]
        if not named:
            continue
        last = max(_rank(each) for each in named)
        newest = [each for each in named if _rank(each) == last]
        refused |= bit if newest[0]["says"] == "refuse" else 0
        no = [e["received_on"] for e in said if e["says"] != "grant" and _no(e["purposes"]) & bit]
        ends = [each["expires_on"] for each in newest if each["expires_on"] is not None]
        lapsed = bool(ends) and min(ends) <= on
        if newest[0]["says"] == "grant" and not lapsed and (not no or max(no) < last[0]):
            granted |= bit
    return _yes(granted), _no(refused)


def _rank(said: Row) -> tuple[datetime.date, int]:
    """By which of two statements the later counts, and on one day the worse."""
    return said["received_on"], _SAID_WORSE.index(said["says"])


def _union(sets: Iterable[int]) -> int:
    union = 0
    for each in sets:
        union |= each
    return union


@cache
def _no(bits: int) -> int:
    """What a no to a set of purposes is a no to."""
    said = {*purposes.names_of(bits)}
    return bits | purposes.bits_of(p for p in purposes.PURPOSES if said & {*purposes.broader_or_same(p)})


@cache
def _yes(bits: int) -> int:
    """What a yes to a set of purposes is a yes to."""
    broader = {each for name in purposes.names_of(bits) for each in purposes.broader_or_same(name)}
    return bits | purposes.bits_of(broader - {*purposes.PEOPLE_SENSITIVE})
