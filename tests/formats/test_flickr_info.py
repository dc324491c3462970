"""What getInfo says of a photo, as XML and as JSON."""

from __future__ import annotations

import json
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.answers import DAY, NOT_FOUND, ok, read, refused

from transforms.domain.errors import InputError
from transforms.domain.license_spellings import normalize_one

PLACE = "inbox/info.xml"


def photo(
    item: str = "1234567890", *, license_id: str = "3", owner: str = "12345678@N00", public: str = "1"
) -> str:
    """As Flickr's documentation shows it."""
    return f"""<photo id={quoteattr(item)} secret="1a2b3c" server="12" isfavorite="0"
      license={quoteattr(license_id)} rotation="90" originalsecret="0a1b2c3d4e" originalformat="png">
  <owner nsid={quoteattr(owner)} username="Ada" realname="Ada &amp; Bea" location="" />
  <title>a_castle</title>
  <description>hello &lt;b&gt;!</description>
  <visibility ispublic={quoteattr(public)} isfriend="0" isfamily="0" />
  <dates posted="1100897479" taken="2004-11-19 12:51:19" takengranularity="0" lastupdate="1193022469" />
  <permissions permcomment="3" permaddmeta="2" />
  <tags><tag id="1" author={quoteattr(owner)} raw="license">license</tag></tags>
  <urls><url type="photopage">http://www.flickr.com/photos/ada/{item}/</url></urls>
</photo>"""


def as_json(
    item: str = "1234567890", *, license_id: object = "3", owner: str = "12345678@N00", public: object = 1
) -> dict[str, object]:
    return {
        "photo": {
            "id": item,
            "license": license_id,
            "owner": {"nsid": owner, "username": "Ada"},
            "title": {"_content": "a_castle"},
            "visibility": {"ispublic": public, "isfriend": 0, "isfamily": 0},
            "dates": {"posted": "1100897479", "lastupdate": "1193022469"},
        },
        "stat": "ok",
    }


ROW = {
    "source": "flickr",
    "item_id": "1234567890",
    "owner_id": "12345678@N00",
    "license": "CC-BY-NC-ND-2.0",
    "license_raw": "3",
    "visibility": "public",
}


@pytest.mark.parametrize(
    "data",
    [
        ok([photo()]),
        photo(),
        f'<?xml version="1.0"?>\n{photo()}',
        "\ufeff" + ok([photo()]),
        json.dumps(as_json()),
        json.dumps(as_json(), indent=2),
        json.dumps(as_json(license_id=3, public="1")),
        f"jsonFlickrApi({json.dumps(as_json())})",
        json.dumps({"id": "1234567890", "answer": ok([photo()])}),
        json.dumps({"id": 1234567890, "answer": photo()}),
        json.dumps({"id": "1234567890", "answer": as_json()}),
    ],
)
def test_an_answer_is_one_row_of_the_snapshot_s_day(data: str) -> None:
    (row,) = read("flickr-info", data.encode(), PLACE).rows.to_pylist()
    assert str(row.pop("observed_on")) == DAY
    assert row == ROW


ids = st.sampled_from(["1", "1234567890", "9" * 19, "9" * 20, "0", "12a", "x", "\uff11\uff12"])
owners = st.sampled_from(["12345678@N00", "12%40n00", "ada", "", "12345678@N00 ", "é"])
license_ids = st.sampled_from(["0", "3", "10", "16", "17", "Attribution License", " 4", "-1"])
publics = st.sampled_from(["1", "0", "", "2", "true"])


@given(ids, license_ids, owners, publics, st.booleans())
def test_rows_and_reasons_are_those_of_the_plain_rule(
    item: str, license_id: str, owner: str, public: str, is_xml: bool
) -> None:
    said = {"license_id": license_id, "owner": owner, "public": public}
    data = ok([photo(item, **said)]) if is_xml else json.dumps(as_json(item, **said))
    found = read("flickr-info", data.encode(), PLACE)
    if item not in ("1", "1234567890", "9" * 19):
        expected = "item_id_unparsable"
    elif public not in ("0", "1"):
        expected = "visibility_unparsable"
    elif owner not in ("12345678@N00", "12%40n00", ""):
        expected = "owner_id_unparsable"
    else:
        (row,) = found.rows.to_pylist()
        assert (row["item_id"], row["owner_id"]) == (item, owner or None)
        assert (row["license"], row["license_raw"]) == (normalize_one(license_id), license_id)
        assert row["visibility"] == ("public" if public == "1" else "private")
        expected = ""
    assert refused(found) == ([(0, expected)] if expected else [])
    assert not expected or found.quarantined["raw"].to_pylist() == [data.encode()]


def test_not_found_is_unknown_and_not_deleted() -> None:
    # "The photo id was either invalid or was for a photo not viewable by the calling user": Flickr's words.
    for data, place in (
        (NOT_FOUND, "inbox/photo_7.xml"),
        (json.dumps({"id": "7", "answer": NOT_FOUND}), PLACE),
        (json.dumps({"id": "7", "stat": "fail", "code": 1, "message": "Photo not found"}), PLACE),
    ):
        (row,) = read("flickr-info", data.encode(), place).rows.to_pylist()
        expected = ("7", None, "unknown", None, "unknown")
        assert tuple(row.values())[1:6] == expected


def test_a_failure_that_names_no_photo_is_no_guess() -> None:
    data = json.dumps({"stat": "fail", "code": 1, "message": "Photo not found"})
    assert refused(read("flickr-info", data.encode(), "inbox/photo_7.json")) == [(0, "item_id_missing")]


def test_many_answers_are_lines_of_one_file() -> None:
    lines = [
        {"id": "1", "answer": ok([photo("1")])},
        {"id": "2", "answer": ok([photo("3")])},
        as_json("4"),
        {"id": "5", "answer": ok([])},
        {"id": "6", "answer": photo("6").replace('license="3"', "")},
        {"id": "7", "answer": {"stat": "fail", "code": 100, "message": "Invalid API Key"}},
        {"id": "8", "answer": photo("8", owner="")},
    ]
    found = read("flickr-info", "\n".join(map(json.dumps, lines)).encode())
    assert found.rows["item_id"].to_pylist() == ["1", "4", "8"]
    assert refused(found) == [
        (1, "answer_unparsable"),
        (3, "answer_unparsable"),
        (4, "license_missing"),
        (5, "answer_failed"),
    ]
    assert found.quarantined["detail"][0].as_py() == "asked for photo 2, answered about 3"


@pytest.mark.parametrize(
    "data", [ok(["<license_history />"]), "<html></html>", '{"a": 1}', "id,license\n1,2\n"]
)
def test_other_files_are_told_apart(data: str) -> None:
    with pytest.raises(
        InputError, match=r"^inbox/info.xml: not flickr-info: found .*, expected answers of flickr"
    ):
        read("flickr-info", data.encode(), PLACE)
