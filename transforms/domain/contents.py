"""Hashes of an item's bytes: ``md5:`` and 32 hexadecimal digits, or ``sha256:`` and 64."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_MD5 = r"^(?:(?i:md5):)?(?P<hex>[0-9A-Fa-f]{32})$"
_SHA256 = r"^(?:(?i:sha-?256):)?(?P<hex>[0-9A-Fa-f]{64})$"


def normalize_contents(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Each hash with the name of its function before it and in lower case; by its length, if it has no name.

    Args:
        texts: text, nullable.

    Returns:
        Text, row for row, null where the text is no such hash. Normalizing again changes nothing.
    """
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    return pc.coalesce(_named("md5:", texts, _MD5), _named("sha256:", texts, _SHA256))


def _named(function: str, texts: pa.Array, pattern: str) -> pa.Array:
    digits = pc.struct_field(pc.extract_regex(texts, pattern), [0])
    return pc.binary_join_element_wise(function, pc.ascii_lower(digits), "")
