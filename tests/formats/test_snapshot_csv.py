from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rowbyrow import ITEM_ID

from transforms.domain import schemas
from transforms.domain.conformity import conform
from transforms.domain.errors import InputError
from transforms.domain.license_spellings import normalize_one
from transforms.formats import snapshot_csv
from transforms.formats.lines import Parsed

HEADER = "source,item_id,owner_id,license,license_raw,visibility,observed_on"
SOUND = "flickr,1,12@N01,by 2.0,,public,2026-11-01"
VISIBILITIES = ("public", "private", "deleted", "unknown")


def parse(data: bytes, **given_settings: object) -> Parsed:
    found = {**given_settings, **snapshot_csv.LICENSES.variant(data, "here")}
    return snapshot_csv.LICENSES.parse(data, offset_bytes=0, line=0, settings=found)


def places(found: Parsed) -> dict[int, str]:
    """The reason of each refused row, by its number after the header."""
    return {row["line"] - 1: row["reason"] for row in found.quarantined.to_pylist()}


cells = st.tuples(
    st.sampled_from(["flickr", "flickr", "other", ""]),
    st.sampled_from(["1", "2", "x,y", "", "0"]),
    st.sampled_from(["12@N01", "", 'a"b']),
    st.sampled_from(["by 2.0", "CC-BY-4.0", "", "by, 2"]),
    st.sampled_from(["", "as written, once"]),
    st.sampled_from([*VISIBILITIES, "", "Public"]),
    st.sampled_from(["2026-11-01", "yesterday", ""]),
)


@given(st.lists(st.one_of(cells, st.just(("too", "few"))), max_size=20), st.sampled_from(["\n", "\r\n"]))
def test_agrees_with_the_standard_reader(rows: list[tuple[str, ...]], ending: str) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=ending).writerows([HEADER.split(","), *rows])
    found = parse(text.getvalue().encode())
    expected, bad = [], {}
    for number, row in enumerate(rows):
        reason = refuse(row)
        if reason:
            bad[number] = reason
        else:
            source, item, owner, lic, raw, visibility, day = row
            written = raw or lic or None
            expected.append(
                (source, item, owner or None, normalize_one(lic or None), written, visibility, day)
            )
    got = [(*row[:-1], str(row[-1])) for row in map(tuple, map(dict.values, found.rows.to_pylist()))]
    assert got == expected
    assert places(found) == bad
    conform(found.rows, schemas.LICENSES)


def refuse(row: tuple[str, ...]) -> str:
    if len(row) != 7:
        return "field_count"
    source, item, _, _, _, visibility, day = row
    if not source:
        return "source_unparsable"
    if not item:
        return "item_id_missing"
    if source == "flickr" and not ITEM_ID.fullmatch(item):
        return "item_id_unparsable"
    if visibility not in VISIBILITIES:
        return "visibility_unparsable"
    return "" if day == "2026-11-01" else "observed_on_unparsable"


def test_a_quote_left_open_spoils_its_own_line_only() -> None:
    rows = [SOUND, SOUND.replace("by 2.0", '"by 2.0'), SOUND, SOUND.replace("by 2.0", 'by 2.0"'), SOUND]
    found = parse("\n".join([HEADER, *rows, ""]).encode())
    assert places(found) == {1: "field_count"}
    assert found.quarantined["raw"].to_pylist() == [rows[1].encode()]
    assert found.rows["license"].to_pylist() == ["CC-BY-2.0", "CC-BY-2.0", "unknown", "CC-BY-2.0"]


def test_bytes_that_are_no_text_are_quarantined_alone() -> None:
    lines = [
        HEADER.encode(),
        SOUND.encode(),
        SOUND.encode().replace(b"12", b"\xff"),
        b"3\xff",
        SOUND.encode(),
    ]
    assert places(parse(b"\n".join(lines))) == {1: "invalid_utf8", 2: "invalid_utf8"}


def test_the_unit_separator_is_no_way_around_the_comma() -> None:
    lines = [HEADER, SOUND.replace(",", "\x1f", 1), SOUND + "\x1f", SOUND.replace("by", "b\x1fy")]
    assert places(parse("\n".join(lines).encode())) == dict.fromkeys(range(3), "field_count")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_marks_and_line_endings_are_tolerated(ending: str) -> None:
    data = b"\xef\xbb\xbf" + ending.join([HEADER, SOUND, SOUND]).encode()
    assert len(parse(data).rows) == 2


def test_the_header_is_no_row_wherever_it_stands() -> None:
    quoted = ",".join(f'"{name}"' for name in HEADER.split(","))
    found = parse("\n".join([HEADER, SOUND, HEADER, SOUND, quoted]).encode())
    assert (len(found.rows), len(found.quarantined)) == (2, 0)


def test_defaults_and_their_absence() -> None:
    data = b"item_id,owner_id,license,visibility\n1,,by 2.0,public\n"
    found = parse(data, source="flickr", observed_on="2026-11-01")
    assert found.rows["license_raw"].to_pylist() == ["by 2.0"]
    with pytest.raises(InputError, match=r"column 'source' is missing\. column 'observed_on' is missing"):
        parse(data)
    with pytest.raises(InputError, match=r"^here: column 'visibility' is missing"):
        parse(b"item_id,owner_id,license\n1,,by\n", source="flickr", observed_on="2026-11-01")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"a,b\n1,2\n",
            "here: not licenses-csv: found 2 comma-separated columns, expected a header with the columns ",
        ),
        (
            HEADER.replace("item_id", "ID").encode(),
            "here: column 'ID' is unknown. column 'item_id' is missing.",
        ),
        (HEADER.encode() + b",item_id\n", "here: column 'item_id' is there 2 times."),
    ],
)
def test_other_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse(data)
    assert str(error.value).startswith(message)


def test_a_header_alone_has_no_rows() -> None:
    assert len(parse(HEADER.encode() + b"\n").rows) == 0
