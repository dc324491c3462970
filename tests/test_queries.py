from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalog import views as catalog
from pipelines.catalog.cells import times_as_text, visible
from pipelines.catalog.queries import FORMS, render, run_query
from transforms.domain.errors import ConfigError

ESC, RING, BIDI = "\x1b[31m", "\x07", "\u202e"

texts = (
    st.none()
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.sampled_from([ESC, RING, BIDI, "\x9b1m", '"', ","])
)
columns = st.lists(texts, max_size=5)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with catalog.empty_catalog() as connection:
        yield connection


def reader(table: pa.Table, batch_rows: int = 2) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=batch_rows))


def shown(table: pa.Table, how: str, **options: Any) -> str:
    return "\n".join(render(reader(table), how, **options))


def speaks(text: str) -> set[str]:
    """The characters of ``text`` that a terminal obeys, by Unicode's own classes."""
    joiners = {"\u200c", "\u200d"}
    return (
        {
            c
            for c in text
            if unicodedata.category(c) in ("Cc", "Zl", "Zp")
            or (
                unicodedata.category(c) == "Cf"
                and unicodedata.bidirectional(c)
                in ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")
            )
        }
        - joiners
        - {"\n"}
    )


@given(columns, columns)
def test_csv_gives_back_every_cell(one: list[str | None], two: list[str | None]) -> None:
    count = min(len(one), len(two))
    table = pa.table({"a,b": pa.array(one[:count], pa.string()), 'q"': pa.array(two[:count], pa.string())})
    text = shown(table, "csv") + "\n"
    # `csv` of Python reads null and empty text alike.
    expected = [["a,b", 'q"'], *([a or "", b or ""] for a, b in zip(one, two, strict=False))]
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == expected
    for value in (None, ""):
        text = shown(pa.table({"a": pa.array([value], pa.string())}), "csv")
        assert text.split("\n")[1] == ("" if value is None else '""')


@given(columns)
def test_json_gives_back_every_cell(cells: list[str | None]) -> None:
    table = pa.table({"a": pa.array(cells, pa.string()), "n": range(len(cells))})
    assert json.loads(shown(table, "json")) == table.to_pylist()


@given(columns)
def test_nothing_speaks_to_a_terminal(cells: list[str | None]) -> None:
    name = f"name{ESC}{BIDI}"
    table = pa.table(
        {name: pa.array(cells, pa.string()), "l": pa.array([[c] for c in cells], pa.list_(pa.string()))}
    )
    for how in FORMS:
        for width in (None, 12):
            assert not speaks(shown(table, how, width=width, terminal=True))


@given(st.text(st.characters(codec="utf-8")))
def test_visible_changes_only_what_speaks(text: str) -> None:
    assert not speaks(visible(text)) - {"\n"}
    assert "\n" not in visible(text)
    assert visible("naïve 日本\u3000語 👩\u200d🔬 \u05d0") == "naïve 日本\u3000語 👩\u200d🔬 \u05d0"


def test_csv_for_programs_carries_text_as_it_is() -> None:
    table = pa.table({"a": [ESC]})
    assert shown(table, "csv") == f'"a"\n"{ESC}"'
    assert shown(table, "csv", terminal=True) == '"a"\n"\\x1b[31m"'


# What DuckDB gives, and how it stands in CSV, in JSON and in a table.
VALUES = [
    ("null", "", None, "NULL"),
    ("true", "true", True, "true"),
    ("42", "42", 42, "42"),
    ("sum(3)", "3", 3, "3"),  # HUGEINT
    ("170141183460469231731687303715884105727::hugeint", str(2**127 - 1), 2**127 - 1, str(2**127 - 1)),
    ("1.50::decimal(4, 2)", "1.50", 1.5, "1.50"),
    ("0.1::double", "0.1", 0.1, "0.1"),
    ("'nan'::double", "nan", None, "nan"),
    ("[1.5, 'inf'::double]", "[1.5, null]", [1.5, None], "[1.5, null]"),
    ("date '4501-01-02'", "4501-01-02", "4501-01-02", "4501-01-02"),
    ("timestamp '1864-01-02 03:04:05'", *["1864-01-02T03:04:05"] * 3),
    ("timestamp '12000-01-02 03:04:05.250'", *["12000-01-02T03:04:05.25"] * 3),
    ("timestamptz '2010-01-02 03:04:00+02'", *["2010-01-02T01:04:00Z"] * 3),
    ("time '10:00'", *["10:00:00"] * 3),
    ("interval '1 day 2.5 second'", *["P0M1DT2.5S"] * 3),
    ("['a', null, 'b\"']", '["a", null, "b\\""]', ["a", None, 'b"'], '["a", null, "b\\""]'),
    ("{'k': [1]}", '{"k": [1]}', {"k": [1]}, '{"k": [1]}'),
    ("'x'::enum ('x', 'y')", "x", "x", "x"),
    (r"'a\x09\xff\x5c'::blob", *[r"a\x09\xFF\x5C"] * 3),
    ("'NULL'", "NULL", "NULL", "NULL"),
]


@pytest.mark.parametrize(("sql", "in_csv", "in_json", "in_table"), VALUES, ids=[sql for sql, *_ in VALUES])
def test_each_kind_of_value(
    connection: duckdb.DuckDBPyConnection, sql: str, in_csv: str, in_json: Any, in_table: str
) -> None:
    def answer(how: str) -> str:
        return "\n".join(render(run_query(connection, f"select {sql} as v"), how))

    assert list(csv.reader(io.StringIO(answer("csv") + "\n"))) == [["v"], [in_csv] if in_csv else []]
    assert json.loads(answer("json"), parse_constant=pytest.fail) == [{"v": in_json}]
    name, rule, cell, count = answer("table").split("\n")
    assert (name.strip(), set(rule), cell.strip(), count) == ("v", {"─"}, in_table, "1 row")


def test_numbers_stay_whole() -> None:
    table = pa.table({"n": pa.array([Decimal(2**100)], pa.decimal128(38, 0)), "i": [2**63 - 1]})
    assert json.loads(shown(table, "json")) == [{"n": 2**100, "i": 2**63 - 1}]


def test_times_lose_only_zeros_of_fractions() -> None:
    micros = [0, 10, 100_000, 1_000_000, 10_000_000 * 60]
    found = times_as_text(pa.array(micros, pa.timestamp("us"))).to_pylist()
    assert found == [
        "1970-01-01T00:00:00",
        "1970-01-01T00:00:00.00001",
        "1970-01-01T00:00:00.1",
        "1970-01-01T00:00:01",
        "1970-01-01T00:10:00",
    ]


def test_table_for_people() -> None:
    table = pa.table({"license": ["CC-BY-2.0", None, "x" * 100], "items": [1234, 5, 6]})
    assert shown(table, "table").split("\n") == [
        "license                                                        items",
        "────────────────────────────────────────────────────────────────────",
        "CC-BY-2.0                                                       1234",
        "NULL                                                               5",
        f"{'x' * 59}…       6",
        "3 rows",
    ]
    assert shown(table[:0], "table").split("\n")[-1] == "0 rows"


def test_table_of_many_columns_is_written_below_each_other() -> None:
    table = pa.table({f"c{place}": [f"v{place}", None] for place in range(24)})
    lines = shown(table, "table", width=80).split("\n")
    assert lines[:3] == ["row 1", "  c0   v0", "  c1   v1"]
    assert len(lines) == 2 * 25 + 1
    assert len(shown(table, "table", width=400).split("\n")) == 5


def test_table_shows_the_first_rows_and_computes_no_more(connection: duckdb.DuckDBPyConnection) -> None:
    lines = list(render(run_query(connection, "select range as n from range(1_000_000_000_000)"), "table"))
    assert len(lines) == 2 + 100 + 1
    assert "there are more" in lines[-1]
    assert list(render(run_query(connection, "from range(100)"), "table"))[-1] == "100 rows"


@pytest.mark.parametrize(("how", "lines"), [("json", ["[]"]), ("csv", ['"a","b"']), ("table", None)])
def test_no_rows(connection: duckdb.DuckDBPyConnection, how: str, lines: Sequence[str] | None) -> None:
    found = list(render(run_query(connection, "select 1 as a, [1] as b where false"), how))
    assert found[-1] == "0 rows" if lines is None else found == lines


def test_empty_batches_leave_no_trace() -> None:
    batches = [pa.record_batch({"a": pa.array(cells, pa.int64())}) for cells in ([], [1], [], [2], [])]
    for how, text in (("csv", '"a"\n1\n2'), ("json", '[{"a": 1},\n {"a": 2}]')):
        assert "\n".join(render(pa.RecordBatchReader.from_batches(batches[0].schema, batches), how)) == text


def test_many_batches_are_one_answer(connection: duckdb.DuckDBPyConnection) -> None:
    sql = "select range as n, 'x' as t from range(25_000) order by n"
    assert [row["n"] for row in json.loads("\n".join(render(run_query(connection, sql), "json")))] == list(
        range(25_000)
    )
    text = "\n".join(render(run_query(connection, sql), "csv"))
    assert text.split("\n") == ['"n","t"', *(f'{n},"x"' for n in range(25_000))]


def test_json_refuses_two_columns_of_one_name(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ConfigError, match=r"^v: .* AS$"):
        list(render(run_query(connection, "select 1 as v, 2 as v"), "json"))
    assert list(render(run_query(connection, "select 1 as v, 2 as v"), "csv")) == ['"v","v"', "1,2"]


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"'xml'.*table, json, csv"):
        list(render(reader(pa.table({"a": [1]})), "xml"))


NOT_QUERIES = [
    "drop view items",
    "delete from stored.items",
    "with gone as (delete from stored.items returning *) select * from gone",
    "insert into stored.reasons values (1, 'x')",
    "update stored.reasons set place = 1",
    "create table t (a int)",
    "copy items to 'x.csv'",
    "attach 'x.db'",
    "install httpfs",
    "load httpfs",
    "set threads = 1",
    "pragma version",
    "call pragma_version()",
    "explain analyze copy items to 'x.csv'",
    "pivot tallies on verdict using sum(items)",
    "begin",
    "select 1; select 2",
    "from items; drop view items",
    "",
    "-- nothing",
]


@pytest.mark.parametrize("sql", NOT_QUERIES)
def test_only_one_query_that_reads(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(ConfigError, match=r"one query at a time|a query only reads"):
        run_query(connection, sql)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("selec 1", 'syntax error at or near "selec"'),
        ("from nowhere", "Table with name nowhere does not exist"),
        ("select nothing from items", '"nothing" not found'),
        ("select 1 + 'a'", "explicit type casts"),
        ("select 'a1'::int", "Could not convert string 'a1'"),
        ("select $1", "parameters"),
        (f"select error('{ESC}')", r"\\x1b\[31m"),
    ],
)
def test_errors_are_one_line_and_the_views(
    connection: duckdb.DuckDBPyConnection, sql: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        run_query(connection, sql).read_all()
    first, second = str(caught.value).split("\n")
    assert not speaks(first)
    assert second.startswith("Views: aliases, consents, decisions,")


def test_errors_while_batches_are_read_are_told_alike(connection: duckdb.DuckDBPyConnection) -> None:
    sql = "select case when range < 900_000 then range else error('too far') end as n from range(1_000_000)"
    with pytest.raises(ConfigError, match="too far"):
        list(render(run_query(connection, sql), "csv"))
