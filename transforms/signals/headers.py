"""The header fields of an answer, and what those among them that are signals say."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

from transforms.signals.content_usage import read_content_usage
from transforms.signals.documents import lines_of, text_of
from transforms.signals.robots_header import read_robots_header
from transforms.signals.rules import Rule, Subject
from transforms.signals.tdmrep import Policies, read_tdm_headers


def fields_of(content: bytes | str) -> list[tuple[str, str]]:
    """Names and values of header lines, in their order; other lines, such as the status, are none.

    Raises:
        Unreadable: they are far too long.
    """
    fields: list[tuple[str, str]] = []
    for line in lines_of(text_of(content)):
        name, colon, value = line.partition(":")
        if line[:1] in (" ", "\t") and fields:  # the line before goes on: RFC 9112, 5.2
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}")
        elif colon and name.strip() and " " not in name.strip():
            fields.append((name.strip(), value.strip()))
    return fields


def read_headers(
    fields: Sequence[tuple[str, str]],
    subject: Subject,
    agent: str,
    observed_on: datetime.date,
    policies: Policies | None = None,
) -> list[Rule]:
    """What the header fields of an answer say, of each mechanism one rule.

    Args:
        fields: names, in any case, and values; a name may be there several times.
        subject: the URL that was asked for. Or the host, if the fields stand for all of it: then a no is one
            to all of it, and a yes, which is about what was sent, is none.
        agent: our product token; may be empty.
        observed_on: the day.
        policies: texts of TDM policies that are known, by URL.
    """
    by_name: dict[str, list[str]] = {}
    for name, value in fields:
        by_name.setdefault(name.lower(), []).append(value)
    reservations, offers = by_name.get("tdm-reservation", []), by_name.get("tdm-policy", [])
    rules = [
        read_robots_header(by_name.get("x-robots-tag", []), subject, agent, observed_on),
        read_content_usage(by_name.get("content-usage", []), subject, observed_on),
        read_tdm_headers(reservations, offers, subject, observed_on, policies),
    ]
    return [replace(rule, yes=0) if subject.kind == "host" else rule for rule in rules]
