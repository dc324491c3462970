"""The TDM Reservation Protocol: header fields, and the file `/.well-known/tdmrep.json`.

By the final report of W3C's community group: `tdm-reservation` is 1 (reserved) or 0 (not reserved); any other
value leaves it unset. With 1 there can be a `tdm-policy`, a URL of an offer in ODRL. That is a no all the
same, unless the offer is known and permits mining without a duty or a constraint.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from transforms.signals.documents import TEXT_BYTES, Unreadable, json_of, quoted
from transforms.signals.paths import has_wildcard, too_much
from transforms.signals.rules import Rule, Subject, silent, unreadable
from transforms.signals.vocabulary import TDM_FREE, TDM_RESERVED

HEADER, FILE = "tdmrep-header", "tdmrep-file"

MAX_RULES = 2_000  # each is held against those before it

Policies = Mapping[str, bytes]
"""Texts of policies that were fetched, by URL."""


def read_tdm_headers(
    reservations: Sequence[str],
    offers: Sequence[str],
    subject: Subject,
    observed_on: datetime.date,
    policies: Policies | None = None,
) -> Rule:
    """What the header fields of one answer say.

    Args:
        reservations: values of `tdm-reservation`, of each line. A 1 among them is a no.
        offers: values of `tdm-policy`.
        subject: the URL that was asked for, or a host that sends this with everything.
        observed_on: the day.
        policies: what is known of the offers.
    """
    values = {value.strip() for line in reservations for value in line.split(",")}
    reserved, sound = "1" in values, values <= {"0", "1"} and len(values) < 2
    said = [f"tdm-reservation: {value}" for value in reservations]
    said += [f"tdm-policy: {value}" for value in offers]
    free = values == {"0"} or (reserved and bool(offers) and all(permits(url, policies) for url in offers))
    return Rule(
        subject,
        HEADER,
        observed_on,
        no=TDM_RESERVED if reserved and not free else 0,
        yes=TDM_FREE if free else 0,
        fact="ok" if sound else "malformed",
        evidence="; ".join(said) or None,
    )


def read_tdm_file(
    content: bytes | str, subject: Subject, observed_on: datetime.date, policies: Policies | None = None
) -> list[Rule]:
    """What a host's tdmrep.json says: an array of objects with `location` and `tdm-reservation`.

    Of several matches "the most specific" counts, which is "the first in sequence": where that contradicts
    itself, a rule says yes only if both readings do.

    Args:
        content: the document.
        subject: the host.
        observed_on: the day.
        policies: what is known of the offers.

    Returns:
        At least one rule.
    """
    try:
        entries = json_of(content, TEXT_BYTES)
        if not isinstance(entries, list):
            raise Unreadable("not an array of rules")
        if len(entries) > MAX_RULES:
            raise Unreadable(f"more than {MAX_RULES:,} rules")
        rules = [_rule(entry, subject, observed_on, policies) for entry in entries]
        if why := too_much([rule.path for rule in rules]):
            raise Unreadable(why)
    except Unreadable as error:
        return [unreadable(subject, FILE, observed_on, str(error))]
    return list(_agreeing(rules)) or [silent(subject, FILE, observed_on)]


def permits(offer: str, policies: Policies | None) -> bool:
    """Whether a policy is known, and permits mining to everyone without a duty or a constraint."""
    text = (policies or {}).get(offer.strip())
    if text is None:
        return False
    try:
        policy = json_of(text)
    except Unreadable:
        return False
    if not isinstance(policy, dict) or policy.get("prohibition") or policy.get("obligation"):
        return False
    permissions = policy.get("permission")
    return isinstance(permissions, list) and any(_unconditional(each) for each in permissions)


def _unconditional(permission: Any) -> bool:
    return isinstance(permission, dict) and {
        key: value for key, value in permission.items() if key != "target"
    } == {"action": "tdm:mine"}


def _rule(entry: Any, subject: Subject, on: datetime.date, policies: Policies | None) -> Rule:
    if not isinstance(entry, dict):
        return Rule(subject, FILE, on, fact="malformed", evidence=f"not a rule: {quoted(entry)}")
    location, reserved, offer = (entry.get(k) for k in ("location", "tdm-reservation", "tdm-policy"))
    sound = type(location) is str and type(reserved) is int and reserved in (0, 1)
    path = location.strip() if isinstance(location, str) else "/"
    if not path.startswith("/"):
        sound, path = False, f"/{path}"
    reserved = reserved if type(reserved) is int else None  # `true` is an error, and equals 1 in Python
    free = reserved == 0 or (reserved == 1 and isinstance(offer, str) and permits(offer, policies))
    return Rule(
        subject,
        FILE,
        on,
        no=TDM_RESERVED if reserved == 1 and not free else 0,
        yes=TDM_FREE if free and sound else 0,
        fact="ok" if sound else "malformed",
        path=path,
        evidence=f"tdmrep.json: {quoted(entry)}",
    )


def _agreeing(rules: Sequence[Rule]) -> Iterator[Rule]:
    """The rules, without a yes where an earlier and shorter one may be a no to the same path."""
    nos: list[str] = []
    for rule in rules:
        if rule.yes and any(_may_share(no, rule.path) for no in nos if len(no) < len(rule.path)):
            covered = any(not has_wildcard(no) and rule.path.startswith(no) for no in nos)
            rule = replace(rule, yes=0, no=TDM_RESERVED if covered else 0)
        if rule.no:
            nos.append(rule.path)
        yield rule


def _may_share(one: str, other: str) -> bool:
    """Whether a path may match both patterns, as far as what stands before their wildcards tells."""
    one, other = (each.partition("*")[0].removesuffix("$") for each in (one, other))
    return one.startswith(other) or other.startswith(one)
