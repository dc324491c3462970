"""Licenses: their canonical ids, and what each grants and asks for.

An id is SPDX's where SPDX has one (``CC-BY-NC-2.0``, ``CC0-1.0``, ``CC-PDM-1.0``). The other legal tools of
Creative Commons are named in the same style, unit, version, jurisdiction: ``CC-BY-3.0-GR``. Three ids stand
for what is no such tool: ``all-rights-reserved``, ``no-known-copyright-restrictions`` and
``us-government-work``. What cannot be read is ``unknown``, which is no license and is never a guess.

How people write them stands in :mod:`license_spellings`, what a change means in :mod:`license_changes`.

Sources: the legal tools of https://creativecommons.org (639 of them, ``cc_tools.csv``), the SPDX license
list, and the answer of Flickr's ``flickr.photos.licenses.getInfo`` in 2023 and in 2025.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from importlib import resources
from types import MappingProxyType

import pyarrow as pa

UNKNOWN = "unknown"
ALL_RIGHTS_RESERVED = "all-rights-reserved"
NO_KNOWN_COPYRIGHT_RESTRICTIONS = "no-known-copyright-restrictions"
US_GOVERNMENT_WORK = "us-government-work"

PERMISSIONS = ("copying", "commercial_use", "derivatives")

FLICKR_IDS = (
    ALL_RIGHTS_RESERVED,
    "CC-BY-NC-SA-2.0",
    "CC-BY-NC-2.0",
    "CC-BY-NC-ND-2.0",
    "CC-BY-2.0",
    "CC-BY-SA-2.0",
    "CC-BY-ND-2.0",
    NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    US_GOVERNMENT_WORK,
    "CC0-1.0",
    "CC-PDM-1.0",
    "CC-BY-4.0",  # 11 to 16: since June 2025
    "CC-BY-SA-4.0",
    "CC-BY-ND-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-SA-4.0",
    "CC-BY-NC-ND-4.0",
)
"""What Flickr's API means by 0, 1, 2 and so on."""


@dataclass(frozen=True)
class License:
    """What a license grants to everyone, everywhere, for the whole work, and what it asks for in return.

    The retired Sampling licenses allow only transformed parts, and Developing Nations only some countries:
    neither counts as a permission here.
    """

    id: str
    unit: str = ""  # Creative Commons' name for the kind of tool: `by-nc`, `zero`; empty for what is none
    version: str = ""
    jurisdiction: str = ""  # empty where international
    copying: bool = False  # verbatim, at least without commercial use
    commercial_use: bool = False
    derivatives: bool = False
    share_alike: bool = False
    attribution: bool = False
    public_domain: bool = False  # by dedication or by statement
    spdx_id: str | None = None
    flickr_id: int | None = None

    @property
    def url(self) -> str | None:
        """Creative Commons' canonical address of the tool; None for what is none."""
        if not self.unit:
            return None
        category = "publicdomain" if self.public_domain else "licenses"
        place = f"{self.jurisdiction}/" if self.jurisdiction else ""
        return f"https://creativecommons.org/{category}/{self.unit}/{self.version}/{place}"

    @property
    def elements(self) -> frozenset[str]:
        """Of what the unit is made, in no order: ``by-nc-nd`` was called ``by-nd-nc`` in version 1.0."""
        return frozenset(self.unit.split("-")) if self.unit else frozenset()


ELEMENTS = frozenset({"by", "nc", "nd", "sa"})
"""Of which the licenses are made that grant in permissions for the whole work."""
_PUBLIC_DOMAIN = {"zero", "mark", "certification"}


def _public_domain(license_id: str, unit: str, version: str, jurisdiction: str) -> License:
    return License(
        license_id,
        unit,
        version,
        jurisdiction,
        copying=True,
        commercial_use=True,
        derivatives=True,
        public_domain=True,
    )


def _creative_commons(unit: str, version: str, jurisdiction: str, spdx_id: str) -> License:
    # SPDX calls by-nd-nc/1.0 CC-BY-NC-ND-1.0, and a `+` is an operator in its expressions.
    name = unit.replace("nd-nc", "nc-nd").replace("+", "-plus")
    license_id = spdx_id or "-".join(filter(None, ("CC", name, version, jurisdiction))).upper()
    if unit in _PUBLIC_DOMAIN:
        return replace(_public_domain(license_id, unit, version, jurisdiction), spdx_id=spdx_id or None)
    terms = set(unit.split("-"))
    whole = terms <= ELEMENTS
    return License(
        license_id,
        unit,
        version,
        jurisdiction,
        copying=whole or "sampling+" in terms,
        commercial_use=whole and "nc" not in terms,
        derivatives=whole and "nd" not in terms,
        share_alike="sa" in terms,
        attribution="by" in terms or not whole,
        spdx_id=spdx_id or None,
    )


def _all() -> Iterator[License]:
    for license_id in (ALL_RIGHTS_RESERVED, NO_KNOWN_COPYRIGHT_RESTRICTIONS):
        yield License(license_id)  # grants nothing
    yield _public_domain(US_GOVERNMENT_WORK, "", "", "us")
    tools = resources.files(__package__).joinpath("cc_tools.csv").read_text("utf-8")
    for row in csv.DictReader(tools.splitlines()):
        yield _creative_commons(**row)


def _with_flickr_id(terms: License) -> License:
    return replace(terms, flickr_id=FLICKR_IDS.index(terms.id)) if terms.id in FLICKR_IDS else terms


LICENSES: Mapping[str, License] = MappingProxyType({tool.id: _with_flickr_id(tool) for tool in _all()})


def terms_table() -> pa.Table:
    """A row for each known license, sorted by id: what it is called, where it stands, what it grants.

    Returns:
        `id`, `unit`, `version`, `jurisdiction` (text; unit and version empty for what is no legal tool,
        jurisdiction for what is international), `copying`, `commercial_use`, `derivatives`, `share_alike`,
        `attribution`, `public_domain` (boolean), and `spdx_id`, `url` (text) and `flickr_id` (int8), which
        are null where there is none.
    """
    known = [LICENSES[license_id] for license_id in sorted(LICENSES)]
    columns = {field.name: [getattr(terms, field.name) for terms in known] for field in fields(License)}
    columns["url"] = [terms.url for terms in known]
    return pa.table({name: pa.array(columns[name], kind) for name, kind in _TERMS.items()})


_TERMS = {
    **dict.fromkeys(("id", "unit", "version", "jurisdiction"), pa.string()),
    **dict.fromkeys((*PERMISSIONS, "share_alike", "attribution", "public_domain"), pa.bool_()),
    **dict.fromkeys(("spdx_id", "url"), pa.string()),
    "flickr_id": pa.int8(),
}
