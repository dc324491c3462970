from __future__ import annotations

import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rowbyrow import ITEM_ID, lines_of

from transforms.domain import schemas
from transforms.domain.conformity import conform
from transforms.domain.errors import InputError
from transforms.domain.license_spellings import normalize_one
from transforms.formats import openverse
from transforms.formats.lines import Parsed

NULL = r"\N"
ROW = {
    "foreign_identifier": "4711",
    "foreign_landing_url": "www.flickr.com/photos/12@N01/4711",
    "image_url": "https://live.staticflickr.com/65535/4711_ab_b.jpg",
    "thumbnail_url": "https://live.staticflickr.com/65535/4711_ab_m.jpg",
    "width": "1024",
    "height": "768",
    "filesize": NULL,
    "license": "by-nc-nd",
    "license_version": "2.0",
    "creator": "Somebody",
    "creator_url": "www.flickr.com/photos/12@N01",
    "title": r"a \xe3 title",
    "meta_data": (
        '{"pub_date": "1557512425", "date_taken": "2019-04-21 09:03:58", "description": "caf\\u00e9"}'
    ),
    "tags": '[{"name": "b, c", "provider": "flickr"}, {"name": "a"}]',
    "watermarked": "f",
    "provider": "flickr",
    "source": "flickr",
}


def line(**changed: str) -> bytes:
    return "\t".join({**ROW, **changed}.values()).encode() + b"\n"


def parse(block: bytes) -> Parsed:
    parsed = openverse.parse(block, offset_bytes=0, line=0, settings=openverse.variant(line(), "here"))
    conform(parsed.rows, schemas.MANIFEST)
    return parsed


def test_one_row() -> None:
    (row,) = parse(line()).rows.to_pylist()
    assert {name: value for name, value in row.items() if value is not None} == {
        "source": "flickr",
        "item_id": "4711",
        "owner_id": "12@N01",
        "owner_name": "Somebody",
        "license": "CC-BY-NC-ND-2.0",
        "license_raw": "by-nc-nd 2.0",
        "media_type": "photo",
        "title": r"a \xe3 title",
        "description": "café",
        "tags": ["b, c", "a"],
        "taken_at": datetime.datetime(2019, 4, 21, 9, 3, 58),
        "uploaded_at": datetime.datetime(2019, 5, 10, 18, 20, 25),
        "page_url": "www.flickr.com/photos/12@N01/4711",
        "image_url": "https://live.staticflickr.com/65535/4711_ab_b.jpg",
        "width": 1024,
        "height": 768,
    }


@pytest.mark.parametrize(
    ("provider", "creator_url", "owner"),
    [
        ("flickr", "https://www.flickr.com/photos/12@N01", "12@N01"),
        ("flickr", "http://flickr.com/people/12%40N01/", "12@N01"),
        ("flickr", "www.flickr.com/photos/an-alias", "an-alias"),
        ("flickr", NULL, None),
        ("thingiverse", "https://www.thingiverse.com/somebody", "www.thingiverse.com/somebody"),
        ("thingiverse", NULL, None),
    ],
)
def test_owner(provider: str, creator_url: str, owner: str | None) -> None:
    parsed = parse(line(provider=provider, creator_url=creator_url))
    assert parsed.rows["owner_id"].to_pylist() == [owner]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"foreign_identifier": NULL}, "item_id_missing"),
        ({"foreign_identifier": ""}, "item_id_missing"),
        ({"foreign_identifier": "ark:/65665/m3"}, "item_id_unparsable"),
        ({"foreign_identifier": "a b", "provider": "other"}, "item_id_unparsable"),
        ({"foreign_identifier": "\uff11", "provider": "other"}, "item_id_unparsable"),
        ({"foreign_identifier": "x" * 257, "provider": "other"}, "item_id_unparsable"),
        ({"provider": NULL}, "source_unparsable"),
        ({"creator_url": "www.flickr.com/groups/12@N01"}, "owner_id_unparsable"),
        ({"creator_url": "www.flickr.com/photos/%00"}, "owner_id_unparsable"),
        ({"creator_url": "x" * 257, "provider": "other"}, "owner_id_unparsable"),
    ],
)
def test_rows_without_a_sound_identity_are_refused(changed: dict[str, str], reason: str) -> None:
    parsed = parse(line() + line(**changed) + line())
    assert parsed.quarantined["reason"].to_pylist() == [reason]
    assert parsed.quarantined["line"].to_pylist() == [1]
    assert parsed.quarantined["raw"].to_pylist() == [line(**changed)[:-1]]
    assert len(parsed.rows) == 2


@pytest.mark.parametrize(
    ("changed", "lost"),
    [
        ({"meta_data": "{", "tags": "["}, {"description": 1, "tags": 1}),
        ({"meta_data": NULL, "tags": NULL}, {}),
        ({"meta_data": "{}", "tags": "[]"}, {}),
        ({"meta_data": '{"pub_date": 1557512425}'}, {}),
        ({"meta_data": '{"pub_date": "x", "date_taken": "y"}'}, {"taken_at": 1, "uploaded_at": 1}),
        ({"tags": '["a"]'}, {"tags": 1}),
        ({"tags": '[]} {"tags": []'}, {"tags": 1}),
        ({"width": "0", "height": "2147483648"}, {"width": 1, "height": 1}),
        ({"width": NULL, "height": ""}, {}),
    ],
)
def test_cells_that_cannot_be_read_are_counted(changed: dict[str, str], lost: dict[str, int]) -> None:
    parsed = parse(line() + line(**changed) + line())
    assert parsed.unparsable == lost
    assert parsed.rows.slice(2).to_pylist() == parse(line()).rows.to_pylist()


@pytest.mark.parametrize(
    ("unit", "version", "raw"),
    [
        ("by", "2.0", "by 2.0"),
        ("by", NULL, "by"),
        (NULL, "2.0", None),
        (NULL, NULL, None),
        ("CC0", "3.0", "CC0 3.0"),
    ],
)
def test_license_without_a_url(unit: str, version: str, raw: str | None) -> None:
    rows = parse(line(license=unit, license_version=version)).rows
    assert rows["license_raw"].to_pylist() == [raw]
    assert rows["license"].to_pylist() == [normalize_one(raw)]


BY_2 = "https://creativecommons.org/licenses/by/2.0/"


@pytest.mark.parametrize(
    ("unit", "version", "url", "license_id", "lost"),
    [
        ("by", "2.0", BY_2, "CC-BY-2.0", {}),
        ("by", NULL, BY_2, "CC-BY-2.0", {}),
        (NULL, "2.0", BY_2, "CC-BY-2.0", {}),
        (NULL, NULL, BY_2, "CC-BY-2.0", {}),
        ("by-nc-nd", "2.0", "creativecommons.org/licenses/by-nd-nc/2.0/jp", "CC-BY-NC-ND-2.0-JP", {}),
        ("by-nc", "2.0", BY_2, "unknown", {"license": 1}),
        ("by", "4.0", BY_2, "unknown", {"license": 1}),
        ("by", "2.0", "https://example.com/terms", "unknown", {}),
    ],
)
def test_license_with_a_url(unit: str, version: str, url: str, license_id: str, lost: dict[str, int]) -> None:
    meta_data = json.dumps({"license_url": url, "description": "a"})
    parsed = parse(line() + line(license=unit, license_version=version, meta_data=meta_data) + line())
    assert parsed.rows["license"].to_pylist() == ["CC-BY-NC-ND-2.0", license_id, "CC-BY-NC-ND-2.0"]
    # What was written is kept as it is read, so that a conflict can be looked at.
    assert [normalize_one(raw) for raw in parsed.rows["license_raw"].to_pylist()][1] == license_id
    assert parsed.rows["license_raw"][1].as_py().endswith(url)
    assert parsed.unparsable == lost


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "x", NULL, "007", "a/b"]),
            st.sampled_from(["flickr", "other", NULL]),
            st.sampled_from([NULL, '[{"name": "a"}]', "[{}]", "[", '[{"name": "b"}, null]']),
            st.sampled_from([ROW["meta_data"], "{}", NULL, "}"]),
        ),
        max_size=10,
    )
)
def test_a_row_never_depends_on_its_neighbors(cells: list[tuple[str, str, str, str]]) -> None:
    lines = [
        line(foreign_identifier=i, provider=p, tags=t, meta_data=m, creator_url=NULL) for i, p, t, m in cells
    ]
    together = parse(b"".join(lines))
    alone = [parse(one) for one in lines]
    assert together.rows.to_pylist() == [row for one in alone for row in one.rows.to_pylist()]
    sound = [p != NULL and i != NULL and bool(p != "flickr" or ITEM_ID.fullmatch(i)) for i, p, _, _ in cells]
    assert len(together.rows) == sum(sound)
    assert len(together.rows) + len(together.quarantined) == len(cells)


def test_twenty_columns_are_another_format() -> None:
    with pytest.raises(
        InputError, match=r"^f\.tsv: not openverse: found 20 tab-separated columns, expected 17"
    ):
        openverse.variant(line()[:-1] + b"\ta\tb\tc\n", "f.tsv")


def test_places_agree_with_the_oracle() -> None:
    block = line() + b"x\ty\n" + line() + b"\xff\n"
    _, bad = lines_of(block, 17)
    found = parse(block).quarantined.to_pylist()
    assert [(q["offset_bytes"], q["line"], q["reason"], q["raw"]) for q in found] == bad
