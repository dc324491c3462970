"""Lists of lines: text with one target a line, or CSV below a header.

Which it is, the first line tells: it names columns, or nearly; else it is an entry itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from transforms.domain.errors import InputError
from transforms.domain.targets import parse_targets
from transforms.domain.texts import did_you_mean, shown
from transforms.formats.lists import Faults, Lines, blocks, fields, split
from transforms.formats.optouts.cells import read_cells
from transforms.formats.optouts.entries import Received, complete
from transforms.formats.optouts.rows import COLUMNS, NAMING, columns_are, read_rows

_NAMES_LOOKED_AT = 30  # a line of a million commas is no header


def read(data: bytes, received: Received, faults: Faults) -> Iterator[pa.Table]:
    """The entries of a list, some megabytes of it at a time, as ``schemas.OPT_OUTS``.

    Raises:
        InputError: the header names what is no column, or no column that names what is opted out.
        ConfigError: a requester is named, and there is no key.
    """
    header: list[str] | None = None
    for lines, texts in blocks(data):
        if header is None and len(texts):
            header = _header(texts[0].as_py(), int(lines[0]), received.place)
            if header:
                lines, texts = lines[1:], texts[1:]
        if header:
            lines, cells = split(lines, texts, len(header), faults)
            yield read_rows(lines, dict(zip(header, cells, strict=True)), received, faults)
        else:
            yield read_targets(lines, texts, None, received, faults)
        faults.trim()


def read_targets(
    lines: Lines, texts: pa.Array, kind: str | None, received: Received, faults: Faults
) -> pa.Table:
    """The entries of texts that are a target each, of ``kind`` or of any."""
    return complete(read_cells(lines, texts, kind, "", faults).drop_columns(["at"]), received)


def _header(text: str, line: int, place: str) -> list[str]:
    """The columns, if the first line names some or nearly; else none: the list is text."""
    names = [name.strip() for name in fields(text)]
    some = names[:_NAMES_LOOKED_AT]
    looks_so = place.lower().endswith(".csv") or any(did_you_mean(name, COLUMNS) for name in some)
    understood = parse_targets(pa.array([text]))["key"].null_count == 0
    if understood or not looks_so:
        return []
    where = f"{place}, line {line}"
    faults = [
        f"{where}: unknown column {shown(name)}.{did_you_mean(name, COLUMNS) or columns_are()}"
        for name in some
        if name not in COLUMNS
    ]
    faults += [f"{where}: column {shown(name)} comes twice" for name in COLUMNS if names.count(name) > 1]
    if ("kind" in names) != ("value" in names):
        faults.append(f"{where}: columns 'kind' and 'value' go together, and one of them is missing")
    if not faults and not {*NAMING} & {*names}:
        faults.append(f"{where}: no column names what is opted out.{columns_are()}")
    if faults:
        raise InputError("\n".join(faults))
    return names
