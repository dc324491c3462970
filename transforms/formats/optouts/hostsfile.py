"""Block lists in the form of a hosts file: an address that leads nowhere, and hosts that are sent there.

::

    # what is behind `#` is a comment
    0.0.0.0 example.ai www.example.ai
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.texts import shown
from transforms.formats.lists import Faults, blocks
from transforms.formats.optouts.entries import Received
from transforms.formats.optouts.lines import read_targets

_NOWHERE = ("0.0.0.0", "127.0.0.1", "::", "::1", "0:0:0:0:0:0:0:0", "0:0:0:0:0:0:0:1")
_THIS_MACHINE = pa.array(
    [
        "localhost",
        "localhost.localdomain",
        "local",
        "broadcasthost",
        "ip6-localhost",
        "ip6-loopback",
        *_NOWHERE,
    ]
)  # what such files say of the machine itself
_A_LINE = re.compile(
    rb"\A(?:\xef\xbb\xbf)?(?:[ \t\r]*(?:#[^\n]*)?\n)*[ \t]*(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+[^\s#]"
)


def looks_so(data: bytes) -> bool:
    """Whether the first line that is no comment sends a host nowhere."""
    return _A_LINE.match(data) is not None


def read(data: bytes, received: Received, faults: Faults) -> Iterator[pa.Table]:
    """The hosts of a block list, as ``schemas.OPT_OUTS``."""
    for lines, texts in blocks(data):
        said = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, "(?s)#.*", ""))
        filled = pc.not_equal(said, "")
        lines, said = lines[filled.to_numpy(zero_copy_only=False)], said.filter(filled)
        words = pc.split_pattern_regex(said, r"\s+")
        first = pc.list_element(words, 0)
        astray = pc.invert(pc.is_in(first, pa.array(_NOWHERE)))
        alone = pc.and_not(pc.equal(pc.list_value_length(words), 1), astray)
        wrong = pc.or_(astray, alone).to_numpy(zero_copy_only=False)
        faults.add(
            lines[wrong],
            (
                f": {shown(text)} is not a host behind {_NOWHERE[0]}, as in a block list"
                for text in (value.as_py() for value in said.filter(pa.array(wrong)))
            ),
        )
        rows = pc.list_parent_indices(words).to_numpy()
        hosts = words.flatten()
        blocked = np.diff(rows, prepend=-1) == 0  # all but the first word of a line
        blocked &= ~wrong[rows] & ~pc.is_in(hosts, _THIS_MACHINE).to_numpy(zero_copy_only=False)
        yield read_targets(lines[rows[blocked]], hosts.filter(pa.array(blocked)), "host", received, faults)
        faults.trim()
