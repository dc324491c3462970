"""The file robots.txt: which group speaks to an agent, and what its lines say about use.

RFC 9309: groups of lines, each headed by the agents that it speaks to; those for one agent are one group, and
`*` speaks to whom no other does. Two kinds of lines say something about use: `Content-Usage`
(draft-ietf-aipref-attach) and `Content-Signal` (contentsignals.org). `Allow` and `Disallow` are about
fetching, and say nothing about the use of what was got otherwise.

Protego reads the same groups, but keeps no line that it does not know, and does not tell what the groups are.
It is what the tests hold this against.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import NamedTuple

from transforms.signals import content_usage
from transforms.signals.content_usage import Statement
from transforms.signals.documents import LINE_CHARACTERS, Unreadable, lines_of, text_of
from transforms.signals.paths import too_much
from transforms.signals.rules import Rule, Subject, silent, unreadable
from transforms.signals.vocabulary import CONTENT_SIGNALS

USAGE, SIGNAL = "content-usage-robots", "content-signal"

_KNOWN = ("user-agent", "allow", "disallow", "content-usage", "content-signal", "sitemap")
_OUTSIDE_GROUPS = ("sitemap", "host")
_EVERYONE = "*"


class Line(NamedTuple):
    """A line of a group: its field in lower case, its value, and whether it stands before any group."""

    field: str
    value: str
    stray: bool = False


def product_token(agent: str) -> str:
    """By what groups and lines address an agent: without version, in lower case."""
    return agent.strip().partition("/")[0].strip().lower()


def read_robots_txt(
    content: bytes | str, subject: Subject, agent: str, observed_on: datetime.date
) -> list[Rule]:
    """What a host's robots.txt says about use to an agent.

    A no that stands before any group is heard by everyone; a yes there is not.

    Args:
        content: the document.
        subject: the host.
        agent: our product token; empty: none, so that the group for `*` speaks to us.
        observed_on: the day.

    Returns:
        Rules of both mechanisms, one at least of each.
    """
    try:
        lines = group_for(text_of(content), agent)
    except Unreadable as error:
        return [unreadable(subject, mechanism, observed_on, str(error)) for mechanism in (USAGE, SIGNAL)]
    rules = []
    for mechanism, field, read in (
        (USAGE, "content-usage", content_usage.statement),
        (SIGNAL, "content-signal", content_signal),
    ):
        stated = [(line, *_split(line.value)) for line in lines if line.field == field]
        if why := too_much([path for _, path, _ in stated]):
            rules.append(unreadable(subject, mechanism, observed_on, why))
            continue
        for line, path, text in stated:
            said = read(text)
            rules.append(
                Rule(
                    subject,
                    mechanism,
                    observed_on,
                    no=said.no,
                    yes=0 if line.stray else said.yes,
                    fact=said.fact,
                    path=path,
                    vocabulary=said.vocabulary,
                    evidence=f"{field}: {line.value}",
                )
            )
        if not stated:
            rules.append(silent(subject, mechanism, observed_on))
    return rules


def content_signal(text: str) -> Statement:
    """What a Content-Signal states: `search=yes, ai-train=no`."""
    no, yes, malformed = 0, 0, len(text) > LINE_CHARACTERS
    for piece in text[:LINE_CHARACTERS].split(","):
        key, _, value = (part.strip().lower() for part in piece.partition("="))
        if value not in ("yes", "no"):
            malformed = True
        elif value == "no":
            no |= CONTENT_SIGNALS.get(key, 0)
        else:
            yes |= CONTENT_SIGNALS.get(key, 0)
    return Statement(no, yes & ~no, "malformed" if malformed else "ok", "content-signals")


def group_for(text: str, agent: str) -> list[Line]:
    """The lines that speak to an agent, and those that stand before any group.

    Raises:
        Unreadable: there are lines, and none is one of robots.txt.
    """
    groups: list[tuple[set[str], list[Line]]] = []
    strays: list[Line] = []
    heading = known = some = False
    for field, value in _fields(text):
        some, known = True, known or field in _KNOWN
        if field == "user-agent":
            if not heading:
                groups.append((set(), []))
            groups[-1][0].add(product_token(value))
            heading = True
        elif field not in _OUTSIDE_GROUPS:
            heading = False
            lines = groups[-1][1] if groups else strays
            lines.append(Line(field, value, stray=not groups))
    if some and not known:
        raise Unreadable("no line is one of robots.txt")
    agent = product_token(agent)
    named = agent if agent and any(agent in agents for agents, _ in groups) else _EVERYONE
    return strays + [line for agents, lines in groups if named in agents for line in lines]


def _fields(text: str) -> Iterator[tuple[str, str]]:
    for line in lines_of(text):
        bare = line.partition("#")[0].strip(" \t")
        if bare:
            field, _, value = bare.partition(":")
            yield field.strip(" \t").lower(), value.strip(" \t")


def _split(value: str) -> tuple[str, str]:
    """The pattern of paths and the statement behind it. Without a pattern it is about every path."""
    if not value.startswith("/"):
        return "/", value
    path, *statement = re.split(r"[ \t]+", value, maxsplit=1)
    return path, "".join(statement)
