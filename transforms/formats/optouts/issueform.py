"""What a person filled into a form of an issue tracker: Markdown, headings with answers below them.

::

    ### Accounts
    https://www.flickr.com/photos/somebody/
    12345678@N00

    ### Purposes
    - [x] generative-training
    - [ ] search

    ### Anything else
    _No response_

All that one form asks is one request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from transforms.domain.errors import InputError
from transforms.domain.texts import did_you_mean, shown
from transforms.formats.lists import Faults, blocks
from transforms.formats.optouts.cells import read_cells
from transforms.formats.optouts.entries import Received, complete, merge_lists
from transforms.formats.optouts.fields import FIELDS, read_fields
from transforms.formats.optouts.requestids import as_one_request
from transforms.formats.optouts.rows import KIND_OF

COLUMN_OF = MappingProxyType(
    {
        "account": "owner_id",
        "accounts": "owner_id",
        "profile": "owner_id",
        "profiles": "owner_id",
        "item": "target",
        "items": "target",
        "photos": "target",
        "images": "target",
        "urls": "target",
        "links": "target",
        "hosts": "host",
        "sites": "host",
        "domains": "host",
        "tags": "tag",
        "hashes": "content",
        "purpose": "purposes",
        "purposes": "purposes",
        "request": "request",
        "reference": "request",
        "requester": "requester",
        "contact": "requester",
        "e-mail": "requester",
        "email": "requester",
        "requested on": "requested_on",
        "effective on": "effective_on",
        "expires on": "expires_on",
        "evidence": "evidence",
        "anything else": "note",
        "comments": "note",
        "notes": "note",
        "confirmation": "note",
    }
)
_MANY = ("owner_id", "target", "host", "tag", "content")
_FIRST_HEADING = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*#{2,6}[ \t]+\S")
_HEADING = re.compile(r"#{2,6}\s+(?P<title>.*?)\s*#*")
_UNCHECKED = re.compile(r"[-*+]\s+\[\s*\]\s.*")
_BULLET = re.compile(r"(?:[-*+]\s+(?:\[[xX]\]\s+)?|[0-9]{1,3}[.)]\s+)(?=\S)")
_LINK = re.compile(r"\[[^\]]*\]\((?P<url>[^()\s]+)\)|<(?P<bare>[^<>\s]+)>|`(?P<code>[^`]+)`")
_NO_ANSWER = "_No response_"

_Answer = tuple[str, int, str]  # its column, line and text


def looks_so(data: bytes) -> bool:
    """Whether the file begins with a heading. Of other forms only hosts files begin so."""
    return _FIRST_HEADING.match(data) is not None


def read(data: bytes, received: Received, faults: Faults) -> Iterator[pa.Table]:
    """The entries of a form, as ``schemas.OPT_OUTS``.

    Raises:
        InputError: a heading is not known.
        ConfigError: a requester is named, and there is no key.
    """
    answers = _answers(data, received.place)
    said = _said(answers, received, faults)
    entries = []
    for column in _MANY:
        named = [(line, text) for at, line, text in answers if at == column]
        lines, texts = (
            np.array([line for line, _ in named], np.int64),
            pa.array([t for _, t in named], pa.string()),
        )
        found = read_cells(lines, texts, KIND_OF[column], f", {column}", faults).drop_columns(["at"])
        for name in said.column_names:
            found = found.append_column(name, said[name].take(pa.array([0] * len(found), pa.int64())))
        entries.append(complete(found, received))
    whole = merge_lists(entries)
    if not len(whole) and not faults.count:
        raise InputError(f"{received.place}: the form names no account and no item")
    yield whole if "request" in said.column_names else as_one_request(whole)


def _said(answers: list[_Answer], received: Received, faults: Faults) -> pa.Table:
    """One row of what the form says of all that it names. Where no purpose is chosen, every one is meant."""
    texts: dict[str, str] = {}
    first = 0
    for column, line, text in answers:
        if column in FIELDS:
            first = first or line
            texts[column] = f"{texts[column]} {text}" if column in texts else text
    cells = {column: pa.array([text]) for column, text in texts.items()}
    return read_fields(np.array([first], np.int64), cells, received, faults)


def _answers(data: bytes, place: str) -> list[_Answer]:
    """Column, line and text of every line of an answer."""
    answers: list[_Answer] = []
    column = ""
    for lines, texts in blocks(data):
        for line, text in zip(lines.tolist(), texts.to_pylist(), strict=True):
            if heading := _HEADING.fullmatch(text):
                column = _column(heading["title"], f"{place}, line {line}")
            elif text != _NO_ANSWER and not _UNCHECKED.fullmatch(text):
                answers.append((column, line, _plain(_BULLET.sub("", text, count=1))))
    return answers


def _column(title: str, where: str) -> str:
    known = title.rstrip(":?").casefold()
    if known not in COLUMN_OF:
        near = did_you_mean(known, COLUMN_OF) or f" Headings are {', '.join(COLUMN_OF)}."
        raise InputError(f"{where}: unknown heading {shown(title)}.{near}")
    return COLUMN_OF[known]


def _plain(text: str) -> str:
    """A link's address, where the line is a link."""
    link = _LINK.fullmatch(text)
    return next(filter(None, link.groups())) if link else text
