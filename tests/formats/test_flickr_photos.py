"""Lists of photos, in each of the forms in which they are kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.answers import DAY, SHARED, read, refused

from transforms.domain.errors import InputError
from transforms.domain.license_spellings import normalize_one

OWNER = "12345678@N00"


def photo(item: object = "1", **changes: object) -> dict[str, object]:
    """As Flickr's API lists it; a change to None leaves the member out."""
    listed = {
        "id": item,
        "owner": OWNER,
        "secret": "1a2b3c",
        "server": "12",
        "farm": 1,
        "title": "a { ] title",
        "ispublic": 1,
        "isfriend": 0,
        "isfamily": 0,
        "license": "4",
        **changes,
    }
    return {name: value for name, value in listed.items() if value is not None}


def page(*photos: object) -> dict[str, object]:
    inside = {"page": 1, "pages": 1, "perpage": 100, "total": len(photos), "photo": list(photos)}
    return {"photos": inside, "stat": "ok"}


def foundation_s(*photos: object) -> dict[str, object]:
    return {"page_count": 7, "photos": list(photos), "total_photos": 70}


def read_photos(value: object) -> Any:
    return read("flickr-photos", json.dumps(value).encode())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "53310980391", 7, "x", "", "9" * 20]),
            st.sampled_from([OWNER, "12%40N00", "alias", "", 12]),
            st.sampled_from(["0", "4", 10, "16", "17", "", {"url": "", "label": " "}]),
            st.sampled_from([1, 0, "1", "0", "2", [], True]),
        ),
        max_size=8,
    )
)
def test_rows_and_reasons_are_those_of_the_plain_rule(photos: list[tuple[Any, Any, Any, Any]]) -> None:
    found = read_photos(page(*(photo(i, owner=o, license=li, ispublic=p) for i, o, li, p in photos)))
    rows, bad = [], []
    for number, (item, owner, license_id, public) in enumerate(photos):
        reason = refuse(item, owner, license_id, public)
        if reason:
            bad.append((number, reason))
        else:
            visibility = "public" if str(public) == "1" else "private"
            told = str(license_id)
            rows.append((str(item), owner or None, normalize_one(told), told, visibility, DAY))
    assert refused(found) == bad
    assert [(*list(row.values())[1:6], str(row["observed_on"])) for row in found.rows.to_pylist()] == rows


def refuse(item: Any, owner: Any, license_id: Any, public: Any) -> str:
    if license_id == "" or isinstance(license_id, dict):
        return "license_missing"
    if item == "":
        return "item_id_missing"
    if item in ("x", "9" * 20):
        return "item_id_unparsable"
    if str(public) not in ("0", "1"):
        return "visibility_unparsable"
    return "" if owner in (OWNER, "12%40N00", "") else "owner_id_unparsable"


PHOTOS = [photo("1"), photo("2", license="0"), photo("3")]


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(page(*PHOTOS)),
        json.dumps(page(*PHOTOS), indent=1),
        f"jsonFlickrApi({json.dumps(page(*PHOTOS))});",
        "\ufeff\n" + json.dumps(page(*PHOTOS)),
        json.dumps([page(*PHOTOS[:1]), page(*PHOTOS[1:])]),
        json.dumps([page(*PHOTOS[:1]), page(*PHOTOS[1:])], indent=1),
        json.dumps(PHOTOS),
        json.dumps(foundation_s(*PHOTOS), indent=2),
        json.dumps(page(*PHOTOS[:1])) + "\r\n\n" + json.dumps(page()) + "\n" + json.dumps(page(*PHOTOS[1:])),
        "\n".join(map(json.dumps, PHOTOS)),
        f"jsonFlickrApi({json.dumps(page(*PHOTOS[:1]))})\njsonFlickrApi({json.dumps(page(*PHOTOS[1:]))})\n",
        json.dumps(
            {
                "photoset": {"id": "72", "owner": OWNER, "photo": [{**p, "owner": None} for p in PHOTOS]},
                "stat": "ok",
            }
        ),
        json.dumps(
            {
                "photoset": {
                    "photo": [
                        photo(str(n), owner=None, license=p["license"]) for n, p in enumerate(PHOTOS, 1)
                    ],
                    "owner": OWNER,
                }
            }
        ),
    ],
)
def test_every_form_says_the_same(data: str) -> None:
    found = read("flickr-photos", data.encode())
    assert found.rows.equals(read_photos(page(*PHOTOS)).rows)
    assert found.rows["item_id"].to_pylist() == ["1", "2", "3"]
    assert len(found.quarantined) == 0


def test_the_foundation_s_licenses_have_an_address_a_label_and_an_id_of_their_own() -> None:
    told = [
        {"id": "in-copyright", "label": "All Rights Reserved", "url": None},
        {"id": "cc-by-2.0", "label": "CC BY 2.0", "url": "https://creativecommons.org/licenses/by/2.0/"},
        {"id": "cc0-1.0", "label": "CC0 1.0", "url": "https://creativecommons.org/publicdomain/zero/1.0/"},
        {"id": "cc-by-2.0", "label": "CC BY-NC 2.0", "url": None},
        {"id": "new", "label": "New", "url": "https://example.org/new"},
    ]
    found = read_photos(
        foundation_s(
            *({"id": str(n), "owner": {"id": OWNER}, "license": each} for n, each in enumerate(told, 1))
        )
    )
    assert found.rows["license"].to_pylist() == [
        "all-rights-reserved",
        "CC-BY-2.0",
        "CC0-1.0",
        "unknown",
        "unknown",
    ]
    raw = [
        "All Rights Reserved",
        told[1]["url"],
        told[2]["url"],
        "CC BY-NC 2.0 cc-by-2.0",
        "https://example.org/new",
    ]
    assert found.rows["license_raw"].to_pylist() == raw
    assert set(found.rows["visibility"].to_pylist()) == {"public"}
    assert set(found.rows["owner_id"].to_pylist()) == {OWNER}


def test_a_list_that_failed_stops_the_ingest() -> None:
    failed = {"stat": "fail", "code": 105, "message": "Service currently unavailable"}
    for value in (failed, [page(photo()), failed]):
        with pytest.raises(InputError) as error:
            read_photos(value)
        told = "holds an answer that failed (code 105: Service currently unavailable). Fetch that list again."
        assert str(error.value) == f"line 1 {told}"
    with pytest.raises(InputError, match="^line 2 holds an answer that failed"):
        read("flickr-photos", (json.dumps(page(photo())) + "\n" + json.dumps(failed)).encode())


def test_what_is_no_photo_goes_to_quarantine_and_the_rest_goes_on() -> None:
    whole = page(photo("1"), "2", None, {}, photo("5", license=None), photo("6"))
    data = json.dumps(whole).encode() + b'\n{"photos"\n\xff\n' + json.dumps(photo("9")).encode()
    found = read("flickr-photos", data)
    assert found.rows["item_id"].to_pylist() == ["1", "6", "9"]
    assert refused(found) == [
        (1, "answer_unparsable"),
        (2, "answer_unparsable"),
        (3, "answer_unparsable"),
        (4, "license_missing"),
        (6, "answer_unparsable"),
        (7, "invalid_utf8"),
    ]
    raws = found.quarantined["raw"].to_pylist()
    assert raws[:3] == [b'"2"', b"null", b"{}"]
    assert json.loads(raws[3]) == photo("5", license=None)
    assert raws[4:] == [b'{"photos"\n', b"\xff\n"]


def test_half_of_a_surrogate_pair_is_no_text() -> None:
    found = read(
        "flickr-photos",
        rb'[{"id": "1", "license": "\ud83d"}, {"id": "2", "license": "4", "title": "\ud83d"}]',
    )
    assert found.rows["item_id"].to_pylist() == ["2"]
    assert refused(found) == [(0, "invalid_utf8")]


def test_large_texts_are_refused() -> None:
    found = read_photos([photo("1", license="x" * (1 << 20) + "x"), photo("2")])
    assert refused(found) == [(0, "cell_too_large")]
    assert found.quarantined["raw"].nbytes < (1 << 20) + 100


@pytest.mark.parametrize("count", [16_383, 16_384, 40_000])
def test_places_go_on_from_batch_to_batch(count: int) -> None:
    found = read_photos(page(*(photo(n) for n in range(1, count)), photo("x")))
    assert len(found.rows) == count - 1
    assert refused(found) == [(count - 1, "item_id_unparsable")]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'<rsp stat="ok"><photos><photo id="1"/></photos></rsp>', "XML"),
        (b'{"a": 1}', "JSON"),
        (b'"photos"', "text in one column"),
        (b"", "an empty file"),
    ],
)
def test_other_files_are_told_apart(data: bytes, found: str) -> None:
    with pytest.raises(
        InputError, match=f"^inbox/answers.jsonl: not flickr-photos: found {found}, expected a list of"
    ):
        read("flickr-photos", data)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real inputs are not at {SHARED}")
@pytest.mark.parametrize(
    ("name", "licenses"),
    [
        ("group-slovenia", {"all-rights-reserved": 10}),
        ("tag-sunset", {"all-rights-reserved": 10}),
        ("user-george", {"all-rights-reserved": 2, "CC-BY-2.0": 6, "CC-BY-NC-SA-2.0": 1, "CC0-1.0": 1}),
    ],
)
def test_real_lists(name: str, licenses: dict[str, int]) -> None:
    found = read("flickr-photos", (SHARED / "flickr-api" / f"{name}.json").read_bytes())
    assert len(found.quarantined) == 0
    counts = {each["values"]: each["counts"] for each in found.rows["license"].value_counts().to_pylist()}
    assert counts == licenses
    assert found.rows["owner_id"].null_count == 0
