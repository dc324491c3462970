"""Bad input: each case has a stated outcome. One clear error that names the place, or quarantine of that row
with its reason, or acceptance. Never a traceback, and never another row than the one that was written.

What a reader makes of single cells and lines is tested beside the formats. Here whole files are taken in.
"""

from __future__ import annotations

import bz2
import gzip
import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from byhand import ByHand, listing

from pipelines.ingest import ingest_manifest, ingest_opt_outs
from pipelines.optouts.requests import waiting
from pipelines.raw import inputs, planning
from pipelines.store.blobs import Blob
from pipelines.store.store import Dataset, Store, close_stores, create_store
from pipelines.store.tables import MANIFESTS, OPT_OUTS, Table
from transforms.domain import schemas
from transforms.domain.errors import InputError

COLUMNS = {
    "item_id": "6985123401",
    "owner_id": "12345678@N00",
    "owner_name": "A+Person",
    "taken_at": "2012-02-16 09:56:37.0",
    "uploaded_at": "1331840483",
    "capture_device": "Some+Camera",
    "title": "A+title",
    "description": "",
    "tags": "sunset,at+home",
    "machine_tags": "",
    "longitude": "-81.8",
    "latitude": "24.5",
    "accuracy": "16",
    "page_url": "http://www.flickr.com/photos/12345678@N00/6985123401/",
    "image_url": "http://farm8.staticflickr.com/7001/6985123401_abcdef0123.jpg",
    "license_name": "Attribution License",
    "license_url": "http://creativecommons.org/licenses/by/2.0/",
    "server": "7001",
    "farm": "8",
    "secret": "abcdef0123",
    "secret_original": "0123abcdef",
    "extension": "jpg",
    "marker": "0",
}


def line(**cells: str | bytes) -> bytes:
    """A line of YFCC100M's form, with some cells of another content."""
    values = ({**COLUMNS, **cells}).values()
    return b"\t".join(v if isinstance(v, bytes) else v.encode() for v in values) + b"\n"


# Enough good lines that one bad one does not make the file another kind of file.
GOOD = b"".join(line(item_id=str(number)) for number in range(1, 10))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    yield create_store(str(tmp_path / "store"), Dataset("yfcc100m", "flickr", 4))
    close_stores()


def take_in(store: Store, *paths: Path, **settings: Any) -> Table:
    settings = {"max_quarantined_share": 1.0} | settings
    files = [str(path) for path in paths]
    return ingest_manifest(store, files, fmt="yfcc100m", snapshot="a", runner=ByHand(), **settings)


def rows(store: Store, table: Table) -> list[dict[str, Any]]:
    tables = [store.blobs.get_table(blob).cast(schemas.MANIFEST) for blob in table.buckets.values()]
    found: list[dict[str, Any]] = pa.concat_tables([schemas.MANIFEST.empty_table(), *tables]).to_pylist()
    return sorted(found, key=lambda row: int(row["item_id"]))


def quarantined(store: Store, table: Table) -> list[dict[str, Any]]:
    blobs = [Blob.from_json(split["quarantine"]) for split in table.splits if split["quarantine"]]
    return [row for blob in blobs for row in store.blobs.get_table(blob).to_pylist()]


# --- Files that are refused as a whole -----------------------------------------------------------------

REFUSED: dict[str, tuple[bytes, str]] = {
    "zero bytes": (b"", "an empty file"),
    "only line feeds": (b"\n\n\n", "only blank lines"),
    "NUL bytes only": (b"\0" * 4096, "only NUL bytes"),
    "a header only": (b"photoid\tuid\tunickname\n", "3 tab-separated columns"),
    "22 columns": (GOOD.replace(b"\t0\n", b"\n"), "22 tab-separated columns"),
    "24 columns": (GOOD.replace(b"\n", b"\tx\n"), "24 tab-separated columns"),
    "26 columns": (GOOD.replace(b"\n", b"\tx\ty\tz\n"), "26 tab-separated columns"),
    "a million columns": (b"1\t" * 1_000_000 + b"\n", "not yfcc100m"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "UTF-16"),
    "UTF-16 without its mark": (GOOD.decode().encode("utf-16-le"), "not yfcc100m"),
    "commas for tabs": (GOOD.replace(b"\t", b","), "not yfcc100m"),
    "lone CR for line feeds": (GOOD.replace(b"\n", b"\r"), "not yfcc100m"),
    "gzip in gzip": (gzip.compress(gzip.compress(GOOD)), "gzip data inside gzip"),
    "bzip2 in gzip": (gzip.compress(bz2.compress(GOOD)), "bzip2 data inside"),
    "Parquet in gzip": (gzip.compress(b"PAR1" + b"\0" * 100), "a Parquet file"),
    "zip": (b"PK\x03\x04" + b"\0" * 100, "a zip file"),
    "xz": (b"\xfd7zXZ\0" + b"\0" * 100, "xz data"),
    "gzip of nothing": (gzip.compress(b""), "an empty file"),
    "bzip2 cut short": (bz2.compress(GOOD)[:-9], "cut bz2 data"),
    "gzip with garbage behind": (gzip.compress(GOOD) + b"garbage", "corrupt gz data"),
    "bzip2 with a flipped bit": (
        bz2.compress(GOOD)[:60] + b"\xaa" + bz2.compress(GOOD)[61:],
        "corrupt bz2 data",
    ),
}


def check_refused(store: Store, path: Path, message: str) -> None:
    before = listing(Path(store.url), "datasets")
    with pytest.raises(InputError) as caught:
        take_in(store, path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert listing(Path(store.url), "datasets") == before
    assert store.tables.names(MANIFESTS) == []


@pytest.mark.parametrize("case", REFUSED)
def test_files_that_are_refused(store: Store, tmp_path: Path, case: str) -> None:
    content, message = REFUSED[case]
    path = tmp_path / "photos.tsv"
    path.write_bytes(content)
    check_refused(store, path, message)


@pytest.mark.parametrize("tenth", range(1, 10))
def test_gzip_cut_anywhere(store: Store, tmp_path: Path, tenth: int) -> None:
    packed = gzip.compress(GOOD * 50)
    path = tmp_path / "photos.tsv.gz"
    path.write_bytes(packed[: len(packed) * tenth // 10])
    check_refused(store, path, "cut gz data")


def test_what_is_no_file(store: Store, tmp_path: Path) -> None:
    check_refused(store, tmp_path / "nothing.tsv", "no such file")
    check_refused(store, tmp_path, "a directory")
    os.mkfifo(tmp_path / "pipe")
    check_refused(store, tmp_path / "pipe", "neither a file nor a directory")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(tmp_path)  # a socket's path may not be long
        try:
            listener.bind("socket")
        finally:
            os.chdir(here)
        check_refused(store, tmp_path / "socket", "neither a file nor a directory")


def test_one_bad_file_among_good_ones_is_named(store: Store, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.tsv", tmp_path / "bad.tsv"
    good.write_bytes(GOOD)
    bad.write_bytes(b"nothing of the kind\n")
    with pytest.raises(InputError, match=f"^{bad}: not yfcc100m"):
        take_in(store, good, bad)
    assert store.tables.names(MANIFESTS) == []


def test_a_file_that_changes_between_planning_and_reading(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "photos.tsv"
    path.write_bytes(GOOD)
    plan = planning.plan

    def plan_then_change(*args: Any, **settings: Any) -> inputs.Inputs:
        planned = plan(*args, **settings)
        path.write_bytes(GOOD.replace(b"A+title", b"A+TITLE"))
        return planned

    monkeypatch.setattr(planning, "plan", plan_then_change)
    check_refused(store, path, "changed while being read")


def test_a_file_that_grows_is_taken_in_as_it_was(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "photos.tsv"
    path.write_bytes(GOOD)
    plan = planning.plan

    def plan_then_grow(*args: Any, **settings: Any) -> inputs.Inputs:
        planned = plan(*args, **settings)
        with path.open("ab") as file:
            file.write(line(item_id="77"))
        return planned

    monkeypatch.setattr(planning, "plan", plan_then_grow)
    table = take_in(store, path)
    assert [row["item_id"] for row in rows(store, table)] == [str(number) for number in range(1, 10)]


# --- Rows that go to quarantine ------------------------------------------------------------------------

QUARANTINED: dict[str, tuple[bytes, str]] = {
    "22 columns": (line().replace(b"\t0\n", b"\n"), "field_count"),
    "24 columns": (line().replace(b"\n", b"\tx\n"), "field_count"),
    "a tab inside a quoted cell": (line(title='"a\ttitle"'), "field_count"),
    "a blank line": (b"\n", "field_count"),
    "Latin-1": (line(title=b"caf\xe9"), "invalid_utf8"),
    "overlong UTF-8": (line(title=b"\xc0\xaf"), "invalid_utf8"),
    "a surrogate": (line(title=b"\xed\xa0\x80"), "invalid_utf8"),
    "a character cut short": (line(title=b"\xe2\x82"), "invalid_utf8"),
    "a NUL in a cell": (line(title=b"a\0b"), "nul_byte"),
    "a cell of 2 MiB": (line(title="x" * (2 << 20)), "cell_too_large"),
    "a line of 17 MiB": (line(title="x" * (17 << 20)), "line_too_long"),
    "no item id": (line(item_id=""), "item_id_missing"),
    "an item id with a space": (line(item_id="69851234 01"), "item_id_unparsable"),
    "an item id with a zero-width space": (line(item_id="69851\u200b23401"), "item_id_unparsable"),
    "an item id in full-width digits": (line(item_id="\uff16\uff19\uff18"), "item_id_unparsable"),
    "an item id with leading zeros": (line(item_id="006985123401"), "item_id_unparsable"),
    "an item id that is encoded": (line(item_id="%36985123401"), "item_id_unparsable"),
    "an item id as a float": (line(item_id="6.985e9"), "item_id_unparsable"),
    "an item id below zero": (line(item_id="-6985123401"), "item_id_unparsable"),
    "an item id of 20 digits": (line(item_id="1" * 20), "item_id_unparsable"),
    "a byte-order mark": (b"\xef\xbb\xbf" + line(), "item_id_unparsable"),
    "an owner with a line break": (line(owner_id="1@N00%0A"), "owner_id_unparsable"),
    "an owner of 300 letters": (line(owner_id="x" * 300), "owner_id_unparsable"),
}


def places_of_bad_rows() -> Iterator[tuple[str, str]]:
    for case, (bad, _) in QUARANTINED.items():
        if len(bad) > 1 << 20:
            yield case, "in the middle"
            continue
        yield from ((case, place) for place in ("first", "in the middle", "alone in its split"))
        if case != "a blank line":  # one at the very end is no row
            yield case, "last"


@pytest.mark.parametrize(("case", "place"), [*places_of_bad_rows()])
def test_rows_that_go_to_quarantine(store: Store, tmp_path: Path, case: str, place: str) -> None:
    bad, reason = QUARANTINED[case]
    at = {"first": 0, "last": len(GOOD)}.get(place, GOOD.index(b"\n") + 1)
    content = GOOD[:at] + bad + GOOD[at:]
    path = tmp_path / "photos.tsv"
    path.write_bytes(content)
    table = take_in(store, path, split_bytes=64 if place == "alone in its split" else 1 << 26)
    assert table.counts == {"rows": 9, "rows_read": 10, "duplicates": 0, "quarantined": 1}
    (row,) = quarantined(store, table)
    assert row["reason"] == reason
    assert row["raw_bytes"] == len(bad) - 1
    assert row["raw"] == bad[:-1][: 1 << 20]
    (split,) = [each for each in table.splits if each["quarantine"]]
    assert split["offset_bytes"] + row["offset_bytes"] == at
    assert split["first_line"] + row["line"] == content[:at].count(b"\n")
    assert [each["item_id"] for each in rows(store, table)] == [str(number) for number in range(1, 10)]


def test_a_last_line_cut_short_is_quarantined_and_one_without_its_line_feed_is_not(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "photos.tsv"
    path.write_bytes(GOOD + line(item_id="77")[:60])
    table = take_in(store, path)
    assert [row["reason"] for row in quarantined(store, table)] == ["field_count"]
    path.write_bytes(GOOD + line(item_id="77")[:-1])
    whole = ingest_manifest(store, [str(path)], fmt="yfcc100m", snapshot="b", runner=ByHand())
    assert whole.counts["rows"] == 10


def test_many_faults_are_each_counted(store: Store, tmp_path: Path) -> None:
    small = {case: content for case, content in QUARANTINED.items() if len(content[0]) < 1 << 20}
    path = tmp_path / "photos.tsv"
    path.write_bytes(GOOD + b"".join(bad for bad, _ in small.values()) + line())
    table = take_in(store, path, split_bytes=1000)
    found = Counter(row["reason"] for row in quarantined(store, table))
    assert found == Counter(reason for _, reason in small.values())
    assert table.counts["rows"] == 10


# --- What is accepted ----------------------------------------------------------------------------------

ACCEPTED: dict[str, tuple[bytes, dict[str, Any]]] = {
    "CRLF": (line().replace(b"\n", b"\r\n"), {"media_type": "photo"}),
    "an unbalanced quote": (line(title='a "title'), {"title": 'a "title'}),
    "U+2028 and a vertical tab": (line(title="a\u2028b\x0bc"), {"title": "a\u2028b\x0bc"}),
    "a lone CR": (line(title="a\rb"), {"title": "a\rb"}),
    "an encoded tab and line feed": (line(title="a%09b%0Ac"), {"title": "a\tb\nc"}),
    "markup": (line(title="</script>"), {"title": "</script>"}),
    "front matter": (
        line(title="---%0Alicense%3A+cc0"),
        {"title": "---\nlicense: cc0", "license": "CC-BY-2.0"},
    ),
    "a formula": (line(title="=cmd|' /C calc'!A0"), {"title": "=cmd|' /C calc'!A0"}),
    "ANSI escapes": (line(title="\x1b[31mred"), {"title": "\x1b[31mred"}),
    "right to left": (line(title="\u202egnp.exe"), {"title": "\u202egnp.exe"}),
    "a cell of 1 MiB": (line(description="x" * (1 << 20)), {"description": "x" * (1 << 20)}),
    "an owner whose @ is encoded": (line(owner_id="12345678%40N00"), {"owner_id": "12345678@N00"}),
    "no owner": (line(owner_id=""), {"owner_id": None}),
    "a license that nobody knows": (
        line(license_url="http://example.com/mine", license_name="Mine"),
        {"license": "unknown", "license_raw": "http://example.com/mine"},
    ),
    "a license in capitals, with white space": (
        line(license_url=" HTTP://CREATIVECOMMONS.ORG/licenses/BY/2.0 "),
        {"license": "CC-BY-2.0"},
    ),
    "no license": (line(license_url="", license_name=""), {"license": "unknown", "license_raw": None}),
    "the year 0": (line(taken_at="0000-00-00 00:00:00.0"), {"taken_at": None}),
    "latitude 91": (line(latitude="91"), {"latitude": None}),
    "javascript:": (line(page_url="javascript:alert(1)"), {"page_url": "javascript:alert(1)"}),
    "a link to the machine's own": (
        line(image_url="http://169.254.169.254/latest"),
        {"image_url": "http://169.254.169.254/latest"},
    ),
    "a kind of item that nobody knows": (line(marker="2"), {"media_type": "unknown"}),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_rows_that_are_accepted(store: Store, tmp_path: Path, case: str) -> None:
    content, expected = ACCEPTED[case]
    path = tmp_path / "photos.tsv"
    path.write_bytes(GOOD + content)
    table = take_in(store, path)
    assert (table.counts["rows"], table.counts["quarantined"]) == (10, 0)
    row = rows(store, table)[-1]
    assert {name: row[name] for name in expected} == expected
    # Null, not a guess; and counted, not passed over.
    lost = {name for name, value in expected.items() if value is None and name in ("taken_at", "latitude")}
    assert {name for name, cells in table.unparsable.items() if cells} == lost


def test_the_secret_of_the_original_is_nowhere(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "photos.tsv"
    path.write_bytes(GOOD)
    table = take_in(store, path)
    assert COLUMNS["secret_original"] not in repr(rows(store, table))


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace(b"\n", b"\r\n"),
        b"".join(each + b"\r" * (n % 2) + b"\n" for n, each in enumerate(GOOD.splitlines())),
        gzip.compress(GOOD[:500]) + gzip.compress(GOOD[500:]),
        bz2.compress(GOOD[:500]) + bz2.compress(GOOD[500:]),
        GOOD + b"\n",
    ],
    ids=["CRLF", "CRLF and LF", "gzip of two members", "bzip2 of two streams", "a blank line at the end"],
)
def test_forms_that_hold_the_same_rows(store: Store, tmp_path: Path, content: bytes) -> None:
    plain, other = tmp_path / "plain.tsv", tmp_path / "other.tsv"
    plain.write_bytes(GOOD)
    other.write_bytes(content)
    expected = take_in(store, plain)
    found = ingest_manifest(store, [str(other)], fmt="yfcc100m", snapshot="b", runner=ByHand())
    assert found.digest == expected.digest
    assert found.counts == expected.counts


BOMB = """
import gzip, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from byhand import ByHand
from pipelines.ingest import ingest_manifest
from pipelines.store.store import Dataset, create_store, close_stores
folder = Path(sys.argv[1])
store = create_store(str(folder / "store"), Dataset("yfcc100m", "flickr", 4))
table = ingest_manifest(store, [str(folder / "bomb.tsv.gz")], fmt="yfcc100m", snapshot="a",
                        runner=ByHand(), max_quarantined_share=1.0)
close_stores()
# Not `ru_maxrss`: that of a child is never below what its parent held when it began.
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
print(dict(table.counts), int(peak.split()[1]) // 1024)
"""


@pytest.mark.slow
def test_a_cell_of_a_gigabyte_in_a_small_file_is_never_held(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "bomb.tsv.gz", "wb", compresslevel=1) as file:
        file.write(GOOD)
        start, end = line(item_id="77", title="TITLE").split(b"TITLE")
        file.write(start)
        for _ in range(1024):
            file.write(b"x" * (1 << 20))
        file.write(end)
        file.write(line(item_id="78"))
    assert (tmp_path / "bomb.tsv.gz").stat().st_size < 10_000_000
    here = Path(__file__).parent
    command = [sys.executable, "-c", BOMB, str(tmp_path), str(here)]
    found = subprocess.run(command, cwd=here.parent, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    counts, _, mebibytes = found.stdout.strip().rpartition(" ")
    assert counts == "{'rows': 10, 'rows_read': 11, 'duplicates': 0, 'quarantined': 1}"
    assert int(mebibytes) < 700


# --- Opt-out lists -------------------------------------------------------------------------------------


def take_in_list(store: Store, path: Path, content: bytes | str, **settings: Any) -> Table:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    settings = {"received_on": "2026-11-10"} | settings
    return ingest_opt_outs(store, [str(path)], runner=ByHand(), **settings)


LISTS_REFUSED: dict[str, tuple[bytes | str, str]] = {
    "empty": (b"", "the list is empty"),
    "blank lines": ("\n \n\t\n", "the list is empty"),
    "a header and nothing else": ("item_id\n", "the list is empty"),
    "null": ("101\nnull\n", "line 2: 'null'"),
    "a kind that nobody knows": ("kind,value\nperson,101\n", "line 2, kind: 'person' is not one of"),
    "a kind without a value": ("kind,value\nitem,\n", "line 2, value: is empty"),
    "an item where an owner should be": ("owner_id\n101\n", "line 2, owner_id: '101' is not an owner id"),
    "a column of revocations": ("item_id,revoked\n101,true\n", "unknown column 'revoked'"),
    "a column of keys": ("item_id,key_id\n101,k1\n", "unknown column 'key_id'"),
    "UTF-16": ("101\n".encode("utf-16"), "UTF-16"),
    "Latin-1": (b"101\ncaf\xe9\n", "line 2: is not UTF-8"),
    "a NUL": (b"101\n1\x0002\n", "line 2: holds a NUL byte"),
    "an open quote": ('item_id,note\n101,"open\n102,x\n', "line 2: its quotes do not pair"),
    "a cell too many": ("item_id,note\n101,a,b\n", "line 2: has 3 fields"),
    "a truncated gzip": (gzip.compress(b"101\n" * 5000)[:-20], "cut gz data"),
    "HTML": ("<!doctype html>\n<html>\n", "line 1"),
    "a day that is none": ("item_id,expires_on\n101,2026-13-01\n", "line 2, expires_on: '2026-13-01'"),
    "over before it begins": ("item_id,expires_on\n101,2026-11-10\n", "is not after 2026-11-10"),
    "asked on a day to come": ("item_id,requested_on\n101,2999-01-01\n", "is after 2026-11-10"),
    "a state that a person decides": ("item_id,state\n101,held\n", "line 2, state: 'held'"),
}


@pytest.mark.parametrize("case", LISTS_REFUSED)
def test_lists_that_are_refused(store: Store, tmp_path: Path, case: str) -> None:
    content, message = LISTS_REFUSED[case]
    path = tmp_path / "list.txt"
    with pytest.raises(InputError) as caught:
        take_in_list(store, path, content)
    assert message in str(caught.value)
    assert all(each.startswith(str(path)) for each in str(caught.value).splitlines())
    assert store.tables.names(OPT_OUTS) == []


LISTS_ACCEPTED: dict[str, tuple[bytes | str, int]] = {
    "duplicates in other words": (
        "101\nhttps://www.flickr.com/photos/1@N00/101/\n 101 \n1@N00\n1%40N00\nhttps://www.flickr.com/people/1@N00\n",
        2,
    ),
    "a byte-order mark": (b"\xef\xbb\xbf101\n", 1),
    "CRLF": (b"101\r\n102\r\n\r\n", 2),
    "no line feed at the end": ("101\n102", 2),
    "gzip": (gzip.compress(b"101\n102\n"), 2),
    "a CSV with notes": ('item_id,owner_id,note\n101,,"by mail, ""please"""\n,1@N00,\n', 2),
    "the same row twice over": ("item_id,url\n101,https://www.flickr.com/photos/1@N00/102/\n101,\n", 2),
}


@pytest.mark.parametrize("case", LISTS_ACCEPTED)
def test_lists_that_are_accepted(store: Store, tmp_path: Path, case: str) -> None:
    content, entries = LISTS_ACCEPTED[case]
    table = take_in_list(store, tmp_path / "list.txt", content)
    assert table.counts["rows"] == entries
    assert store.tables.names(OPT_OUTS) == [table.name]


# Taken in, told of, and removing nothing until a person looked at it.
LISTS_HELD: dict[str, tuple[str, str]] = {
    "everyone": ("*\n", "is a pattern"),
    "everyone of a site": ("https://www.flickr.com/photos/*\n", "is a pattern"),
    "everyone in SQL": ("owner_id\n%\n", "is a pattern"),
    "a regular expression": ("^.+$\n", "is a pattern"),
    "a platform": ("host\nflickr.com\n", "is a host of many people"),
    "a look-alike": ("name\nJ\u043ehn Smith\n", "mixes Cyrillic and Latin letters in a word"),
}


@pytest.mark.parametrize("case", LISTS_HELD)
def test_lists_that_wait_for_a_person(store: Store, tmp_path: Path, case: str) -> None:
    content, why = LISTS_HELD[case]
    table = take_in_list(store, tmp_path / "list.txt", content)
    assert (table.counts["rows"], table.counts["held"]) == (1, 1)
    assert table.turns == ()
    assert waiting(store)["held_for"].to_pylist() == [why]


@pytest.mark.parametrize(
    ("content", "turns"),
    [
        ("item_id,state\n101,withdrawn\n", ()),
        ("item_id,effective_on\n101,2027-01-01\n", ("2027-01-01",)),
        ("item_id,expires_on\n101,2027-01-01\n", ("2027-01-01",)),
    ],
)
def test_entries_that_do_not_count_today(
    store: Store, tmp_path: Path, content: str, turns: tuple[str, ...]
) -> None:
    table = take_in_list(store, tmp_path / "list.csv", content)
    assert (table.counts["rows"], table.turns) == (1, turns)


def test_an_empty_list_that_is_meant(store: Store, tmp_path: Path) -> None:
    table = take_in_list(store, tmp_path / "list.txt", "", allow_empty=True)
    assert table.counts["rows"] == 0
    assert store.tables.all(OPT_OUTS) == [table]


def test_a_list_of_a_day_to_come_counts_from_that_day(store: Store, tmp_path: Path) -> None:
    from pipelines.release_inputs import choose_inputs

    photos = tmp_path / "photos.tsv"
    photos.write_bytes(GOOD)
    take_in(store, photos)
    take_in_list(store, tmp_path / "now.txt", "101\n", received_on="2026-11-10")
    take_in_list(store, tmp_path / "then.txt", "102\n", received_on="2999-01-01")
    assert len(choose_inputs(store, as_of="2026-11-20").opt_outs) == 1
    # Without a day everything counts: leave is rather taken too early than too late.
    assert len(choose_inputs(store, as_of=None).opt_outs) == 2


def test_a_list_that_is_exchanged_while_it_is_read(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "list.txt"
    plan = planning.plan

    def plan_then_change(*args: Any, **settings: Any) -> inputs.Inputs:
        planned = plan(*args, **settings)
        path.write_bytes(b"999\n")
        return planned

    monkeypatch.setattr(planning, "plan", plan_then_change)
    with pytest.raises(InputError, match="changed while being read"):
        take_in_list(store, path, "101\n")
    assert store.tables.names(OPT_OUTS) == []


@pytest.mark.parametrize("files", [1, 3])
def test_a_list_of_everyone_is_a_list(store: Store, tmp_path: Path, files: int) -> None:
    """Too many to be true is for people to judge: whoever asks is heard."""
    numbers = pc.cast(pa.array(range(1, 60_001)), pa.string()).to_pylist()
    paths = []
    for place in range(files):
        paths.append(tmp_path / f"{place}.txt")
        paths[-1].write_text("\n".join(numbers[place::files]))
    table = ingest_opt_outs(store, [str(p) for p in paths], received_on="2026-11-10", runner=ByHand())
    assert table.counts["items"] == 60_000
