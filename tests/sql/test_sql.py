"""Every query of `sql/` on folders of rows: `<folder>/<query>/<case>/` holds the inputs and `expect.csv`.

An input is named after the view, or after the table of the schema `stored`, that it stands for. It may leave
columns out: they are null, as is a cell that says NULL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.catalog import sqlfiles
from pipelines.catalog import views as catalog
from transforms.domain.reasons import PRECEDENCE, REASONS

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/*/expect.csv"))
QUERIES = {
    f"{folder}/{name}": query
    for folder, queries in (
        ("views", sqlfiles.views()),
        ("stats", sqlfiles.stats()),
        ("checks", sqlfiles.checks()),
    )
    for name, query in queries.items()
}
AS_STORED = {"views/manifest", "views/released_manifest", "views/items", "views/inputs"}


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
    database.executemany(
        "insert into stored.reasons values (?, ?, ?)",
        [(REASONS.index(name), rank, name) for rank, name in enumerate(PRECEDENCE)],
    )
    for file in sorted(case.glob("*.csv")):
        if file.stem != "expect":
            put(database, file.stem, file)
    database.execute(f"create table found as {query}")
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


@pytest.mark.parametrize("name", QUERIES)
def test_heads_tell_the_columns(database: duckdb.DuckDBPyConnection, name: str) -> None:
    head = QUERIES[name].split("-- columns:\n")[1]
    told = re.findall(r"^--   (\w+) ([A-Z]+(?:\[\])?)(?:  +\S.*)?$", head, re.MULTILINE)
    described = database.sql(f"describe ({strip(QUERIES[name])})").fetchall()
    assert told == [(column, kind) for column, kind, *_ in described]
    assert set(heading(QUERIES[name], "grain")) <= {column for column, *_ in described}


def strip(query: str) -> str:
    return re.sub(r"--.*", "", query)


@pytest.mark.parametrize("name", [name for name in QUERIES if not name.startswith("views/")])
def test_heads_tell_the_views_read(name: str) -> None:
    assert set(heading(QUERIES[name], "reads")) == catalog.named_views(QUERIES[name])


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_is_one_plain_select(name: str) -> None:
    catalog.named_views(QUERIES[name])
    first, rest = QUERIES[name].split("\n", 1)
    assert first.startswith("-- ")
    assert first.endswith(".")
    assert "{" not in rest
