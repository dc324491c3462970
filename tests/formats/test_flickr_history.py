"""License histories: on each day that they tell of, the license that the changes came to."""

from __future__ import annotations

import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.answers import DAY, NOT_FOUND, SHARED, element, failed, ok, read, refused

from transforms.domain.errors import InputError
from transforms.formats.lines import Parsed

ARR = ("All Rights Reserved", "")
ARR_PAGE = (
    "All Rights Reserved",
    "https://www.flickrhelp.com/hc/en-us/articles/10710266545556-Using-Flickr-images-shared-by-other-members",
)
BY = ("Attribution License", "https://creativecommons.org/licenses/by/2.0/")
BY_RENAMED = ("CC BY 2.0", "https://creativecommons.org/licenses/by/2.0/")
SA = ("Attribution-ShareAlike License", "https://creativecommons.org/licenses/by-sa/2.0/")
NONE_KNOWN = ("No known copyright restrictions", "https://www.flickr.com/commons/usage/")
LYING = ("Attribution License", "https://creativecommons.org/licenses/by-nd/2.0/")
ODD = ("Some License", "https://example.org/license")
IDS = {
    ARR: "all-rights-reserved",
    ARR_PAGE: "all-rights-reserved",
    BY: "CC-BY-2.0",
    BY_RENAMED: "CC-BY-2.0",
    SA: "CC-BY-SA-2.0",
    NONE_KNOWN: "no-known-copyright-restrictions",
    LYING: "unknown",
    ODD: "unknown",
}
NONE = ("", "")

Told = tuple[str, str]
Change = tuple[int, Told, Told]

NOON = 1_300_017_600  # of a day, in UTC
HOUR = 3600
PLACE = "inbox/license_history_1234567890.xml"


def change(second: int | str, old: Told, new: Told) -> str:
    (old_name, old_url), (new_name, new_url) = old, new
    return element(
        "license_history",
        {
            "date_change": second,
            "old_license": old_name,
            "old_license_url": old_url,
            "new_license": new_name,
            "new_license_url": new_url,
        },
    )


def history(*changes: Change, place: str = PLACE) -> Parsed:
    return read("flickr-history", ok([change(*each) for each in changes]).encode(), place)


def days(found: Parsed) -> dict[str, str]:
    """The license on each day that has a row."""
    rows = found.rows.to_pylist()
    assert len({row["observed_on"] for row in rows}) == len(rows)
    return {str(row["observed_on"]): row["license"] for row in rows}


def day_of(second: int) -> datetime.date:
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=second)).date()


licenses = st.sampled_from(list(IDS))
gaps = st.one_of(st.integers(0, 5 * HOUR), st.integers(0, 5 * 24 * HOUR))


@st.composite
def stories(draw: st.DrawFn) -> list[Change]:
    """Changes, each from what the one before came to, or now and then not."""
    second, old, changes = NOON, draw(licenses), []
    for gap in draw(st.lists(gaps, min_size=1, max_size=8)):
        second += gap
        new = draw(licenses)
        changes.append((second, draw(st.one_of(st.just(old), licenses)), new))
        old = new
    return changes


@given(stories())
def test_each_day_has_the_license_that_the_changes_came_to(changes: list[Change]) -> None:
    told = days(history(*changes))
    assert told.pop(DAY) == IDS[changes[-1][2]]  # the answer itself: the last of them still holds
    of_day: dict[datetime.date, list[Change]] = {}
    for each in changes:
        of_day.setdefault(day_of(each[0]), []).append(each)
    expected = {}
    for day, some in of_day.items():
        expected[day] = IDS[some[-1][2]]
    for day, some in of_day.items():
        before = [each for each in changes if day_of(each[0]) < day]
        eve = day - datetime.timedelta(days=1)
        if not before or IDS[before[-1][2]] != IDS[some[0][1]]:
            expected.setdefault(eve, IDS[some[0][1]])
    assert told == {str(day): license_ for day, license_ in expected.items()}


@given(stories().flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))))
def test_the_order_in_the_answer_does_not_matter_where_seconds_differ(
    orders: tuple[list[Change], list[Change]],
) -> None:
    changes, otherwise = orders
    if len({second for second, _, _ in changes}) == len(changes):
        assert history(*changes).rows.equals(history(*otherwise).rows)


def test_rows_of_a_history() -> None:
    found = history((NOON, ARR_PAGE, BY), (NOON + 48 * HOUR, BY, SA))
    assert found.rows.to_pylist() == [
        {
            "source": "flickr",
            "item_id": "1234567890",
            "owner_id": None,
            "license": license_,
            "license_raw": url,
            "visibility": "public",
            "observed_on": datetime.date.fromisoformat(day),
        }
        for day, license_, (_, url) in [
            ("2011-03-12", "all-rights-reserved", ARR_PAGE),
            ("2011-03-13", "CC-BY-2.0", BY),
            ("2011-03-15", "CC-BY-SA-2.0", SA),
            (DAY, "CC-BY-SA-2.0", SA),
        ]
    ]


def test_a_photo_that_never_changed_has_the_license_that_it_was_posted_with() -> None:
    # "If no changes have been made to the license, it returns the original license as old_license (and an
    # empty new_license)": Flickr's documentation. The date is that of the upload.
    assert days(history((NOON, NONE_KNOWN, NONE))) == {
        "2011-03-13": "no-known-copyright-restrictions",
        DAY: "no-known-copyright-restrictions",
    }


def test_a_license_renamed_between_two_changes_is_the_same() -> None:
    found = history((NOON, ARR, BY), (NOON + 240 * HOUR, BY_RENAMED, SA))
    assert list(days(found)) == ["2011-03-12", "2011-03-13", "2011-03-23", DAY]


def test_address_and_name_that_differ_are_no_guess() -> None:
    found = history((NOON, ARR, LYING))
    assert days(found)["2011-03-13"] == "unknown"
    assert found.rows["license_raw"].to_pylist()[1] == f"{LYING[1]} {LYING[0]}"


@pytest.mark.parametrize(("second", "day"), [(1299974399, "2011-03-12"), (1299974400, "2011-03-13")])
def test_days_are_those_of_utc(second: int, day: str) -> None:
    assert day in days(history((second, ARR, BY)))


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [change("", ARR, BY)],
        [change("soon", ARR, BY)],
        [change("-5", ARR, BY)],
        [change("99999999999999999999", ARR, BY)],
        [change(NOON, ARR, BY), "<license_history />"],
        [change(NOON, ARR, BY), change(NOON + HOUR, BY, NONE)],
        [change(NOON, ARR, NONE), change(NOON + HOUR, ARR, BY)],
    ],
)
def test_a_history_is_read_whole_or_not_at_all(changes: list[str]) -> None:
    data = ok(changes).replace("</rsp>", "<!-- license_history --></rsp>").encode()
    found = read("flickr-history", data, PLACE)
    assert (len(found.rows), refused(found)) == (0, [(0, "answer_unparsable")])
    assert found.quarantined["raw"].to_pylist() == [data]


# --- Which photo -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "license_history_1234567890.xml",
        "1234567890.xml",
        "a-b_1234567890.xml",
        "getLicenseHistory-1234567890",
    ],
)
def test_the_name_of_a_file_names_the_photo(name: str) -> None:
    assert set(history((NOON, ARR, BY), place=f"gs://bucket/x/{name}").rows["item_id"].to_pylist()) == {
        "1234567890"
    }


@pytest.mark.parametrize(
    "name",
    [
        "license_history__1.xml",
        "license_history_does_not_exist.xml",
        "license_history_12345678901234567890.xml",
        "license_history_0123.xml",
        "2026-11-01.xml",
        "history_2026-11-01.xml",
        "12345_67890.xml",
        "a" * 5000 + ".xml",
        ".xml",
    ],
)
@pytest.mark.parametrize("answer", [ok([change(NOON, ARR, BY), change(NOON + 99 * HOUR, BY, SA)]), NOT_FOUND])
def test_a_name_that_names_none_is_no_guess(name: str, answer: str) -> None:
    found = read("flickr-history", answer.encode(), f"inbox/{name}")
    assert len(found.rows) == 0
    assert [reason for _, reason in refused(found)] in (["item_id_unparsable"], ["item_id_missing"])


def test_many_answers_are_lines_of_one_file() -> None:
    lines = [
        {"id": "1", "answer": ok([change(NOON, ARR, BY)])},
        {"id": 2, "answer": NOT_FOUND},
        {"id": "3", "answer": failed(105, "Service currently unavailable")},
        {"id": "x", "answer": ok([change(NOON, ARR, BY)])},
        {"answer": ok([change(NOON, ARR, BY)])},
        {"id": "4", "answer": "<rsp"},
        {"id": "5", "answer": "<html></html>"},
        {"id": "6", "answer": 6},
        {
            "id": "7",
            "answer": {
                "license_history": [
                    {
                        "date_change": NOON,
                        "old_license": ARR[0],
                        "new_license": BY[0],
                        "new_license_url": BY[1],
                    }
                ],
                "stat": "ok",
            },
        },
        {
            "id": "8",
            "license_history": {"date_change": NOON, "old_license": BY[0], "new_license": ""},
            "stat": "ok",
        },
        {"id": "9", "answer": {"stat": "fail", "code": 1, "message": "Photo not found"}},
    ]
    data = "\n".join([*map(json.dumps, lines), "{", "", "5"]).encode()
    found = read("flickr-history", data, "inbox/2026.jsonl")
    seen: dict[str, list[tuple[str, str]]] = {}
    for row in found.rows.to_pylist():
        seen.setdefault(row["item_id"], []).append((row["license"], row["visibility"]))
    arr, by, none = ("all-rights-reserved", "public"), ("CC-BY-2.0", "public"), ("unknown", "unknown")
    assert seen == {"1": [arr, by, by], "2": [none], "7": [arr, by, by], "8": [by, by], "9": [none]}
    assert refused(found) == [
        (2, "answer_failed"),
        (3, "item_id_unparsable"),
        (4, "item_id_missing"),
        (5, "answer_unparsable"),
        (6, "answer_unparsable"),
        (7, "answer_unparsable"),
        (11, "answer_unparsable"),
        (13, "answer_unparsable"),
    ]
    assert "code 105: Service currently unavailable" in found.quarantined["detail"][0].as_py()
    assert found.quarantined["raw"][0].as_py() == json.dumps(lines[2]).encode() + b"\n"


def test_a_photo_that_is_not_found_is_known_to_be_unknown() -> None:
    (row,) = read("flickr-history", NOT_FOUND.encode(), PLACE).rows.to_pylist()
    assert (row["item_id"], row["license"], row["visibility"], str(row["observed_on"])) == (
        "1234567890",
        "unknown",
        "unknown",
        DAY,
    )


# --- Files that lie ----------------------------------------------------------------------------------------

LAUGHS = """<?xml version="1.0"?><!DOCTYPE rsp [<!ENTITY a "haha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rsp stat="ok"><license_history date_change="&b;" /></rsp>"""
OUTSIDE = """<?xml version="1.0"?><!DOCTYPE rsp [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<rsp stat="ok"><license_history old_license="x">&a;</license_history></rsp>"""


@pytest.mark.parametrize(
    "answer", [LAUGHS, OUTSIDE, '<?xml version="1.0"?><!DOCTYPE rsp><rsp><license_history/></rsp>']
)
def test_entities_are_refused_in_one_line(answer: str) -> None:
    expected = "it declares a document type or entities, as no answer does"
    with pytest.raises(InputError) as error:
        read("flickr-history", answer.encode(), PLACE)
    assert str(error.value) == f"cannot be read as an answer of Flickr's: {expected}. Fetch it again."
    lines = read("flickr-history", json.dumps({"id": "1", "answer": answer}).encode())
    assert lines.quarantined["detail"].to_pylist() == [f"cannot be read: {expected}"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (ok([change(NOON, ARR, BY)])[:-8], "no XML (no element found"),
        (ok(["<license_history/><!--", "x" * (1 << 20), "-->"]), "it has over 1,048,576 bytes"),
        ('<rsp stat="ok"><license_history/>' + "<a>" * 200_000, "no XML ("),
        ('<?xml version="1.0" encoding="klingon"?><rsp><license_history/></rsp>', "no XML (unknown encoding"),
        ('<?xml version="1.0" encoding="utf-7"?><rsp><license_history/></rsp>', "no XML ("),
        ("<rsp><license_history></rsp>\xff", "no XML ("),
        ('<?xml version="1.0"?><other><license_history/></other>', "its root is <other>, not <rsp>"),
    ],
)
def test_what_is_no_answer_is_one_clear_error(answer: str, why: str) -> None:
    with pytest.raises(InputError) as error:
        read("flickr-history", answer.encode("latin-1"), PLACE)
    assert str(error.value).startswith(f"cannot be read as an answer of Flickr's: {why}")
    assert len(str(error.value)) < 300


def test_deep_trees_are_only_looked_at_from_above() -> None:
    deep = "<a>" * 10_000 + "</a>" * 10_000
    found = read("flickr-history", ok([change(NOON, ARR, BY), deep]).encode(), PLACE)
    assert len(found.rows) == 3


SOUND = ok([change(NOON, ARR, BY), change(NOON + 99 * HOUR, BY, SA)]).encode()


@given(st.integers(0, len(SOUND) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_damage_is_an_error_or_a_row_in_quarantine_and_never_a_crash(at: int, put: bytes, take: int) -> None:
    data = SOUND[:at] + put + SOUND[at + take :]
    try:
        found = read("flickr-history", data, PLACE)
    except InputError:
        return
    assert len(found.rows) + len(found.quarantined) > 0


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"<html><body>Sorry</body></html>", "HTML"),
        (b'<?xml version="1.0"?><rsp stat="ok"><photo id="1" /></rsp>', "XML"),
        (b"1\tlicense_history\n", "2 tab-separated columns"),
        (b"PAR1license_history", "a Parquet file"),
        (b'{"photos": {"photo": []}, "stat": "ok"}', "JSON"),
    ],
)
def test_other_files_are_told_apart(data: bytes, found: str) -> None:
    with pytest.raises(InputError) as error:
        read("flickr-history", data, "inbox/x.xml")
    expected = "expected answers of flickr.photos.licenses.getLicenseHistory. "
    assert str(error.value).startswith(f"inbox/x.xml: not flickr-history: found {found}, {expected}")


# --- Histories that Flickr told ----------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real inputs are not at {SHARED}")
@pytest.mark.parametrize(
    ("photo", "expected"),
    [
        (
            "3948976954",
            {"2009-09-23": "no-known-copyright-restrictions", DAY: "no-known-copyright-restrictions"},
        ),
        ("54049228596", {"2025-04-30": "CC-BY-2.0", "2025-05-01": "CC-BY-SA-2.0", DAY: "CC-BY-SA-2.0"}),
        (
            "54450311696",
            {
                "2025-04-13": "all-rights-reserved",
                "2025-04-14": "CC-PDM-1.0",
                "2025-04-17": "no-known-copyright-restrictions",
                DAY: "no-known-copyright-restrictions",
            },
        ),
        ("_1", {}),
        ("12345678901234567890", {}),
        ("does_not_exist", {}),
    ],
)
def test_real_histories(photo: str, expected: dict[str, str]) -> None:
    file = SHARED / "flickr-api" / f"license_history_{photo}.xml"
    found = read("flickr-history", file.read_bytes(), str(file))
    assert days(found) == expected
    assert refused(found) == ([] if expected else [(0, "item_id_unparsable")])
