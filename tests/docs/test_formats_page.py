"""docs/formats.md says where cells go, why rows are refused, and how opt-outs are read."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pytest
from pages import ROOT, Row, code, read, table

from transforms.domain.errors import ConfigError
from transforms.domain.targets import parse_targets
from transforms.formats import openverse, yfcc100m
from transforms.formats.lines import Parsed
from transforms.formats.registry import FORMATS, find_format

PAGE = read("docs/formats.md")

# For each column of the file: a cell, and another that says something else.
YFCC100M = [
    ("1234567890", "1234567891"),
    ("12345678@N00", "12345679@N00"),
    ("Ada", "Bea"),
    ("2010-01-02 03:04:05.0", "2011-01-02 03:04:05.0"),
    ("1300000000", "1300000001"),
    ("Camera+1", "Camera+2"),
    ("A+title", "Another"),
    ("Some+text", "Other+text"),
    ("cat,dog", "cat,bird"),
    ("a:b=1", "a:b=2"),
    ("1.5", "2.5"),
    ("48.5", "49.5"),
    ("16", "12"),
    ("http://www.flickr.com/photos/12345678@N00/1234567890/", "http://www.flickr.com/photos/x/1/"),
    ("http://farm1.staticflickr.com/1/1234567890_abc.jpg", "http://farm2.staticflickr.com/2/9_d.jpg"),
    ("Attribution License", "Attribution-NoDerivs License"),
    ("http://creativecommons.org/licenses/by/2.0/", "http://creativecommons.org/licenses/by-nd/2.0/"),
    ("1", "2"),
    ("3", "4"),
    ("abcdef", "abcdee"),
    ("123abc", "123abd"),
    ("jpg", "png"),
    ("0", "1"),
]
OPENVERSE = [
    ("1234567890", "1234567891"),
    ("https://www.flickr.com/photos/12345678@N00/1234567890", "https://www.flickr.com/photos/x/1"),
    ("https://live.staticflickr.com/1/1234567890_abc_b.jpg", "https://live.staticflickr.com/2/9_d_b.jpg"),
    ("https://live.staticflickr.com/1/1234567890_abc_m.jpg", "https://live.staticflickr.com/2/9_d_m.jpg"),
    ("1024", "800"),
    ("768", "600"),
    ("12345", "54321"),
    ("by", "by-nd"),
    ("2.0", "4.0"),
    ("Ada", "Bea"),
    ("https://www.flickr.com/photos/12345678@N00", "https://www.flickr.com/photos/12345679@N00"),
    ("A title", "Another"),
    (
        '{"pub_date": "1300000000", "date_taken": "2010-01-02 03:04:05", "description": "a", "views": "1", '
        '"license_url": "https://creativecommons.org/licenses/by/2.0/"}',
        '{"pub_date": "1300000001", "date_taken": "2011-01-02 03:04:05", "description": "b", "views": "2", '
        '"license_url": "https://creativecommons.org/licenses/by/2.0/jp/"}',
    ),
    ('[{"name": "cat", "provider": "flickr"}]', '[{"name": "dog", "provider": "flickr"}]'),
    (r"\N", "t"),
    ("flickr", "wikimedia"),
    ("flickr", "other"),
]


def parse_yfcc100m(cells: Sequence[str]) -> Parsed:
    line = ("\t".join(cells) + "\n").encode()
    return yfcc100m.parse(line, offset_bytes=0, line=0, settings={"fields": len(cells)})


def parse_openverse(cells: Sequence[str]) -> Parsed:
    return openverse.parse(("\t".join(cells) + "\n").encode(), offset_bytes=0, line=0, settings={})


FILES = {"yfcc100m": (YFCC100M, parse_yfcc100m), "openverse": (OPENVERSE, parse_openverse)}


def file_columns() -> Iterator[tuple[str, int, set[str], str]]:
    for name in FILES:
        for place, row in enumerate(table(PAGE, name)):
            assert int(row["place"]) == place + 1
            carried = set() if row["carried in"].startswith("nowhere") else _carried(row)
            yield name, place, carried, row["of the file"]


def _carried(row: Row) -> set[str]:
    cell = row["carried in"]
    return set(code(cell)) if "`" in cell else {cell}


@pytest.mark.parametrize(("name", "place", "carried", "what"), list(file_columns()))
def test_a_cell_goes_where_the_page_says_and_nowhere_else(
    name: str, place: int, carried: set[str], what: str
) -> None:
    cells, parse = FILES[name]
    before = [cell for cell, _ in cells]
    if what == "license name":
        before[place + 1] = ""
    after = before.copy()
    after[place] = cells[place][1]
    first, second = (parse(each).rows.to_pylist() for each in (before, after))
    assert len(first) == len(second) == 1
    assert {column for column in first[0] if first[0][column] != second[0][column]} == carried


def test_every_column_of_the_files_is_named() -> None:
    for name, (cells, _) in FILES.items():
        assert len(table(PAGE, name)) == len(cells)


def test_the_form_of_25_columns_has_a_number_and_an_md5() -> None:
    cells = [cell for cell, _ in YFCC100M]
    short = parse_yfcc100m(cells).rows.to_pylist()[0]
    long = parse_yfcc100m(["77", cells[0], "0" * 32, *cells[1:]]).rows.to_pylist()[0]
    assert {column for column in short if short[column] != long[column]} == {"content_md5"}


def test_formats_are_those_that_there_are() -> None:
    rows = table(PAGE, "Formats")
    assert {row["name"] for row in rows} == FORMATS.keys()
    for row in rows:
        for kind, words in READ_AS.items():
            assert _reads(kind, row["name"]) == (words in row["taken in as"].split(", ")), row


READ_AS = {"manifests": "manifest", "licenses": "license snapshot", "detections": "detections"}


def _reads(kind: str, name: str) -> bool:
    try:
        return find_format(kind, name).name == name
    except ConfigError:
        return False


def reasons_in_code() -> set[str]:
    """The names of reasons where rows are refused."""
    found = set()
    places = {"fault": 1, "Fault": 1, "Refused": 2, "Why": 0}
    for path in [*(ROOT / "transforms" / "formats").glob("*.py"), ROOT / "pipelines" / "raw" / "inputs.py"]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in places:
                reason = node.args[places[node.func.id]]
                if isinstance(reason, ast.Constant):
                    found.add(str(reason.value))
    return found


def test_every_reason_of_the_quarantine_is_explained() -> None:
    stated = [row["reason"] for row in table(PAGE, "Bad rows")]
    assert len(stated) == len(set(stated))
    assert set(stated) == reasons_in_code()


@pytest.mark.parametrize("row", table(PAGE, "Opt-out lists"), ids=lambda row: row["written"])
def test_opt_outs_are_read_as_the_page_says(row: Row) -> None:
    (found,) = parse_targets(pa.array([row["written"]])).to_pylist()
    if row["kind"] == "not understood":
        assert found == {"kind": None, "key": None}
    else:
        assert found == {"kind": row["kind"], "key": row["key"]}


def test_reasons_are_found_in_code() -> None:
    assert {"field_count", "line_too_long", "owner_id_unparsable"} <= reasons_in_code()
