"""Opt-out lists in whatever form they come: text, CSV, JSON, a registry's answers, a block list, a form.

A list is read whole or not at all: one line that is not understood would be one person who is not heard. What
is understood and suspicious, such as a pattern, becomes an entry that is held for a person to look at.
"""

from __future__ import annotations

import pyarrow as pa

from transforms.domain.schemas import OPT_OUTS
from transforms.formats.lists import Faults, check_text
from transforms.formats.optouts import hostsfile, issueform, jsonlists, lines
from transforms.formats.optouts.entries import Received, merge_lists

_FORMS = (jsonlists, hostsfile, issueform)
"""Forms that can be told by how they begin, in the order in which they are looked for; else it is lines."""


def read_list(data: bytes, received: Received) -> pa.Table:
    """The entries of one list. A byte-order mark, CRLF and blank lines are tolerated.

    Args:
        data: the file, in UTF-8.
        received: how it came in.

    Returns:
        A table of ``schemas.OPT_OUTS``, distinct and sorted as by :func:`entries.merge_lists`. There are no
        rows where the list has no entries: whether that is acceptable is for the caller to say.

    Raises:
        InputError: the file is not UTF-8 text, or a column or line of it is not understood; the message has
            one line for each of the first 20 faults, then their count.
        ConfigError: a requester is named, and there is no key.
    """
    faults = Faults(received.place)
    entries = read_entries(data, received, faults)
    faults.check()
    return entries


def read_entries(data: bytes, received: Received, faults: Faults) -> pa.Table:
    """The entries that are understood of one list, as of :func:`read_list`; ``faults`` gets what is not.

    Raises:
        InputError: the file is not UTF-8 text, or its form cannot be made out.
        ConfigError: a requester is named, and there is no key.
    """
    check_text(data, received.place)
    form = next((form for form in _FORMS if form.looks_so(data)), lines)
    found = list(form.read(data, received, faults))
    return merge_lists(found) if found else OPT_OUTS.empty_table()


def is_of_lines(data: bytes) -> bool:
    """Whether a list has one target, or one row of cells, a line, and no other form."""
    return not any(form.looks_so(data) for form in _FORMS)
