"""Alias histories: all of one is understood, in either form, or it is refused with the lines that are not."""

import csv
import datetime
import io
import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.spellings import ALIASES as ALIAS_TEXTS
from support.spellings import NAMES, NSIDS, aliases, owners

from transforms.domain.errors import InputError
from transforms.domain.schemas import ALIASES
from transforms.formats.aliases import merge_aliases, read_aliases

DAY = datetime.date(2026, 11, 10)


def read(data, source="flickr"):
    return read_aliases(data.encode(), place="who.csv", source=source, observed_on=DAY)


def faults_in(data, source="flickr"):
    with pytest.raises(InputError) as caught:
        read(data, source)
    return str(caught.value).splitlines()


@st.composite
def rows(draw):
    """A line as cells, and what it says."""
    kind = draw(st.sampled_from(["alias", "name", "owner"]))
    owner = draw(NSIDS)
    seen = draw(st.none() | st.dates(max_value=DAY))
    if kind == "alias":
        key = draw(ALIAS_TEXTS)
        written = draw(st.sampled_from([key.upper(), draw(aliases(key))]))
        key = key.lower()
    elif kind == "name":
        written = draw(NAMES)
        key = " ".join(written.lower().split())
    else:
        key = draw(NSIDS)
        written = draw(owners(key))
    cells = {
        "kind": kind,
        "key": written,
        "owner_id": draw(owners(owner)),
        "seen_on": seen.isoformat() if seen else "",
    }
    return cells, {"source": "flickr", "kind": kind, "key": key, "owner_id": owner, "seen_on": seen}


@settings(max_examples=50)
@given(st.lists(rows(), max_size=4), st.booleans())
def test_every_line_is_understood_in_either_form(lines, mark):
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, ["seen_on", "key", "owner_id", "kind"])
    writer.writeheader()
    writer.writerows(cells for cells, _ in lines)
    objects = "".join(json.dumps({k: v or None for k, v in cells.items()}) + "\n" for cells, _ in lines)
    found = read(("\ufeff" if mark else "") + sheet.getvalue())
    assert found.schema == ALIASES
    # Each line once, in the order of its columns; those without a day last.
    said = {tuple(row.values()) for _, row in lines}
    ordered = sorted(
        said, key=lambda row: (*(text.encode() for text in row[:4]), row[4] is None, row[4] or DAY)
    )
    assert [tuple(row.values()) for row in found.to_pylist()] == ordered
    assert read(objects).equals(found)


@settings(max_examples=30)
@given(st.lists(rows(), max_size=5), st.integers(0, 5))
def test_histories_are_one_in_any_order(lines, cut):
    table = pa.Table.from_pylist([row for _, row in lines], schema=ALIASES)
    whole = merge_aliases([table])
    assert merge_aliases([table[cut:], table[:cut], table]).equals(whole)


def test_other_platforms_have_ids_of_their_own():
    (row,) = read("key,owner_id,source,kind\nKeeper-1,Keeper,museum,owner\n").to_pylist()
    assert (row["source"], row["key"], row["owner_id"]) == ("museum", "Keeper-1", "Keeper")
    (row,) = read('{"key": "Keeper", "owner_id": "17"}', source="museum").to_pylist()
    assert (row["source"], row["kind"], row["key"], row["owner_id"]) == ("museum", "alias", "keeper", "17")


def test_every_fault_is_told_with_its_line():
    assert faults_in(
        "key,owner_id,kind,seen_on\n"
        "bees,1@N00,,\n"
        "a b,17,alis,2020-13-01\n"
        "1@N00,1@N00,,2027-01-01\n"
        ",1@N00,name,2020-1-1\n"
        "x,1@N00,owner,\n"
        "short\n"
        "tags,,,\n"
    ) == [
        "who.csv, line 3, kind: 'alis' is not one of alias, name, owner. Did you mean 'alias'?",
        "who.csv, line 3, owner_id: '17' is not an owner id",
        "who.csv, line 3, seen_on: '2020-13-01' is not a date such as 2026-11-10",
        "who.csv, line 4, key: '1@N00' is not an alias, or the address of a page on Flickr that has one",
        "who.csv, line 4, seen_on: '2027-01-01' is after 2026-11-10, when the history was made",
        "who.csv, line 5, key: '' is not a name",
        "who.csv, line 5, seen_on: '2020-1-1' is not a date such as 2026-11-10",
        "who.csv, line 6, key: 'x' is not an owner id",
        "who.csv, line 7: has 1 fields, and the header 4",
        "who.csv, line 8, owner_id: '' is not an owner id",
    ]


def test_what_is_no_history_is_refused():
    (told,) = faults_in("key,ownerid\nbees,1@N00\n")
    assert told == "who.csv, line 1: unknown column 'ownerid'. Did you mean 'owner_id'?"
    (told,) = faults_in("bees\n")
    assert told.startswith("who.csv, line 1: unknown column 'bees'.")
    (told,) = faults_in("key\nbees\n")
    assert told.startswith("who.csv, line 1: column 'owner_id' is missing. Columns are key, owner_id,")
    assert faults_in('{"key": 17, "owner_id": "1@N00"}\n[]\n{"keys": "bees", "owner_id": "1@N00"}\n"\n') == [
        "who.csv, line 1, key: 17 is not text",
        "who.csv, line 2: is no JSON object: []",
        "who.csv, line 3: unknown member 'keys'. Did you mean 'key'?",
        "who.csv, line 4: no JSON: Unterminated string starting at: line 1 column 1 (char 0)",
    ]
    with pytest.raises(InputError, match="UTF-8"):
        read_aliases(b"key,owner_id\n\xff,1@N00\n", place="who.csv", source="flickr", observed_on=DAY)
    assert read("").num_rows == read("key,owner_id\n").num_rows == 0
