"""Lists of consents: all of what is written is found, in every form, or the list is refused."""

from __future__ import annotations

import datetime
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from transforms.domain import purposes
from transforms.domain.errors import ConfigError, InputError
from transforms.domain.purposes import bits_of
from transforms.domain.requesters import keyed
from transforms.domain.schemas import CONSENTS
from transforms.formats.consents.reading import read_consents
from transforms.formats.optouts.entries import Received

DAY = datetime.date(2026, 11, 10)
KEY = b"0123456789abcdef"
OWNER = {"owner_id": "12345678@N00", "given_by": "owner", "says": "grant", "purposes": "search commercial"}
DEPICTED = {
    "item_id": "17",
    "given_by": "depicted",
    "person": "ann@example.org",
    "says": "grant",
    "purposes": "face-detection",
    "expires_on": "2027-01-01",
    "evidence": 'a letter, "signed"',
}
REFUSAL = {
    "target": "https://www.flickr.com/photos/12345678@N00/18/",
    "given_by": "owner",
    "says": "refuse",
    "purposes": "all",
    "effective_on": "2026-12-01",
}
ROWS: list[dict[str, Any]] = [OWNER, DEPICTED, REFUSAL]


def read(data: bytes | str, source: str = "flickr", key: bytes | None = KEY) -> pa.Table:
    text = data.encode() if isinstance(data, str) else data
    return read_consents(text, Received("list", source, DAY, key=key))


def csv(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    quoted = lambda cell: '"' + cell.replace('"', '""') + '"'  # noqa: E731
    lines = [",".join(quoted(row.get(name, "")) for name in names) for row in rows]
    return "\n".join([",".join(names), *lines])


def jsonl(rows: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps({**row, "purposes": row["purposes"].split()}) for row in rows)


def parquet(rows: list[dict[str, Any]], **types: pa.DataType) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {n: pa.array([row.get(n) for row in rows], types.get(n)) for n in names}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def faults(data: bytes | str, **how: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(data, **how)
    return str(caught.value).splitlines()


def test_what_is_written_is_found() -> None:
    found = read(csv(ROWS))
    assert found.schema == CONSENTS
    by_key = {row["key"]: row for row in found.to_pylist()}
    nothing = dict.fromkeys(("person", "expires_on", "origin", "evidence"))
    today = {"received_on": DAY, "effective_on": DAY}
    assert by_key == {
        "12345678@N00": {
            **nothing,
            **today,
            "kind": "owner",
            "source": "flickr",
            "key": "12345678@N00",
            "raw": "12345678@N00",
            "given_by": "owner",
            "says": "grant",
            "purposes": bits_of(["search", "commercial"]),
        },
        "17": {
            **nothing,
            **today,
            "kind": "item",
            "source": "flickr",
            "key": "17",
            "raw": "17",
            "given_by": "depicted",
            "person": keyed(pa.array(["ann@example.org"]), KEY)[0].as_py(),
            "says": "grant",
            "purposes": bits_of(["face-detection"]),
            "expires_on": datetime.date(2027, 1, 1),
            "evidence": 'a letter, "signed"',
        },
        "18": {
            **nothing,
            **today,
            "kind": "item",
            "source": "flickr",
            "key": "18",
            "raw": REFUSAL["target"],
            "given_by": "owner",
            "says": "refuse",
            "purposes": purposes.ALL,
            "effective_on": datetime.date(2026, 12, 1),
        },
    }


def test_every_form_and_order_says_the_same() -> None:
    expected = read(csv(ROWS))
    dates = [
        {**row, "expires_on": row.get("expires_on") and DAY.fromisoformat(row["expires_on"])} for row in ROWS
    ]
    listed = [{**row, "purposes": row["purposes"].split()} for row in dates]
    forms = [
        "\ufeff" + csv([*ROWS[::-1], OWNER]).replace("\n", "\r\n\r\n"),
        jsonl([*ROWS[1:], ROWS[0], ROWS[1]]),
        parquet(ROWS),
        parquet(listed, expires_on=pa.date32()),
        parquet(ROWS, says=pa.dictionary(pa.int8(), pa.string())),
    ]
    for form in forms:
        assert read(form).equals(expected)


def test_no_person_is_stored_in_the_clear() -> None:
    cells = [str(cell) for row in read(csv(ROWS)).to_pylist() for cell in row.values()]
    assert not any("ann" in cell for cell in cells)
    with pytest.raises(ConfigError, match="no key is given"):
        read(csv(ROWS), key=None)
    assert len(read(csv([OWNER, REFUSAL]), key=None)) == 2


def test_ids_of_other_platforms_are_as_their_column_says() -> None:
    row = {
        "item_id": "0f6c-a",
        "source": "wikimedia",
        "given_by": "owner",
        "says": "revoke",
        "purposes": "search",
    }
    for said, own in ((row, "flickr"), ({**row, "source": ""}, "wikimedia")):
        (found,) = read(csv([said]), source=own).to_pylist()
        assert (found["kind"], found["source"], found["key"]) == ("item", "wikimedia", "0f6c-a")
    assert faults(csv([{**row, "item_id": "0f 6c"}]))[0].startswith("list, line 2, item_id: '0f 6c' is not")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"owner_id": "nobody at all"}, ", owner_id: 'nobody at all' is not an owner id"),
        ({"owner_id": "17"}, ", owner_id: '17' is not an owner id"),
        ({"owner_id": ""}, ": names neither an item nor an owner"),
        ({"item_id": "17"}, ": fills more than one of item_id, owner_id, target"),
        ({"given_by": "Owner"}, ", given_by: 'Owner' is not one of owner, depicted. Did you mean 'owner'?"),
        ({"given_by": "depicted"}, ", given_by: a depicted person speaks of an item"),
        ({"person": "ann"}, ", person: is of depicted persons alone"),
        ({"says": ""}, ", says: '' is not one of grant, revoke, refuse."),
        ({"purposes": ""}, ", purposes: is empty; name them"),
        ({"purposes": ";"}, f", purposes: ';' names no purpose. There are {', '.join(purposes.PURPOSES)}."),
        ({"purposes": "all"}, ", purposes: a grant names its purposes, and 'all' is none"),
        (
            {"purposes": "serch"},
            ", purposes: 'serch' holds 'serch', which is no purpose. Did you mean 'search'?",
        ),
        ({"says": "refuse", "expires_on": "2027-01-01"}, ", expires_on: only a grant expires"),
        ({"expires_on": "2026-11-10"}, ", expires_on: 2026-11-10 is not after 2026-11-10, when it begins"),
        ({"effective_on": "tomorrow"}, ", effective_on: 'tomorrow' is not a date such as 2026-11-10"),
    ],
)
def test_what_is_not_understood_is_told_with_its_line(changed: dict[str, str], words: str) -> None:
    rows = [DEPICTED, {**OWNER, **changed}, REFUSAL]
    expected = [f"list, line 3{words}"]
    assert faults(csv(rows)) == expected
    assert faults(parquet(rows)) == [expected[0].replace("line 3", "line 2")]


def test_a_form_that_is_none_is_told() -> None:
    assert (
        "unknown column 'item'. Did you mean 'item_id'?"
        in faults("item,given_by,says,purposes\n1,owner,grant,search")[0]
    )
    assert "column 'says' is missing" in faults("item_id,given_by,purposes\n1,owner,search")[0]
    assert "no column names what is spoken of" in faults("given_by,says,purposes\nowner,grant,search")[0]
    assert faults('{"item_id": 1, "says": ["grant"]}') == ["list, line 1, says: ['grant'] is not text"]
    assert faults("[1]") == ["list, line 1: is no JSON object: [1]"]
    assert faults(parquet([{**OWNER, "says": 1.5}])) == ["list: column 'says' is double; write text"]
    assert "cannot be read as Parquet" in faults(parquet(ROWS)[:-9])[0]
    assert len(read("")) == 0
