"""Oracles: the formats once more, a row at a time, in plain Python."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

Row = tuple[int, int, list[str]]
Bad = tuple[int, int, str, bytes]

ITEM_ID = re.compile(r"[1-9][0-9]{0,18}")


def unform(cell: str) -> str | None:
    if not cell:
        return None
    try:
        return unquote_plus(cell, errors="strict")
    except UnicodeDecodeError:
        return cell


def lines_of(block: bytes, fields: int) -> tuple[list[Row], list[Bad]]:
    """(offset, line, cells) of sound lines; (offset, line, reason, raw) of the others."""
    rows, bad, offset = [], [], 0
    lines = block.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    for number, raw in enumerate(lines):
        reason, cells = _cells(raw, fields)
        if reason:
            bad.append((offset, number, reason, raw))
        else:
            rows.append((offset, number, cells))
        offset += len(raw) + 1
    return rows, bad


def _cells(raw: bytes, fields: int) -> tuple[str, list[str]]:
    try:
        cells = raw.decode().split("\t")
    except UnicodeDecodeError:
        return "invalid_utf8", []
    if "\0" in raw.decode():
        return "nul_byte", []
    if len(cells) != fields:
        return "field_count", []
    cells[-1] = cells[-1].removesuffix("\r")
    return "", cells
