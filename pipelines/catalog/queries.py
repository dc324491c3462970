"""Asking a catalog, and showing the answer: a table for people, JSON and CSV for programs."""

from __future__ import annotations

import io
import itertools
import shutil
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.catalog import views as catalog
from pipelines.catalog.cells import python_rows, times_as_text, to_json, visible, words
from pipelines.progress import UNWATCHED, Watch
from pipelines.store.store import Store
from transforms.domain.errors import ConfigError

if TYPE_CHECKING:
    import duckdb

FORMS = ("table", "json", "csv")

_BATCH_ROWS = 10_000
_SHOWN_ROWS = 100  # of a table; JSON and CSV give all
_SHOWN_CHARACTERS = 60  # of a cell
_COLUMN_CHARACTERS = 8  # with less for each column, a table is not readable


def ask(
    store: Store, sql: str, *, release: str | None = None, how: str = "table", watch: Watch = UNWATCHED
) -> Generator[str, None, None]:
    """The answer to one SELECT over a store, as text for standard output; see :func:`render`.

    Only what the query names is hashed and opened. Errors are those of :func:`catalog.open_catalog`,
    :func:`run_query` and :func:`render`.
    """
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else None
    needed = catalog.named_views(sql)
    with catalog.open_catalog(store, release=release, needed=needed, watch=watch) as connection:
        yield from render(run_query(connection, sql), how, width=width, terminal=terminal)


def run_query(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.RecordBatchReader:
    """The answer to one SELECT, batch by batch as it is computed.

    Raises:
        ConfigError: ``sql`` is something else, or cannot be answered; also while batches are read.
        StateError: it names a view of a release, and there is none.
    """
    catalog.named_views(sql)
    with catalog.plain_errors():
        reader = _ended_by_ctrl_c(connection, lambda: connection.sql(sql).to_arrow_reader(_BATCH_ROWS))

    def batches() -> Iterator[pa.RecordBatch]:
        with catalog.plain_errors():
            while batch := _ended_by_ctrl_c(connection, lambda: next(reader, None)):
                yield batch

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def _ended_by_ctrl_c(connection: duckdb.DuckDBPyConnection, work: Callable[[], Any]) -> Any:
    """What ``work`` with a connection comes to.

    It is done in a thread: where DuckDB computes in the main one, it looks for Ctrl-C between its tasks only,
    and one task of a large join has been seen to take most of a minute.
    """
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(work)
        try:
            return asked.result()
        except KeyboardInterrupt:
            while not asked.done():  # a query that only begins would not hear of it
                connection.interrupt()
                wait([asked], timeout=0.1)
            raise RuntimeError("Query interrupted") from None  # as DuckDB says it


def render(
    answer: pa.RecordBatchReader, how: str, *, width: int | None = None, terminal: bool = False
) -> Iterator[str]:
    """The answer as text, in pieces of whole lines, the last line's end left out.

    Control characters in cells are spelled out in a table and in JSON. CSV is data and carries them.

    Args:
        answer: of :func:`run_query`.
        how: `table`: the first 100 rows in columns, or one below the other where there are too many columns
            for ``width``. `json`: one array of objects, times in ISO 8601. `csv`: RFC 4180 with a header and
            lines that end in LF; null is an empty cell, empty text is `""`, lists are JSON.
        width: of a table in characters; None: as wide as it needs.
        terminal: a terminal will read the CSV: spell control characters out there too.

    Raises:
        ConfigError: ``how`` is none of these, or JSON is asked for two columns of one name.
    """
    match how:
        case "table":
            yield from _render_table(answer, width)
        case "json":
            yield from _render_json(answer)
        case "csv":
            yield from _render_csv(answer, terminal)
        case _:
            raise ConfigError(f"{how!r}: an answer is shown as one of {', '.join(FORMS)}")


def _render_table(answer: pa.RecordBatchReader, width: int | None) -> Iterator[str]:
    fields = list(answer.schema)
    rows = list(itertools.islice((row for batch in answer for row in python_rows(batch)), _SHOWN_ROWS + 1))
    shown = [[_cell(value) for value in row] for row in rows[:_SHOWN_ROWS]]
    narrow = width is not None and len(fields) * _COLUMN_CHARACTERS > width
    table = _records(fields, shown) if narrow else _columns(fields, shown)
    sink = io.StringIO()
    Console(file=sink, width=width or 1 << 20, color_system=None, legacy_windows=False).print(table)
    yield from (line.rstrip() for line in sink.getvalue().removesuffix("\n").split("\n"))
    if len(rows) > _SHOWN_ROWS:
        yield f"the first {_SHOWN_ROWS} rows; there are more, and JSON and CSV give all of them"
    else:
        yield f"{len(rows)} row{'' if len(rows) == 1 else 's'}"


def _columns(fields: Sequence[pa.Field], rows: Sequence[Sequence[Text]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for field in fields:
        numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
        right = any(is_it(field.type) for is_it in numeric)
        table.add_column(Text(visible(field.name)), justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _records(fields: Sequence[pa.Field], rows: Sequence[Sequence[Text]]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    for number, row in enumerate(rows, 1):
        table.add_row(f"row {number}", "")
        for field, cell in zip(fields, row, strict=True):
            table.add_row(Text(f"  {visible(field.name)}"), cell)
    return table


def _cell(value: Any) -> Text:
    text = "NULL" if value is None else visible(words(value))
    return Text(text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…")


def _render_json(answer: pa.RecordBatchReader) -> Iterator[str]:
    names = answer.schema.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{', '.join(twice)}: JSON needs a name for each column; tell them apart with AS")
    line = None
    for row in (row for batch in answer for row in python_rows(batch)):
        if line is not None:
            yield f"{line},"
        line = ("[" if line is None else " ") + to_json(dict(zip(names, row, strict=True)))
    yield "[]" if line is None else f"{line}]"


def _render_csv(answer: pa.RecordBatchReader, terminal: bool) -> Iterator[str]:
    names = [visible(name) if terminal else name for name in answer.schema.names]
    empty = pa.RecordBatch.from_arrays(
        [pa.array([], field.type) for field in answer.schema], schema=answer.schema
    )
    full = (batch for batch in answer if batch.num_rows)
    for number, batch in enumerate(itertools.chain([empty], full)):
        table = pa.table([_writable(column, terminal) for column in batch.columns], names=names)
        sink = io.BytesIO()
        pyarrow.csv.write_csv(table, sink, pyarrow.csv.WriteOptions(include_header=number == 0))
        yield sink.getvalue().decode().removesuffix("\n")


def _writable(column: pa.Array, terminal: bool) -> pa.Array:
    """A column as `pyarrow.csv` writes it: numbers and truth values as they are, all else as text."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    column = times_as_text(column)
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
    if any(is_it(column.type) for is_it in numeric):
        return column
    if pa.types.is_string(column.type) and not terminal:
        return column
    texts = (None if cell is None else words(cell) for cell in column.to_pylist())
    return pa.array([visible(text) if terminal and text else text for text in texts], pa.string())
