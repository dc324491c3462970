"""Alias histories are taken in, and whoever opted out under a former name is opted out under every other."""

from __future__ import annotations

import datetime
from pathlib import Path

import hypothesis.strategies as st
import oracle_leave
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given

from pipelines.aliases import ingest_aliases
from pipelines.cli import cli
from pipelines.objections import SCHEMA, of_owners
from pipelines.store.store import Store
from pipelines.store.tables import ALIASES, Table
from transforms.domain import schemas
from transforms.domain.errors import InputError
from transforms.domain.purposes import ALL
from transforms.standing import standing

HISTORY = "key,owner_id,kind\nBees,1@N00,\nJohn Smith,2@N00,name\n3@N00,1@N00,owner\n"


def history(store: Store, folder: Path, text: str = HISTORY, observed_on: str = "2026-11-10") -> Table:
    file = folder / "aliases.csv"
    file.write_text(text)
    return ingest_aliases(store, [str(file)], observed_on=observed_on)


def test_a_history_is_a_table(store: Store, tmp_path: Path) -> None:
    table = history(store, tmp_path)
    assert table == store.tables.get(ALIASES, table.name) == history(store, tmp_path)
    counts = {"aliases": 1, "names": 1, "former_ids": 1, "rows": 3, "rows_read": 3}
    assert table.counts == {**counts, "duplicates": 0, "quarantined": 0}
    assert (table.date, table.turns) == ("2026-11-10", ())
    assert history(store, tmp_path, observed_on="2026-11-11").name != table.name
    with pytest.raises(InputError, match="the history is empty"):
        history(store, tmp_path, "key,owner_id\n")


def test_the_command_says_what_came_in(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "aliases.csv"
    file.write_text(HISTORY)
    words = ["ingest", "aliases", store.url, str(file), "--observed-on", "2026-11-10"]
    answer = CliRunner().invoke(cli, words)
    assert answer.output.startswith("aliases 2026-11-10-")
    assert answer.output.endswith(": 3 entries (1 alias, 1 name, 1 former id)\n")


@pytest.mark.parametrize(
    ("kind", "key", "owners"),
    [
        ("alias", "bees", ["1@N00"]),
        ("name", "john smith", ["2@N00"]),
        ("owner", "3@N00", ["1@N00", "3@N00"]),
        ("alias", "wasps", []),
    ],
)
def test_an_opt_out_under_a_former_name_is_one_of_the_owner(
    store: Store, tmp_path: Path, kind: str, key: str, owners: list[str]
) -> None:
    table = history(store, tmp_path)
    aliases = store.blobs.get_table(table.blobs["entries"], schema=schemas.ALIASES)
    day = datetime.date(2026, 11, 12)
    asked = {
        "request": "r",
        "kind": kind,
        "source": "flickr",
        "key": key,
        "raw": key,
        "purposes": ALL,
        "state": "active",
        "received_on": day,
        "effective_on": day,
    }
    leave = standing(
        pa.Table.from_pylist([asked], schema=schemas.OPT_OUTS), schemas.CONSENTS.empty_table(), aliases, day
    )
    assert [row["key"] for row in leave.to_pylist() if row["kind"] == "owner" and row["no"] == ALL] == owners


NAMED = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["alias", "name", "owner"]),
        "source": st.sampled_from(["flickr", "museum"]),
        "key": st.sampled_from("1234"),
    }
)
CALLED = st.builds(lambda name, owner: {**name, "owner_id": owner}, NAMED, st.sampled_from("1234"))


@given(st.lists(NAMED), st.lists(CALLED))
def test_the_gate_follows_who_is_who_by_itself(
    asked: list[dict[str, str]], called: list[dict[str, str]]
) -> None:
    fields = [schemas.ALIASES.field(name) for name in ("kind", "source", "key", "owner_id")]
    found = of_owners(pa.Table.from_pylist(asked, SCHEMA), pa.Table.from_pylist(called, pa.schema(fields)))
    expected = [oracle_leave.owners_of(oracle_leave.target(one), called) for one in asked]
    assert {tuple(row.values()) for row in found.to_pylist()} == set().union(*expected)
