"""Spellings: every tool is read in every way it is written, no two become one, and nothing is guessed."""

from __future__ import annotations

import csv
import itertools
import re
import time
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.realinputs import SHARED, shared

from transforms.domain.license_spellings import (
    OUTCOMES,
    normalize,
    normalize_one,
    read_one,
    recognize,
    reconcile,
)
from transforms.domain.licenses import (
    ALL_RIGHTS_RESERVED,
    LICENSES,
    NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    UNKNOWN,
    US_GOVERNMENT_WORK,
)

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


def flip(text, bits):
    return "".join(c.upper() if bits >> (i % 16) & 1 else c.lower() for i, c in enumerate(text))


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
    url = terms.url.removeprefix("https://").rstrip("/").replace(f"/{terms.unit}/", f"/{shuffled}/")
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


# --- All tools, by every spelling --------------------------------------------------------------------------

VERSIONS_KIND = {
    "1.0": "Generic",
    "2.0": "Generic",
    "2.5": "Generic",
    "3.0": "Unported",
    "4.0": "International",
}
WORDS = {"by": "Attribution", "nc": "NonCommercial", "nd": "NoDerivatives", "sa": "ShareAlike"}
SHORT = {"zero": "cc0", "mark": "pdm"}


def spellings(terms):
    """Texts that name a tool, and no other."""
    address = terms.url.removeprefix("https://").rstrip("/")
    for before in ("https://", "http://", "//", "https://www.", "www.", ""):
        for behind in ("", "/", "/deed.de", "/deed", "/legalcode"):
            yield before + address + behind
    yield terms.url.replace("+", "%2B")
    for turned in itertools.permutations(terms.unit.split("-")):
        yield terms.url.replace(f"/{terms.unit}/", f"/{'-'.join(turned)}/")
    place = f" {terms.jurisdiction}" if terms.jurisdiction else ""
    unit = SHORT.get(terms.unit, terms.unit)
    for version in {terms.version, terms.version.removesuffix(".0")}:
        yield f"{unit} {version}{place}"
        yield f"CC {unit} {version}{place}".upper()
        yield f"cc-{unit}-{version}{place}".replace(" ", "-")
        yield f"{unit}\t{version}\t{terms.url}"
        yield f"{unit}\t\t{terms.url}"
        yield f"\t{version}\t{terms.url}"
    yield terms.id
    yield terms.id.lower()
    yield f"{terms.id}\t{terms.version}\t{terms.url.upper()}"
    words = [WORDS.get(element) for element in terms.unit.split("-")]
    if not place and all(words):
        title = f"{'-'.join(words)} {terms.version} {VERSIONS_KIND[terms.version]}"
        yield title
        yield f"Creative Commons {title} License"
        yield f"{title} (CC {unit.upper()} {terms.version})"


def test_the_round_trip_of_every_tool_by_every_spelling() -> None:
    texts = [(text, terms.id) for terms in TOOLS for text in spellings(terms)]
    assert len({license_id for _, license_id in texts}) == 639
    found = normalize(pa.array([text for text, _ in texts])).to_pylist()
    wrong = [(text, want, got) for (text, want), got in zip(texts, found, strict=True) if want != got]
    assert wrong == []


def test_exact_is_the_id_or_the_address_as_it_stands() -> None:
    for terms in LICENSES.values():
        for text in filter(None, (terms.id, terms.url)):
            assert read_one(text) == (terms.id, "exact")
            assert read_one(text + " ") == (terms.id, "normalized")
    assert read_one("https://creativecommons.org/licenses/by-nc-nd/1.0/").outcome == "normalized"
    assert read_one(UNKNOWN) == (UNKNOWN, "unknown")


# --- Several claims about one license ----------------------------------------------------------------------

BY_2 = "https://creativecommons.org/licenses/by/2.0/"
BY_2_JP = "http://creativecommons.org/licenses/by/2.0/jp/"


@pytest.mark.parametrize(
    ("slug", "version", "url", "license_id", "outcome"),
    [
        ("by", "2.0", None, "CC-BY-2.0", "normalized"),
        ("by", "2", "", "CC-BY-2.0", "normalized"),
        ("by", "2.0", BY_2, "CC-BY-2.0", "normalized"),
        ("by", None, BY_2, "CC-BY-2.0", "normalized"),
        (None, "2.0", BY_2, "CC-BY-2.0", "normalized"),
        (None, None, BY_2, "CC-BY-2.0", "normalized"),
        ("CC-BY-2.0", None, None, "CC-BY-2.0", "exact"),
        ("CC-BY-2.0", "2.0", None, "CC-BY-2.0", "normalized"),
        ("CC0", "1.0", None, "CC0-1.0", "normalized"),
        ("pdm", "1.0", None, "CC-PDM-1.0", "normalized"),
        ("4", "2.0", BY_2, "CC-BY-2.0", "normalized"),  # Flickr's id
        (None, "4.0", "https://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0", "normalized"),
        # What a slug leaves open a URL may say.
        ("by", "2.0", BY_2_JP, "CC-BY-2.0-JP", "normalized"),
        (
            "by-nc-nd",
            "2.0",
            "creativecommons.org/licenses/by-nd-nc/2.0/jp",
            "CC-BY-NC-ND-2.0-JP",
            "normalized",
        ),
        # What a URL says it says, of no country too.
        ("by 2.0 jp", None, BY_2, UNKNOWN, "conflict"),
        ("4", None, BY_2_JP, UNKNOWN, "conflict"),
        ("by", "4.0", BY_2, UNKNOWN, "conflict"),
        ("by-nc", "2.0", BY_2, UNKNOWN, "conflict"),
        ("by-nc-nd", "4.0", "creativecommons.org/licenses/by-nd-nc/2.0/jp", UNKNOWN, "conflict"),
        ("by 2.0", "4.0", None, UNKNOWN, "conflict"),
        ("CC-BY-2.0", "4.0", None, UNKNOWN, "conflict"),
        ("cc0", "3.0", "https://creativecommons.org/publicdomain/zero/1.0/", UNKNOWN, "conflict"),
        ("All Rights Reserved", None, BY_2, UNKNOWN, "conflict"),
        ("pdm", "1.0", "https://creativecommons.org/publicdomain/zero/1.0/", UNKNOWN, "conflict"),
        # Nobody can say whether it agrees.
        ("by", "2.0", "https://example.com/terms", UNKNOWN, "unknown"),
        ("by", "2.0", "https://i.creativecommons.org/l/by/2.0/88x31.png", UNKNOWN, "unknown"),
        ("somebody's", None, BY_2, UNKNOWN, "unknown"),
        ("by", "two", BY_2, UNKNOWN, "unknown"),
        ("cc0", "3.0", None, UNKNOWN, "unknown"),
        ("by", None, None, UNKNOWN, "unknown"),
        (None, "2.0", None, UNKNOWN, "unknown"),
        (None, None, None, UNKNOWN, "unknown"),
        (" ", " ", " ", UNKNOWN, "unknown"),
    ],
)
def test_claims_that_stand_together(slug, version, url, license_id, outcome) -> None:
    columns = [pa.array([cell], pa.string()) for cell in (slug, version, url)]
    found = reconcile(*columns)
    assert (found.license.to_pylist(), found.outcome.to_pylist()) == ([license_id], [outcome])


@pytest.mark.parametrize(
    ("raw", "license_id", "outcome"),
    [
        ("Attribution 4.0 International (CC BY 4.0)", "CC-BY-4.0", "normalized"),
        ("Attribution 4.0 International (CC BY-SA 4.0)", UNKNOWN, "conflict"),
        ("Attribution-ShareAlike 3.0 Unported (CC BY-SA 4.0)", UNKNOWN, "conflict"),
        ("Attribution 4.0 International (somebody's)", UNKNOWN, "unknown"),
        ("Attribution 2.0 International", UNKNOWN, "unknown"),
        ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0", "normalized"),
        ("CC0 1.0 Universal", "CC0-1.0", "normalized"),
        ("Public Domain Mark 1.0", "CC-PDM-1.0", "normalized"),
        ("CC BY-NC-SA 3.0 Unported", "CC-BY-NC-SA-3.0", "normalized"),
        ("Attribution 2.0", UNKNOWN, "unknown"),  # the title of a Belgian license
        ("Attribution 3.0 Germany", UNKNOWN, "unknown"),
        ("Attribution-NonCommercial", UNKNOWN, "unknown"),
    ],
)
def test_titles(raw, license_id, outcome) -> None:
    assert read_one(raw) == (license_id, outcome)


CELLS = st.sampled_from([None, "", "by", "by-nc", "2.0", "4", "CC-BY-2.0", BY_2, BY_2_JP, "no", "cc0 1.0"])


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8))
def test_columns_are_read_row_for_row_and_columns_that_agree_with_none_say_nothing(rows) -> None:
    columns = [pa.array([row[place] for row in rows], pa.string()) for place in range(3)]
    found = reconcile(*columns)
    assert found == reconcile(*(column.dictionary_encode().cast(pa.string()) for column in columns))
    for row, license_id, outcome in zip(rows, *(column.to_pylist() for column in found), strict=True):
        assert outcome in OUTCOMES
        assert (license_id == UNKNOWN) == (outcome in ("conflict", "unknown"))
        # No claim makes a license of what its URL does not say.
        if row[2] in (BY_2, BY_2_JP):
            assert license_id in (UNKNOWN, normalize_one(row[2]))


def test_flickr_ids_may_be_numbers() -> None:
    numbers = pa.array([4, 0, 17, None], pa.int8())
    assert normalize(numbers).to_pylist() == ["CC-BY-2.0", ALL_RIGHTS_RESERVED, UNKNOWN, UNKNOWN]
    assert recognize(numbers).outcome.to_pylist() == ["normalized", "normalized", "unknown", "unknown"]


def test_a_long_text_is_looked_at_in_no_time() -> None:
    began = time.process_time()
    for piece in ("by ", "2.0 ", "by-", "a", "attribution ", "(", "/", "by 2.0 a ", "\t", "no derivs "):
        assert normalize_one(piece * 100_000) == UNKNOWN
    assert time.process_time() - began < 5


# --- Real files --------------------------------------------------------------------------------------------


@shared
def test_creative_commons_own_list_is_read_back() -> None:
    with open(SHARED / "licenses" / "cc-legal-tools.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {row["CANONICAL_URL"]: read_one(row["CANONICAL_URL"]) for row in rows}
    assert len({license_id for license_id, _ in found.values()}) == len(rows) == 639
    assert {outcome for _, outcome in found.values()} == {"exact"}
    for row in rows:
        license_id = found[row["CANONICAL_URL"]].license
        assert normalize_one(row["IDENTIFIER"]) == license_id
        assert not row["SPDX_IDENTIFIER"] or row["SPDX_IDENTIFIER"] == license_id
        # A title is read as this tool, or not at all.
        assert normalize_one(row["TITLE"]) in (license_id, UNKNOWN), row["TITLE"]
        if not row["JURISDICTION"] and not re.search("sampling|devnations", row["UNIT"]):
            assert normalize_one(row["TITLE"]) == license_id


@shared
def test_flickrs_tables_of_every_year() -> None:
    files = sorted((SHARED / "flickr-api").glob("licenses_getInfo_*.xml"))
    assert files
    for file in files:
        for number, name, url in re.findall(r'id="(\d+)" name="([^"]*)" url="([^"]*)"', file.read_text()):
            assert normalize_one(name) == FLICKR_IDS[number], (file, name)
            assert not url or normalize_one(url) == FLICKR_IDS[number], (file, url)
            assert read_one(f"{number}\t\t{url}").license == FLICKR_IDS[number]


@shared
def test_links_as_people_write_them() -> None:
    (file,) = (SHARED / "common-crawl").glob("*.parquet")
    links = pq.read_table(file, columns=["cc_domain", "cc_license"]).to_pylist()
    urls = [f"https://{link['cc_domain']}{link['cc_license']}" for link in links]
    found = recognize(pa.array(urls))
    of = dict(zip(urls, zip(found.license.to_pylist(), found.outcome.to_pylist(), strict=True), strict=True))
    for url, (license_id, outcome) in of.items():
        assert (outcome == "exact") == (license_id != UNKNOWN and url == LICENSES[license_id].url)
        if license_id != UNKNOWN:
            terms = LICENSES[license_id]
            assert f"/{terms.version}" in url.lower()
            assert all(element in url.lower() for element in terms.elements)
            assert not terms.jurisdiction or f"/{terms.jurisdiction}" in url.lower()
    # Whatever was not read is a badge, a page about something else, or damaged.
    unread = {url.removeprefix("https://") for url, (license_id, _) in of.items() if license_id == UNKNOWN}
    whole = re.compile(r"(www\.)?creativecommons\.org/(licenses|publicdomain)/[a-z-]+/\d\.\d(/[a-z]{2})?/?")
    assert not [url for url in unread if whole.fullmatch(url)]
    counts = Counter(found.outcome.to_pylist())
    assert (len(urls), counts) == (12_435, {"exact": 7_349, "normalized": 2_140, "unknown": 2_946})
    for url, license_id in {
        "https://creativecommons.org/licenses/by-nc-nd/3.0/": "CC-BY-NC-ND-3.0",
        "https://creativecommons.org/ns": UNKNOWN,
        "https://i.creativecommons.org/l/by-nc-nd/3.0/88x31.png": UNKNOWN,
        "https://creativecommons.org/licenses/GPL/2.0/": UNKNOWN,
        "https://creativecommons.org/licenses/publicdomain/": UNKNOWN,
    }.items():
        assert of[url][0] == license_id
