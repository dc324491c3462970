"""Every query of `sql/` on folders of rows: `<folder>/<query>/<case>/` holds the inputs and `expect.csv`.

An input is named after the view, or after the table of the schema `stored`, that it stands for. It may leave
columns out: they are null, as is a cell that says NULL. Of a query with parameters, `call.sql` says how it is
called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.catalog import sqlfiles
from pipelines.catalog import views as catalog
from pipelines.catalog.statements import stored_names
from transforms.domain.license_changes import directions_table
from transforms.domain.purposes import BROADER, PEOPLE_SENSITIVE, PURPOSES
from transforms.domain.reasons import PRECEDENCE, REASONS

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/*/expect.csv"))
QUERIES = {
    f"{file.parent.name}/{file.stem}": file.read_text("utf-8")
    for file in sorted((HERE.parents[1] / "sql").glob("*/*.sql"))
}
MACROS = {name for name, query in QUERIES.items() if "-- parameters:" in query}
AS_STORED = {
    f"views/{name}"
    for name in (
        "manifest",
        "released_manifest",
        "items",
        "inputs",
        "license_ledger",
        "license_terms",
        "purposes",
    )
}


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with catalog.empty_catalog() as connection:
        yield connection


def put(database: duckdb.DuckDBPyConnection, table: str, file: Path) -> None:
    """Fill ``table`` from a CSV file, with its own types; a view becomes a table first."""
    if "." not in table:
        database.execute(f"create table stand_in as from {table} limit 0")
        database.execute(f"drop view {table}")
        database.execute(f"alter table stand_in rename to {table}")
    rows = f"read_csv('{file}', header = true, all_varchar = true, nullstr = 'NULL')"
    database.execute(f"insert into {table} by name from {rows}")


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.relative_to(HERE)))
def test_case(database: duckdb.DuckDBPyConnection, case: Path) -> None:
    query = QUERIES[f"{case.parent.parent.name}/{case.parent.name}"]
    call = case / "call.sql"
    asked = f"from {call.read_text()}" if call.exists() else query
    database.executemany(
        "insert into stored.reasons values (?, ?, ?)",
        [(REASONS.index(name), rank, name) for rank, name in enumerate(PRECEDENCE)],
    )
    database.executemany(
        "insert into stored.purposes values (?, ?, ?, ?)",
        [(i, name, BROADER.get(name), name in PEOPLE_SENSITIVE) for i, name in enumerate(PURPOSES)],
    )
    if "directions" in stored_names([case.parent.name] if case.parent.parent.name == "drift" else []):
        database.register("every_direction", directions_table())
        database.execute("insert into stored.directions from every_direction")
        database.unregister("every_direction")
    for file in sorted(case.glob("*.csv")):
        if file.stem != "expect":
            put(database, file.stem, file)
    database.execute(f"create table found as {asked}")
    database.execute("create table expected as from found limit 0")
    put_expected = (
        "insert into expected by name from read_csv(?, header=true, all_varchar=true, nullstr='NULL')"
    )
    database.execute(put_expected, [str(case / "expect.csv")])
    found, expected = (database.sql(f"from {name}").fetchall() for name in ("found", "expected"))
    if "order by" not in query:
        found.sort(key=repr)
        expected.sort(key=repr)
    assert found == expected
    header = (case / "expect.csv").read_text().splitlines()[0].split(",")
    assert header == database.table("found").columns
    grain = ", ".join(heading(query, "grain"))
    assert not database.sql(f"select {grain} from found group by all having count(*) > 1").fetchall()


def test_every_file_is_a_view_a_macro_a_statistic_or_a_check() -> None:
    queries = [sqlfiles.views(), sqlfiles.macros(), sqlfiles.stats(), sqlfiles.checks()]
    assert sorted(name for each in queries for name in each) == sorted(name.split("/")[1] for name in QUERIES)
    assert {*sqlfiles.macros()} == {name.split("/")[1] for name in MACROS}


def test_every_query_has_a_case() -> None:
    tried = {f"{case.parent.parent.name}/{case.parent.name}" for case in CASES}
    assert tried == QUERIES.keys() - AS_STORED


@pytest.mark.parametrize("name", sqlfiles.checks())
def test_every_check_can_pass_and_fail(name: str) -> None:
    faults = [
        len((case / "expect.csv").read_text().splitlines()) - 1 for case in (HERE / "checks" / name).iterdir()
    ]
    assert min(faults) == 0
    assert max(faults) > 0


def heading(query: str, word: str) -> list[str]:
    """What the head of a query says of ``word``, a list."""
    (line,) = re.findall(rf"^-- {word}: (.*)$", query, re.MULTILINE)
    return line.split(", ")


def called(name: str) -> str:
    """The query of ``name``, or a call of it with values of the types that its head states."""
    if name not in MACROS:
        return strip(QUERIES[name])
    head = QUERIES[name].split("-- parameters:\n")[1].split("-- columns:\n")[0]
    parameters = re.findall(r"^--   (\w+) (DATE|BIGINT)( := \S+)?(?:  +\S.*)?$", head, re.MULTILINE)
    assert len(parameters) == len(head.splitlines())
    values = ", ".join({"DATE": "'2020-01-01'", "BIGINT": "1"}[kind] for _, kind, _ in parameters)
    return f"from {name.split('/')[1]}({values})"


@pytest.mark.parametrize("name", QUERIES)
def test_heads_tell_the_columns(database: duckdb.DuckDBPyConnection, name: str) -> None:
    head = QUERIES[name].split("-- columns:\n")[1]
    told = re.findall(r"^--   (\w+) ([A-Z]+(?:\[\])?)(?:  +\S.*)?$", head, re.MULTILINE)
    described = database.sql(f"describe ({called(name)})").fetchall()
    assert told == [(column, kind) for column, kind, *_ in described]
    assert set(heading(QUERIES[name], "grain")) <= {column for column, *_ in described}


def strip(query: str) -> str:
    return re.sub(r"--.*", "", query)


def views_read(query: str) -> set[str]:
    """The views that a query names, or calls a macro that does."""
    return {
        view
        for name in catalog.named_views(query)
        for view in ({name} if name in sqlfiles.views() else views_read(sqlfiles.macros()[name].query))
    }


@pytest.mark.parametrize("name", [name for name in QUERIES if not name.startswith("views/")])
def test_heads_tell_the_views_read(name: str) -> None:
    assert set(heading(QUERIES[name], "reads")) == views_read(QUERIES[name])


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_is_one_plain_select(name: str) -> None:
    catalog.named_views(QUERIES[name])
    first, rest = QUERIES[name].split("\n", 1)
    assert first.startswith("-- ")
    assert first.endswith(".")
    assert "{" not in rest
