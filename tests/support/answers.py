"""Files of answers as tests write and read them."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pyarrow as pa

from transforms.domain import schemas
from transforms.domain.conformity import conform
from transforms.formats.lines import Parsed
from transforms.formats.registry import FORMATS, FileFormat

SHARED = Path(os.environ.get("BYLEAVE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
DAY = "2026-11-01"


def read(fmt: str, data: bytes, place: str = "inbox/answers.jsonl") -> Parsed:
    """All rows of a file, as an ingest of the day :data:`DAY` reads it."""
    reader = FORMATS[fmt]
    assert isinstance(reader, FileFormat)
    settings = {"source": "flickr", "observed_on": DAY, **reader.variant(data[: 1 << 18], place)}
    pieces = list(reader.batches(io.BytesIO(data), settings))
    for piece in pieces:
        conform(piece.rows, schemas.LICENSES)
        conform(piece.quarantined, schemas.QUARANTINE)
    return Parsed(
        pa.concat_tables([schemas.LICENSES.empty_table(), *(piece.rows for piece in pieces)]),
        pa.concat_tables([schemas.QUARANTINE.empty_table(), *(piece.quarantined for piece in pieces)]),
    )


def refused(found: Parsed) -> list[tuple[int, str]]:
    """Place and reason of each row in quarantine."""
    return list(
        zip(found.quarantined["line"].to_pylist(), found.quarantined["reason"].to_pylist(), strict=True)
    )


def element(tag: str, attributes: Mapping[str, object]) -> str:
    """An element of XML without content."""
    return f"<{tag} {' '.join(f'{name}={quoteattr(str(value))}' for name, value in attributes.items())} />"


def ok(elements: Sequence[str]) -> str:
    """An answer that did not fail."""
    inside = "\n".join(elements)
    return f'<?xml version="1.0" encoding="utf-8" ?>\n<rsp stat="ok">\n{inside}\n</rsp>\n'


def failed(code: int, said: str) -> str:
    """An answer that did."""
    error = element("err", {"code": code, "msg": said})
    return f'<?xml version="1.0" encoding="utf-8" ?>\n<rsp stat="fail">\n\t{error}\n</rsp>\n'


NOT_FOUND = failed(1, "Photo not found")
