"""Licenses: every tool is read in every spelling, no other is invented, and changes form an algebra."""

import csv
import itertools
import json
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.domain.license_changes import DIRECTIONS, compare, directions
from transforms.domain.license_spellings import normalize, normalize_one
from transforms.domain.licenses import (
    ALL_RIGHTS_RESERVED,
    LICENSES,
    NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    UNKNOWN,
    US_GOVERNMENT_WORK,
)

SHARED = Path(os.environ.get("BYLEAVE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
shared = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason=f"the real inputs are not at {SHARED}"),
]

TOOLS = [terms for terms in LICENSES.values() if terms.unit]
IDS = sorted(LICENSES)

FLICKR_IDS = {
    "0": ALL_RIGHTS_RESERVED,
    "1": "CC-BY-NC-SA-2.0",
    "2": "CC-BY-NC-2.0",
    "3": "CC-BY-NC-ND-2.0",
    "4": "CC-BY-2.0",
    "5": "CC-BY-SA-2.0",
    "6": "CC-BY-ND-2.0",
    "7": NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    "8": US_GOVERNMENT_WORK,
    "9": "CC0-1.0",
    "10": "CC-PDM-1.0",
    "11": "CC-BY-4.0",
    "12": "CC-BY-SA-4.0",
    "13": "CC-BY-ND-4.0",
    "14": "CC-BY-NC-4.0",
    "15": "CC-BY-NC-SA-4.0",
    "16": "CC-BY-NC-ND-4.0",
}


def url_of(terms):
    category = "publicdomain" if terms.public_domain else "licenses"
    jurisdiction = f"{terms.jurisdiction}/" if terms.jurisdiction else ""
    return f"https://creativecommons.org/{category}/{terms.unit}/{terms.version}/{jurisdiction}"


def flip(text, bits):
    return "".join(c.upper() if bits >> (i % 16) & 1 else c.lower() for i, c in enumerate(text))


def test_every_legal_tool_has_an_id_of_its_own():
    assert len(TOOLS) == 639
    assert len({(terms.unit, terms.version, terms.jurisdiction) for terms in TOOLS}) == 639
    assert UNKNOWN not in LICENSES
    assert {terms.id for terms in LICENSES.values()} == set(LICENSES)


def test_every_id_is_read_as_itself_in_any_case():
    for license_id in IDS:
        assert {normalize_one(way(license_id)) for way in (str, str.lower, str.upper)} == {license_id}


@given(
    terms=st.sampled_from(TOOLS),
    scheme=st.sampled_from(["https://", "http://", "//", "HTTPS://", ""]),
    www=st.sampled_from(["", "www."]),
    order=st.permutations(range(4)),
    behind=st.sampled_from(
        ["", "/", "//", "/deed", "/deed.pt_BR", "/legalcode", "/legalcode.fr", "/deed.en#x", "?a=1"]
    ),
    spelling=st.sampled_from(["licenses", "licences"]),
    case=st.integers(0, 2**16 - 1),
    space=st.sampled_from(["", " ", "\n"]),
)
def test_every_url_of_a_tool_is_read(terms, scheme, www, order, behind, spelling, case, space):
    elements = terms.unit.split("-")
    shuffled = "-".join(elements[place] for place in order if place < len(elements))
    url = url_of(terms).removeprefix("https://").rstrip("/").replace(f"/{terms.unit}/", f"/{shuffled}/")
    written = flip(scheme + www + url.replace("licenses", spelling) + behind, case)
    assert normalize_one(space + written + space) == terms.id


@given(
    terms=st.sampled_from([terms for terms in TOOLS if terms.unit != "certification"]),
    prefix=st.sampled_from(["", "cc ", "CC-", "CC "]),
    between=st.sampled_from([" ", "-", "  "]),
    short=st.booleans(),
)
def test_a_unit_beside_its_version_is_read(terms, prefix, between, short):
    unit = {"zero": "cc0", "mark": "pdm"}.get(terms.unit, terms.unit)
    version = terms.version.removesuffix(".0") if short else terms.version
    place = f"{between.strip() or ' '}{terms.jurisdiction}" if terms.jurisdiction else ""
    assert normalize_one(f"{prefix}{unit}{between}{version}{place}") == terms.id


def test_flickr_ids_and_names_are_read():
    assert {number: normalize_one(number) for number in FLICKR_IDS} == FLICKR_IDS
    assert [normalize_one(str(number)) for number in (-1, 17, "01", "4.0")] == [UNKNOWN] * 4
    assert normalize_one("Attribution-NonCommercial-NoDerivs License") == "CC-BY-NC-ND-2.0"
    assert normalize_one("United States Government Work") == US_GOVERNMENT_WORK


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "",
        " ",
        "unknown",
        "by",
        "cc0",
        "by 5.0",
        "cc0 3.0",
        "pdm 2.0",
        "by-by 2.0",
        "by-sa-nd 4.0",
        "by 4.0 us",
        "by 3.0 xx",
        "MIT",
        "\uff34",
        "CC\u2011BY\u20114.0",
        "CC-BY-4.0\u200b",
        "CC BY 4.0 or later",
        "https://creativecommons.org/",
        "https://creativecommons.org/licenses/",
        "https://creativecommons.org/licenses/by/",
        "https://creativecommons.org/licenses/zero/1.0/",
        "https://creativecommons.org/publicdomain/by/4.0/",
        "https://creativecommons.org/licenses/publicdomain/",
        "https://creativecommons.org/licenses/GPL/2.0/",
        "https://creativecommons.org/licenses/by-sa/4.0/)",
        "https://creativecommons.org.example.com/licenses/by/4.0/",
        "https://example.com/creativecommons.org/licenses/by/4.0/",
        "https://creativecommons.org@example.com/licenses/by/4.0/",
        "https://i.creativecommons.org/l/by-sa/4.0/88x31.png",
        "https://example.com/?u=https://creativecommons.org/licenses/by/4.0/",
    ],
)
def test_nothing_else_is_read(raw):
    assert normalize_one(raw) == UNKNOWN


@given(st.text(st.sampled_from("cbynda-0124. /s:+zermk\u0130\u212a\uff11"), max_size=20))
def test_what_is_read_is_a_license_that_exists(raw):
    assert normalize_one(raw) in {*LICENSES, UNKNOWN}


@given(
    st.lists(
        st.sampled_from([None, "by 2", "CC0-1.0", "4", "no", "http://creativecommons.org/licenses/by/3.0"])
    )
)
def test_an_array_is_read_row_for_row(raws):
    want = [normalize_one(raw) for raw in raws]
    column = pa.array(raws, pa.string())
    for form in (column, column.dictionary_encode(), pa.chunked_array([column[:3], column[3:]]), column[1:]):
        got = normalize(form)
        assert (got.type, got.null_count) == (pa.string(), 0)
        assert got.to_pylist() == want[len(want) - len(form) :]


def test_permissions_of_the_six_licenses_and_of_the_public_domain():
    def granted(license_id):
        terms = LICENSES[license_id]
        return terms.copying, terms.commercial_use, terms.derivatives, terms.share_alike, terms.attribution

    assert granted("CC-BY-4.0") == (True, True, True, False, True)
    assert granted("CC-BY-SA-3.0-DE") == (True, True, True, True, True)
    assert granted("CC-BY-ND-2.0") == (True, True, False, False, True)
    assert granted("CC-BY-NC-2.0") == (True, False, True, False, True)
    assert granted("CC-BY-NC-SA-2.0") == (True, False, True, True, True)
    assert granted("CC-BY-NC-ND-2.0") == (True, False, False, False, True)
    for license_id in ("CC0-1.0", "CC-PDM-1.0", "CC-PDDC", US_GOVERNMENT_WORK):
        assert granted(license_id) == (True, True, True, False, False)
        assert LICENSES[license_id].public_domain
    for license_id in (ALL_RIGHTS_RESERVED, NO_KNOWN_COPYRIGHT_RESTRICTIONS):
        assert granted(license_id)[:3] == (False, False, False)
    for license_id in ("CC-SAMPLING-1.0", "CC-DEVNATIONS-2.0"):
        assert granted(license_id)[:3] == (False, False, False)
    assert granted("CC-SAMPLING-PLUS-1.0")[:3] == (True, False, False)


def test_directions_of_known_changes():
    assert compare("CC-BY-2.0", "CC-BY-4.0") == "version_change"
    assert compare("CC-BY-NC-ND-1.0", "CC-BY-NC-ND-2.0") == "version_change"  # by-nd-nc, renamed
    assert compare("CC-BY-3.0", "CC-BY-3.0-DE") == "jurisdiction_change"
    assert compare("CC-BY-2.0-FR", "CC-BY-3.0-DE") == "version_change"
    assert compare("CC-BY-NC-ND-2.0", "CC-BY-NC-2.0") == "relaxation"
    assert compare("CC-BY-ND-2.0", "CC-BY-SA-2.0") == "relaxation"
    assert compare("CC-BY-4.0", "CC0-1.0") == "relaxation"
    assert compare("CC-BY-2.0", "CC-BY-SA-2.0") == "restriction"
    assert compare("CC-BY-ND-2.0", "CC-BY-NC-2.0") == "incomparable"
    assert compare("CC0-1.0", "CC-PDM-1.0") == "incomparable"
    assert compare("CC-PDM-1.0", NO_KNOWN_COPYRIGHT_RESTRICTIONS) == "incomparable"
    assert compare("CC-BY-2.0", ALL_RIGHTS_RESERVED) == "withdrawn"
    assert compare(ALL_RIGHTS_RESERVED, "CC-BY-2.0") == "relaxation"
    assert compare(UNKNOWN, UNKNOWN) == "unknown"
    assert compare("CC-BY-2.0", "no such id") == "unknown"


INVERSE = {
    "same": {"same"},
    "version_change": {"version_change"},
    "jurisdiction_change": {"jurisdiction_change"},
    "relaxation": {"restriction", "withdrawn"},
    "restriction": {"relaxation"},
    "withdrawn": {"relaxation"},
    "incomparable": {"incomparable"},
    "unknown": {"unknown"},
}
ONE_OF_EACH_KIND = [
    *{(terms.unit, terms.public_domain): terms.id for terms in LICENSES.values() if terms.unit}.values(),
    *(license_id for license_id in IDS if not LICENSES[license_id].unit),
    "CC-BY-2.0",
    "CC-BY-3.0-DE",
    UNKNOWN,
]


def test_the_algebra_over_all_pairs():
    # Every pair of licenses is some 400,000: one run of the vectorized form looks at all of them.
    pairs = list(itertools.product([*IDS, UNKNOWN], repeat=2))
    then, now = (pa.array(side) for side in zip(*pairs, strict=True))
    found = dict(zip(pairs, directions(then, now).to_pylist(), strict=True))
    assert set(found.values()) == set(DIRECTIONS) == set(INVERSE)
    for (old, new), direction in found.items():
        assert found[new, old] in INVERSE[direction], (old, new)
        assert (direction == "same") == (old == new != UNKNOWN), (old, new)
        assert (direction == "unknown") == (UNKNOWN in (old, new)), (old, new)
        assert (direction == "withdrawn") == (new == ALL_RIGHTS_RESERVED and old not in (new, UNKNOWN))


def test_a_relaxation_takes_nothing_away_and_composes():
    for a, b, c in itertools.product(ONE_OF_EACH_KIND, repeat=3):
        if compare(a, b) == compare(b, c) == "relaxation":
            assert compare(a, c) == "relaxation", (a, b, c)
    for a, b in itertools.product(ONE_OF_EACH_KIND, repeat=2):
        if compare(a, b) == "relaxation":
            assert LICENSES[a].commercial_use <= LICENSES[b].commercial_use
            assert LICENSES[a].derivatives <= LICENSES[b].derivatives
            assert LICENSES[a].copying <= LICENSES[b].copying


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, UNKNOWN, *IDS[:9], ALL_RIGHTS_RESERVED]),
            st.sampled_from([None, UNKNOWN, *IDS[5:12], ALL_RIGHTS_RESERVED]),
        )
    ),
    st.integers(0, 3),
)
def test_directions_are_compare_row_for_row(rows, skipped):
    then = pa.array([a for a, _ in rows], pa.string())[skipped:]
    now = pa.array([b for _, b in rows], pa.string())[skipped:]
    want = [compare(a or UNKNOWN, b or UNKNOWN) for a, b in rows[skipped:]]
    assert directions(then, now).to_pylist() == want
    assert directions(then.dictionary_encode(), pa.chunked_array([now[:1], now[1:]])).to_pylist() == want


class TestShared:
    pytestmark = shared

    def test_the_tools_are_creative_commons_own(self):
        with open(SHARED / "licenses" / "cc-legal-tools.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        spdx = set(json.loads((SHARED / "licenses" / "spdx-license-ids_index.json").read_text()))
        assert len({normalize_one(row["CANONICAL_URL"]) for row in rows}) == len(rows) == len(TOOLS)
        for row in rows:
            license_id = normalize_one(row["CANONICAL_URL"])
            assert LICENSES[license_id].jurisdiction == row["JURISDICTION"]
            if row["SPDX_IDENTIFIER"]:
                assert license_id == row["SPDX_IDENTIFIER"]
            if row["UNIT"] != "certification":
                assert normalize_one(row["IDENTIFIER"]) == license_id
        assert {name for name in spdx if name.startswith("CC")} <= set(LICENSES)

    def test_flickrs_tables_of_every_year(self):
        files = sorted((SHARED / "flickr-api").glob("licenses_getInfo_*.xml"))
        assert files
        for file in files:
            for number, name, url in re.findall(r'id="(\d+)" name="([^"]*)" url="([^"]*)"', file.read_text()):
                assert normalize_one(name) == FLICKR_IDS[number], (file, name)
                assert not url or normalize_one(url) == FLICKR_IDS[number], (file, url)

    def test_links_as_people_write_them(self):
        (file,) = (SHARED / "common-crawl").glob("*.parquet")
        links = pq.read_table(file, columns=["cc_domain", "cc_license"]).to_pylist()
        urls = [f"{link['cc_domain'] or ''}{link['cc_license'] or ''}" for link in links]
        read = normalize(pa.array(urls)).to_pylist()
        for url, license_id in zip(urls, read, strict=True):
            if license_id != UNKNOWN:
                terms = LICENSES[license_id]
                assert f"/{terms.version}" in url.lower()
                assert all(f"{element}" in url.lower() for element in terms.unit.split("-"))
        # Whatever was not read is a badge, a page about something else, or damaged.
        unread = {url for url, license_id in zip(urls, read, strict=True) if license_id == UNKNOWN}
        whole = re.compile(
            r"(www\.)?creativecommons\.org/(licenses|publicdomain)/[a-z-]+/\d\.\d(/[a-z]{2})?/?"
        )
        assert not [url for url in unread if whole.fullmatch(url)]
        assert len(read) - read.count(UNKNOWN) > 8_000
