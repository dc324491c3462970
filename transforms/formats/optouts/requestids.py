"""Ids of requests whose list gives none: made of what is asked, by whom, through whom and when.

SHA-256, since a person approves by id: nobody may be able to make a request with the id of another's. Nor to
state it: what has an id of another's is approved with it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.schemas import OPT_OUTS

_REQUEST_DIGITS = 16
_MADE = re.compile(f"r[0-9a-f]{{{_REQUEST_DIGITS}}}")
_BETWEEN = "\x1f"  # no key, origin or requester holds a control character


def request_ids(columns: Mapping[str, pa.ChunkedArray]) -> pa.Array:
    """The id of each entry's request, where its list gives none.

    Args:
        columns: of ``schemas.OPT_OUTS``, but ``request``.

    Returns:
        Text, row for row, never null.
    """
    parts = [
        columns[name].cast(pa.string()).fill_null("")
        for name in ("kind", "source", "key", "purposes", "origin", "requester", "received_on")
    ]
    asked = pc.binary_join_element_wise(*parts, _BETWEEN)
    return pa.concat_arrays([_hashed(chunk) for chunk in asked.chunks] or [pa.array([], pa.string())])


def is_made(request: str) -> bool:
    """Whether an id is of the form of those that are made here, which no list may state."""
    return _MADE.fullmatch(request) is not None


def as_one_request(entries: pa.Table) -> pa.Table:
    """The same entries, all of one request, whose id is made of theirs."""
    every = "".join(sorted(set(entries["request"].to_pylist())))
    shared = pa.repeat(pa.scalar(_request_id(every.encode())), len(entries))
    return entries.set_column(0, OPT_OUTS.field("request"), shared)


def _hashed(texts: pa.Array) -> pa.Array:
    """``_request_id`` of each text, none of them null."""
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32, len(texts) + 1 + texts.offset)[texts.offset :].tolist()
    view, sha256, width = memoryview(data or b""), hashlib.sha256, _REQUEST_DIGITS // 2
    hashes = b"".join([sha256(view[start:end]).digest()[:width] for start, end in pairwise(ends)])
    digits = np.frombuffer(hashes.hex().encode(), np.uint8).reshape(len(texts), _REQUEST_DIGITS)
    ids = np.insert(digits, 0, ord("r"), axis=1)
    places = np.arange(len(texts) + 1, dtype=np.int32) * (_REQUEST_DIGITS + 1)
    return pa.Array.from_buffers(
        pa.string(), len(texts), [None, pa.py_buffer(places), pa.py_buffer(ids.tobytes())]
    )


def _request_id(asked: bytes) -> str:
    return "r" + hashlib.sha256(asked).hexdigest()[:_REQUEST_DIGITS]
