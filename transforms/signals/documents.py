"""Documents as they were got: as text, as lines, as JSON. What cannot be that raises :class:`Unreadable`."""

from __future__ import annotations

import json
import re
from typing import Any

TEXT_BYTES = 1 << 20  # RFC 9309, 2.5: at least 500 KiB
JSON_BYTES = 1 << 26
LINE_CHARACTERS = 1 << 14  # a statement that is longer was not written to be understood


class Unreadable(ValueError):
    """Nothing of a document can be understood; the message says why."""


def text_of(content: bytes | str, most_bytes: int = TEXT_BYTES) -> str:
    """The text of a document, without a byte order mark.

    Raises:
        Unreadable: it is longer than ``most_bytes``.
    """
    if len(content) > most_bytes:
        raise Unreadable(f"{len(content):,} bytes are more than {most_bytes:,}")
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    return text.removeprefix("\ufeff")


def lines_of(text: str) -> list[str]:
    """Its lines, by CR and LF alone: what else Unicode takes for an end of line may stand inside one."""
    return re.split("\r\n|\r|\n", text)


def json_of(content: bytes | str, most_bytes: int = JSON_BYTES) -> Any:
    """What a JSON document holds.

    Raises:
        Unreadable: it is none, or too long, or too deep.
    """
    try:
        return json.loads(text_of(content, most_bytes))
    except RecursionError:
        raise Unreadable("JSON that is nested too deeply") from None
    except ValueError as error:
        raise error if isinstance(error, Unreadable) else Unreadable(f"not JSON: {error}") from None


def quoted(value: object) -> str:
    """Part of a JSON document, as evidence."""
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except RecursionError:
        return "nested too deeply"
