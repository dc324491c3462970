"""Licenses: 639 legal tools and three grants beside them, each with an id and terms of its own."""

from __future__ import annotations

import csv
import json
from dataclasses import fields

import pytest
from support.realinputs import SHARED, shared

from transforms.domain.licenses import (
    ALL_RIGHTS_RESERVED,
    FLICKR_IDS,
    LICENSES,
    NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    UNKNOWN,
    US_GOVERNMENT_WORK,
    License,
    terms_table,
)

TOOLS = [terms for terms in LICENSES.values() if terms.unit]


def test_every_legal_tool_has_an_id_and_an_address_of_its_own() -> None:
    assert len(TOOLS) == 639
    assert len({(terms.unit, terms.version, terms.jurisdiction) for terms in TOOLS}) == 639
    assert len({terms.url for terms in TOOLS}) == 639
    assert UNKNOWN not in LICENSES
    assert {terms.id for terms in LICENSES.values()} == set(LICENSES)
    assert {terms.id for terms in LICENSES.values() if terms.url is None} == {
        ALL_RIGHTS_RESERVED,
        NO_KNOWN_COPYRIGHT_RESTRICTIONS,
        US_GOVERNMENT_WORK,
    }


def test_an_address_says_unit_version_and_jurisdiction() -> None:
    assert LICENSES["CC-BY-NC-ND-1.0"].url == "https://creativecommons.org/licenses/by-nd-nc/1.0/"
    assert LICENSES["CC-BY-SA-2.1-JP"].url == "https://creativecommons.org/licenses/by-sa/2.1/jp/"
    assert LICENSES["CC0-1.0"].url == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert LICENSES["CC-PDDC"].url == "https://creativecommons.org/publicdomain/certification/1.0/us/"


def test_flickr_has_seventeen_licenses() -> None:
    assert len(set(FLICKR_IDS)) == 17
    assert {terms.flickr_id: terms.id for terms in LICENSES.values() if terms.flickr_id is not None} == dict(
        enumerate(FLICKR_IDS)
    )


@pytest.mark.parametrize(
    ("license_id", "granted"),
    [
        # copying, commercial use, derivatives, share-alike, attribution
        ("CC-BY-4.0", (True, True, True, False, True)),
        ("CC-BY-SA-3.0-DE", (True, True, True, True, True)),
        ("CC-BY-ND-2.0", (True, True, False, False, True)),
        ("CC-BY-NC-2.0", (True, False, True, False, True)),
        ("CC-BY-NC-SA-2.0", (True, False, True, True, True)),
        ("CC-BY-NC-ND-2.0", (True, False, False, False, True)),
        ("CC-SA-1.0", (True, True, True, True, False)),
        ("CC0-1.0", (True, True, True, False, False)),
        ("CC-PDM-1.0", (True, True, True, False, False)),
        ("CC-PDDC", (True, True, True, False, False)),
        (US_GOVERNMENT_WORK, (True, True, True, False, False)),
        (ALL_RIGHTS_RESERVED, (False, False, False, False, False)),
        (NO_KNOWN_COPYRIGHT_RESTRICTIONS, (False, False, False, False, False)),
        ("CC-SAMPLING-1.0", (False, False, False, False, True)),
        ("CC-DEVNATIONS-2.0", (False, False, False, False, True)),
        ("CC-SAMPLING-PLUS-1.0", (True, False, False, False, True)),
    ],
)
def test_what_is_granted_and_asked_for(license_id: str, granted: tuple[bool, ...]) -> None:
    terms = LICENSES[license_id]
    assert granted == (
        terms.copying,
        terms.commercial_use,
        terms.derivatives,
        terms.share_alike,
        terms.attribution,
    )
    public_domain = license_id in ("CC0-1.0", "CC-PDM-1.0", "CC-PDDC", US_GOVERNMENT_WORK)
    assert terms.public_domain == public_domain


def test_the_table_of_terms_is_every_license_once() -> None:
    table = terms_table()
    rows = table.to_pylist()
    assert [row["id"] for row in rows] == sorted(LICENSES)
    assert set(table.column_names) == {*(field.name for field in fields(License)), "url"}
    for row in rows:
        terms = LICENSES[row["id"]]
        assert row == {name: getattr(terms, name) for name in table.column_names}
    assert {name for name in table.column_names if table[name].null_count} == {"spdx_id", "url", "flickr_id"}


@shared
def test_the_tools_are_creative_commons_own() -> None:
    with open(SHARED / "licenses" / "cc-legal-tools.csv", encoding="utf-8") as file:
        rows = {row["CANONICAL_URL"]: row for row in csv.DictReader(file)}
    assert {terms.url for terms in TOOLS} == set(rows)
    for terms in TOOLS:
        row = rows[str(terms.url)]
        assert (terms.unit, terms.version) == (row["UNIT"], row["VERSION"])
        assert terms.jurisdiction == row["JURISDICTION"]
        assert terms.spdx_id == (row["SPDX_IDENTIFIER"] or None)
        assert terms.public_domain == (row["CATEGORY"] == "publicdomain")


@shared
def test_spdx_ids_are_spdx_s_and_no_other_id_is_one() -> None:
    listed = set(json.loads((SHARED / "licenses" / "spdx-license-ids_index.json").read_text()))
    deprecated = set(json.loads((SHARED / "licenses" / "spdx-license-ids_deprecated.json").read_text()))
    assert {terms.spdx_id for terms in TOOLS} - {None} == {name for name in listed if name.startswith("CC")}
    for terms in LICENSES.values():
        assert terms.id not in deprecated
        assert terms.spdx_id == (terms.id if terms.id in listed else None)
