"""All bytes that somebody who has a Parquet file has: those of the file, and those of its pages, unpacked."""

from __future__ import annotations

import pyarrow as pa

_ZSTD = b"\x28\xb5\x2f\xfd"


def unpacked(data: bytes) -> bytes:
    """The bytes of a Parquet file, and behind them those of each compressed page."""
    parts, start = [data], data.find(_ZSTD)
    while start >= 0:
        page = pa.CompressedInputStream(pa.BufferReader(data[start:]), "zstd")
        try:
            while some := page.read(1):
                parts.append(some)
        except OSError:
            pass  # the page has ended
        start = data.find(_ZSTD, start + 1)
    return b"".join(parts)
