from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rowbyrow import ITEM_ID, lines_of, unform

from transforms.domain import schemas
from transforms.domain.conformity import conform
from transforms.domain.errors import InputError
from transforms.domain.license_spellings import normalize_one
from transforms.formats import yfcc100m

BY = "http://creativecommons.org/licenses/by/2.0/"
COLUMNS = {
    "item_id": [
        "1",
        "7",
        "9223372036854775807",
        "",
        "0",
        "012",
        "1 ",
        "12345678901234567890",
        "\uff11",
        "%31",
    ],
    "owner_id": ["1@N00", "1%40N00", "", "alias", "%00x", "a" * 257, "%ff", "%0A"],
    "owner_name": ["", "A+B", "%C3%A9%"],
    "taken_at": [
        "2012-02-16 09:56:37.0",
        "1864-01-01 00:00:00.0",
        "4501-12-31 23:59:59.0",
        "null",
        "",
        "0000-00-00 00:00:00.0",
        "2011-02-29 10:00:00.0",
    ],
    "uploaded_at": ["1331840483", "", "-1", "0x10", "x", "99999999999999", "0"],
    "capture_device": ["", "Canon+G9"],
    "title": ["", 'a "quoted%22', "tab%09", "%ff+", "null"],
    "description": ["", "line%0Abreak"],
    "tags": ["", "a", "a,b+c,d%2Ce", ",", "%ff,a"],
    "machine_tags": ["", "x%3Ay%3D1"],
    "longitude": ["", "-81.8", "181", "nan", "1e1", "x"],
    "latitude": ["", "24.5", "-90", "90.1"],
    "accuracy": ["", "16", "1", "0", "17", "3.5", "300"],
    "page_url": ["http://www.flickr.com/photos/1@N00/1/", ""],
    "image_url": ["http://farm8.staticflickr.com/1/1_a.jpg", ""],
    "license_name": ["Attribution License", ""],
    "license_url": [BY, "", "http://creativecommons.org/licenses/by-xx/2.0/"],
    "server": ["1"],
    "farm": ["8"],
    "secret": ["abc"],
    "secret_original": ["never-to-be-seen"],
    "extension": ["jpg", "png"],
    "marker": ["0", "1", "", "2", "0\r"],
}
MOSTLY_GOOD = ("item_id", "owner_id")
SOUND = {name: cells[0] for name, cells in COLUMNS.items()}

cell = {
    name: st.one_of(st.sampled_from(cells[:3] if name in MOSTLY_GOOD else cells), st.sampled_from(cells))
    for name, cells in COLUMNS.items()
}
rows = st.fixed_dictionaries(cell)
damage = st.sampled_from([b"", b"too\tfew", b"\xff", b"\t" * 23, b"a\0b", b"\r"])


def line_of(row: dict[str, str], fields: int = 23) -> bytes:
    cells = [row[name] for name in COLUMNS]
    if fields == 25:
        cells = ["4", cells[0], "0cc175b9c0f1b6a831c399e269772661", *cells[1:]]
    return "\t".join(cells).encode()


def number(text: str, low: float, high: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if low <= value <= high else None


def when(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f")
    except ValueError:
        return None


def digits(text: str, low: int, high: int) -> int | None:
    return int(text) if text.isdecimal() and text.isascii() and low <= int(text) <= high else None


def parse_one(cells: list[str], fields: int) -> tuple[str, dict[str, Any]]:
    """The reason to refuse a row, or the row."""
    names = list(COLUMNS) if fields == 23 else ["", "item_id", "content_md5", *list(COLUMNS)[1:]]
    row = dict(zip(names, cells, strict=True))
    owner = unform(row["owner_id"])
    if not row["item_id"]:
        return "item_id_missing", {}
    if not ITEM_ID.fullmatch(row["item_id"]):
        return "item_id_unparsable", {}
    if owner and (len(owner.encode()) > 256 or any(c < " " or c == "\x7f" for c in owner)):
        return "owner_id_unparsable", {}
    uploaded = digits(row["uploaded_at"], 0, 253402300799)
    raw = row["license_url"] or row["license_name"] or None
    return "", {
        "source": "flickr",
        "item_id": row["item_id"],
        "owner_id": owner,
        "license": normalize_one(raw),
        "license_raw": raw,
        "media_type": {"0": "photo", "1": "video"}.get(row["marker"], "unknown"),
        **{n: unform(row[n]) for n in ("owner_name", "title", "description", "capture_device")},
        **{
            n: [unform(tag) or "" for tag in row[n].split(",")] if row[n] else None
            for n in ("tags", "machine_tags")
        },
        "taken_at": when(row["taken_at"]),
        "uploaded_at": uploaded
        if uploaded is None
        else datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=uploaded),
        "longitude": number(row["longitude"], -180, 180),
        "latitude": number(row["latitude"], -90, 90),
        "accuracy": digits(row["accuracy"], 1, 16),
        "page_url": row["page_url"] or None,
        "image_url": row["image_url"] or None,
        "width": None,
        "height": None,
        "content_md5": row.get("content_md5"),
        "content_sha256": None,
        "person_present": None,
    }


@given(st.lists(st.one_of(rows, rows, damage), max_size=12), st.sampled_from([23, 25]), st.booleans())
def test_blocks_agree_with_the_oracle(made: list[Any], fields: int, cut: bool) -> None:
    lines = [one if isinstance(one, bytes) else line_of(one, fields) for one in made]
    block = b"".join(line + b"\n" for line in lines)
    block = block[:-1] if cut else block
    parsed = yfcc100m.parse(block, offset_bytes=0, line=0, settings={"fields": fields})
    sound, refused = lines_of(block, fields)
    reasons = {place: reason for _, place, reason, _ in refused}
    expected, lost = [], {}
    for _, place, cells in sound:
        reason, row = parse_one(cells, fields)
        if reason:
            reasons[place] = reason
            continue
        expected.append(row)
        at = cells if fields == 23 else cells[1:2] + cells[3:]
        for name, text in zip(COLUMNS, at, strict=True):
            if name in ("taken_at", "uploaded_at", "longitude", "latitude", "accuracy"):
                lost[name] = lost.get(name, 0) + (text != "" and row[name] is None)
    assert parsed.rows.schema == schemas.MANIFEST
    assert parsed.rows.to_pylist() == [{n: row[n] for n in schemas.MANIFEST.names} for row in expected]
    found = parsed.quarantined
    assert dict(zip(found["line"].to_pylist(), found["reason"].to_pylist(), strict=True)) == reasons
    assert parsed.unparsable == {name: count for name, count in lost.items() if count}
    conform(parsed.rows, schemas.MANIFEST)


def test_the_original_secret_is_never_carried_over() -> None:
    parsed = yfcc100m.parse(line_of(SOUND), offset_bytes=0, line=0, settings={"fields": 23})
    assert "never-to-be-seen" not in str(parsed.rows.to_pylist())


def test_tags_are_split_before_they_are_decoded() -> None:
    block = line_of({**SOUND, "tags": "d%2Ce,f+g"})
    parsed = yfcc100m.parse(block, offset_bytes=0, line=0, settings={"fields": 23})
    assert parsed.rows["tags"].to_pylist() == [["d,e", "f g"]]


@pytest.mark.parametrize("fields", [23, 25])
def test_variant_is_what_most_lines_are(fields: int) -> None:
    odd = line_of(SOUND, 48 - fields)
    head = b"\n".join([b"header", odd, *[line_of(SOUND, fields)] * 2, b"cut sho"])
    assert yfcc100m.variant(head, "here") == {"fields": fields}


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"a\tb\tc\n", "3 tab-separated columns"),
        (b"\t".join([b"x"] * 23) + b"\n", "23 tab-separated columns"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (b"\x1f\x8b\x08\0", "gzip data inside gzip"),
        ("id\tname\n".encode("utf-16"), "UTF-16"),
        ("id\tname\n".encode("utf-16-le"), "UTF-16"),
        (b"\0" * 100, "only NUL bytes"),
        (b"\n\n", "only blank lines"),
        (b'{"a": 1}\n', "JSON"),
        (b"\t" * 999_999 + b"\n", "1,000,000 tab-separated columns"),
        (b"no line feed at all", "text in one column"),
    ],
)
def test_what_is_of_another_format_is_named(head: bytes, found: str) -> None:
    with pytest.raises(InputError) as error:
        yfcc100m.variant(head, "dir/file.tsv")
    assert str(error.value).startswith(f"dir/file.tsv: not yfcc100m: found {found}, expected 23 or 25 ")
    assert "\n" not in str(error.value)
