"""AIPREF's `Content-Usage`, as a header field and as a line of robots.txt.

A dictionary of RFC 9651 in which labels have the tokens `y` and `n`: draft-ietf-aipref-vocab, "Exemplary
Serialization Format". Capitals, and whatever is no such token, state nothing; of one label the last counts.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import http_sfv

from transforms.signals.documents import LINE_CHARACTERS
from transforms.signals.rules import Rule, Subject
from transforms.signals.vocabulary import AIPREF, Draft

MECHANISM = "content-usage-header"


class Statement(NamedTuple):
    """What a text states, in sets of purposes; by whose words; and whether all of it was understood."""

    no: int = 0
    yes: int = 0
    fact: str = "ok"
    vocabulary: str | None = None


def read_content_usage(values: Sequence[str], subject: Subject, observed_on: datetime.date) -> Rule:
    """What the Content-Usage lines of one answer say: they are one dictionary, in their order.

    Args:
        values: of each line.
        subject: the URL that was asked for, or a host that sends this with everything.
        observed_on: the day.
    """
    text = ", ".join(value for value in values if value.strip())
    said = statement(text)
    return Rule(
        subject,
        MECHANISM,
        observed_on,
        no=said.no,
        yes=said.yes,
        fact=said.fact,
        vocabulary=said.vocabulary,
        evidence=f"Content-Usage: {text}" if text else None,
    )


def statement(text: str) -> Statement:
    """What a Content-Usage states; `malformed` if it is no dictionary, or a known label has no `y` or `n`."""
    stated = _dictionary(text)
    if stated is None:
        return Statement(fact="malformed")
    known = {label: value for label, value in stated.items() if any(label in draft.uses for draft in AIPREF)}
    no = yes = 0
    names = []
    for draft, values in _by_draft(known):
        names.append(draft.name)
        for label, purposes in draft.uses.items():
            value = _value(label, values, draft)
            no |= purposes if value == "n" else 0
            yes |= purposes if value == "y" else 0
    sound = all(value in ("y", "n") for value in known.values())
    return Statement(no, yes & ~no, "ok" if sound else "malformed", "+".join(names) or None)


def _dictionary(text: str) -> dict[str, str] | None:
    """Each label's token, empty where its value is something else; None if it is no dictionary."""
    if not text.strip(" "):
        return {}
    if len(text) > LINE_CHARACTERS:
        return None
    fields = http_sfv.Dictionary()
    try:
        fields.parse(text.encode())
    except ValueError:
        return None
    values = {label: getattr(member, "value", None) for label, member in fields.items()}
    return {label: str(value) if isinstance(value, http_sfv.Token) else "" for label, value in values.items()}


def _by_draft(stated: dict[str, str]) -> Iterator[tuple[Draft, dict[str, str]]]:
    """Which draft reads which labels: the newest that has all; else, for each, the newest that has it."""
    for draft in AIPREF:
        if draft.uses.keys() >= stated.keys():
            yield from [(draft, stated)] if stated else []
            return
    for draft in AIPREF:
        values = {label: value for label, value in stated.items() if label in draft.uses}
        stated = {label: value for label, value in stated.items() if label not in values}
        if values:
            yield draft, values


def _value(label: str, stated: dict[str, str], draft: Draft) -> str | None:
    """What is stated of a label, or else of the nearest that speaks for it."""
    while label not in stated and label in draft.within:
        label = draft.within[label]
    return stated.get(label)
