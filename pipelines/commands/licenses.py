"""``byleave licenses``: what the licenses are that people write down."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO, NamedTuple

import click

from pipelines.plurals import counted
from transforms.domain.errors import InputError
from transforms.domain.license_spellings import OUTCOMES, read_one

_BLOCK_BYTES = 4 << 20
_LINE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"


class Row(NamedTuple):
    """One line of the input, and what it was read as."""

    raw: str
    license: str
    outcome: str


@click.group()
def licenses() -> None:
    """Look at licenses: as people write them, and what is known of a store's items."""


@licenses.command()
@click.argument("file", default="-", metavar="[FILE|-]")
@click.option("--json", "how", flag_value="json", help="Print a JSON array of objects.")
@click.option("--csv", "how", flag_value="csv", help="Print CSV with a header.")
def normalize(file: str, how: str | None) -> None:
    """Print each line, the id of the license that it names, and how it was found.

    Found is `exact` (the canonical id or address), `normalized`, `conflict` (what is written together names
    different licenses) or `unknown`. A line may hold a slug, and behind tabs its version, its URL, or both.
    The last line, on standard error, counts them.

    \b
    Example:
      byleave licenses normalize licenses.txt --csv
    """
    found: Counter[str] = Counter()
    with _opened(file) as source:
        blocks = _read(_blocks(source), found)
        for text in _json(blocks) if how == "json" else _csv(blocks) if how == "csv" else _text(blocks):
            sys.stdout.buffer.write(text.encode())
    sys.stdout.flush()
    lines = found.total()
    shares = (f"{outcome} {found[outcome]:,} ({found[outcome] / (lines or 1):.1%})" for outcome in OUTCOMES)
    click.echo(f"{counted(lines, 'line')}: {', '.join(shares)}", err=True)


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    if file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return open(file, "rb")
    except OSError as error:
        raise InputError(
            f"{file}: cannot be read: {error.strerror}. Give a file, or - for standard input"
        ) from None


def _blocks(file: BinaryIO) -> Iterator[list[str]]:
    """The file's lines, some megabytes at a time. Bytes that are no UTF-8 are shown as ``\\xff``."""
    begun, lines = b"", 0
    block = file.read(len(_BOM)).removeprefix(_BOM) + file.read(_BLOCK_BYTES)
    while block:
        whole, end, rest = block.rpartition(b"\n")
        if end:
            found = _lines(begun + whole)
            yield found
            lines += len(found)
        begun = rest if end else begun + rest
        if len(begun) > _LINE_BYTES:
            raise InputError(
                f"{file.name}: line {lines + 1:,} is longer than {_LINE_BYTES:,} bytes. "
                "Write one license on a line"
            )
        block = file.read(_BLOCK_BYTES)
    if begun:
        yield _lines(begun.removesuffix(b"\n"))


def _lines(block: bytes) -> list[str]:
    return [line.removesuffix("\r") for line in block.decode(errors="backslashreplace").split("\n")]


def _read(blocks: Iterable[list[str]], found: Counter[str]) -> Iterator[list[Row]]:
    """Each block's lines as they were read, which is done once for each distinct line of it."""
    for lines in blocks:
        rows = {line: Row(line, *read_one(line)) for line in dict.fromkeys(lines)}
        found.update(rows[line].outcome for line in lines)
        yield [rows[line] for line in lines]


def _text(blocks: Iterable[list[Row]]) -> Iterator[str]:
    for rows in blocks:
        yield "".join("\t".join(row) + "\n" for row in rows)


def _csv(blocks: Iterable[list[Row]]) -> Iterator[str]:
    yield _csv_of([Row._fields])
    yield from map(_csv_of, blocks)


def _csv_of(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _json(blocks: Iterable[list[Row]]) -> Iterator[str]:
    between = "[\n"
    for rows in blocks:
        yield between + ",\n".join(json.dumps(row._asdict(), ensure_ascii=False) for row in rows)
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"
