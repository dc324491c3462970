"""The header field X-Robots-Tag.

Google's robots meta tag specification: directives between commas, in any case; a name and a colon before them
address an agent, up to the next such name; some directives have a value behind a colon.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

from transforms.signals.documents import LINE_CHARACTERS
from transforms.signals.robots_txt import product_token
from transforms.signals.rules import Rule, Subject
from transforms.signals.vocabulary import ROBOTS_HEADER

MECHANISM = "x-robots-tag"

_VALUED = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")
_EVERYONE = ("", "*", "robots")
_NAME = re.compile(r"[a-z*][a-z0-9_.*-]*(?:/[^\s;]*)?")


def read_robots_header(
    values: Sequence[str], subject: Subject, agent: str, observed_on: datetime.date
) -> Rule:
    """What the X-Robots-Tag lines of one answer say to an agent.

    A no counts wherever it can be read, also among what cannot: that is only recorded as `malformed`.

    Args:
        values: of each line, in their order.
        subject: the URL that was asked for, or a host that sends this with everything.
        agent: our product token; empty: none, so that only what is said to everyone counts.
        observed_on: the day.
    """
    no, malformed = 0, False
    for value in values:
        if len(value) > LINE_CHARACTERS:
            value, malformed = value[:LINE_CHARACTERS], True
        said, sound = _line(value, product_token(agent))
        no, malformed = no | said, malformed or not sound
    return Rule(
        subject,
        MECHANISM,
        observed_on,
        no=no,
        fact="malformed" if malformed else "ok",
        evidence="; ".join(f"X-Robots-Tag: {value}" for value in values) or None,
    )


def _line(value: str, agent: str) -> tuple[int, bool]:
    """What one line says no to, and whether all of it was understood."""
    no, sound, addressed, dated = 0, True, "", False
    for piece in (each.strip() for each in value.split(",")):
        if not piece or (dated and piece[0].isdigit()):
            continue  # of a date with a comma: `Wed, 25 Jun 2030 15:00:00 GMT`
        name, colon, rest = _parted(piece)
        if colon and _NAME.fullmatch(name) and name not in (*_VALUED, *ROBOTS_HEADER):
            addressed, piece = product_token(name), rest
            name, colon, _ = _parted(piece)
        dated = name == "unavailable_after"
        if colon and name in _VALUED:
            continue
        words = [word for word in re.split(r"[\s;:\"']+", piece.lower()) if word]
        sound = sound and words == [piece.lower()]
        if addressed in (*_EVERYONE, agent):
            for word in words:
                no |= ROBOTS_HEADER.get(word, 0)
    return no, sound


def _parted(piece: str) -> tuple[str, str, str]:
    """What stands before the first colon, in lower case; the colon; what stands behind it."""
    name, colon, rest = piece.partition(":")
    return name.strip().lower(), colon, rest.strip()
