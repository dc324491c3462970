"""The file ai.txt, as Spawning made it: which files may not be used to train models.

It is written as robots.txt is, but `Disallow` is about training, not fetching: it is a no to that. `Allow`
takes paths out of a `Disallow` and is no yes by itself.
"""

from __future__ import annotations

import datetime

from transforms.signals.documents import Unreadable, text_of
from transforms.signals.paths import too_much
from transforms.signals.robots_txt import group_for
from transforms.signals.rules import Rule, Subject, silent, unreadable
from transforms.signals.vocabulary import TRAINING

MECHANISM = "ai-txt"


def read_ai_txt(content: bytes | str, subject: Subject, agent: str, observed_on: datetime.date) -> list[Rule]:
    """What a host's ai.txt says to an agent.

    Args:
        content: the document.
        subject: the host.
        agent: our product token; empty: none, so that the group for `*` speaks to us.
        observed_on: the day.

    Returns:
        At least one rule.
    """
    try:
        lines = [line for line in group_for(text_of(content), agent) if line.field in ("disallow", "allow")]
        if why := too_much([line.value for line in lines]):
            raise Unreadable(why)
    except Unreadable as error:
        return [unreadable(subject, MECHANISM, observed_on, str(error))]
    rules = [
        Rule(
            subject,
            MECHANISM,
            observed_on,
            no=TRAINING if line.field == "disallow" else 0,
            path=_pattern(line.value, ends=line.field == "allow"),
            evidence=f"{line.field.capitalize()}: {line.value}",
        )
        for line in lines
        if line.value and (line.field == "disallow" or not line.stray)
    ]
    return rules or [silent(subject, MECHANISM, observed_on)]


def _pattern(value: str, *, ends: bool) -> str:
    """`*.jpg` as a pattern of paths. What takes files out ends there, so that `*.c` takes out no `x.cr2`."""
    if value.startswith("/"):
        return value
    pattern = f"/{value}" if value != "*" else "/"
    return f"{pattern}$" if ends and value.startswith("*.") and not value.endswith("$") else pattern
