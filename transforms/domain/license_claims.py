"""Claims: what a text states of a license, and what it leaves open.

A URL states a tool's elements, its version and its jurisdiction; ``by-nc 2.0`` leaves the jurisdiction open,
``by-nc`` the version too. A text that is not the name of one license, such as a badge, states nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from transforms.domain.licenses import (
    ALL_RIGHTS_RESERVED,
    FLICKR_IDS,
    LICENSES,
    NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    US_GOVERNMENT_WORK,
)


class Claim(NamedTuple):
    """What a text states of a license; None for what it leaves open."""

    elements: tuple[str, ...] | None = None  # sorted: they were written in another order in version 1.0
    version: str | None = None
    jurisdiction: str | None = None


def _of(license_id: str) -> Claim:
    """All that is to be said of a known license. What is no legal tool has its id for an element."""
    terms = LICENSES[license_id]
    return Claim(tuple(sorted(terms.elements)) or (license_id,), terms.version, terms.jurisdiction)


BY_CLAIM: Mapping[Claim, str] = {_of(license_id): license_id for license_id in LICENSES}
"""Each license by all that is to be said of it."""
_UNITS = {claim.elements for claim in BY_CLAIM}

# Flickr's names. Its 2.0 licenses are called `CC BY 2.0` and so on since 2025, which needs no table.
_FLICKR_NAMES = {
    "all rights reserved": ALL_RIGHTS_RESERVED,
    "attribution-noncommercial-sharealike license": "CC-BY-NC-SA-2.0",
    "attribution-noncommercial license": "CC-BY-NC-2.0",
    "attribution-noncommercial-noderivs license": "CC-BY-NC-ND-2.0",
    "attribution license": "CC-BY-2.0",
    "attribution-sharealike license": "CC-BY-SA-2.0",
    "attribution-noderivs license": "CC-BY-ND-2.0",
    "no known copyright restrictions": NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    "united states government work": US_GOVERNMENT_WORK,
    "public domain dedication (cc0)": "CC0-1.0",
    "public domain mark": "CC-PDM-1.0",
}
_OTHER_PAGES = {
    "flickr.com/commons/usage": NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    "usa.gov/copyright.shtml": US_GOVERNMENT_WORK,
    "usa.gov/government-copyright": US_GOVERNMENT_WORK,
    "flickrhelp.com/hc/en-us/articles/10710266545556-using-flickr-images-shared-by-other-members": (
        ALL_RIGHTS_RESERVED
    ),
}
# Texts that name one license, whole.
_NAMES: Mapping[str, str] = {
    **{str(number): license_id for number, license_id in enumerate(FLICKR_IDS)},
    **_FLICKR_NAMES,
    **{terms.id.lower(): terms.id for terms in LICENSES.values() if not terms.version},
    "cc-pddc": "CC-PDDC",
    "public domain mark 1.0": "CC-PDM-1.0",
    "cc0 1.0 universal (cc0 1.0) public domain dedication": "CC0-1.0",
}

_BEFORE_HOST = re.compile(r"^(https?:)?//+")
_LEGAL_TOOL = re.compile(
    r"creativecommons\.org/+(?P<category>licen[sc]es|publicdomain)/+(?P<unit>[a-z0-9+-]+)/+(?P<version>[0-9.]+)"
    r"(/+(?P<jurisdiction>[a-z]+))??(/+(deed|legalcode)(\.[a-z0-9_@-]+)?)?/*"
)
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)?")
_SLUG = re.compile(
    r"(cc[ _-])?(?P<unit>[a-z0-9+ _-]+?)"
    r"([ _-](?P<version>[0-9]+(\.[0-9]+)?)([ _-](?P<jurisdiction>[a-z]+))?)?"
)
_SHORT_UNITS = {
    "cc0": "zero",
    "pdm": "mark",
    "sampling-plus": "sampling+",
    "nc-sampling-plus": "nc-sampling+",
}

# Creative Commons' own titles of the tools that are of no country: "Attribution 4.0 International". The last
# word is needed: "Attribution 2.0" is the title of a Belgian license.
_TITLE = re.compile(
    r"(creative commons |cc )?(?P<unit>[a-z0-9 -]+?)( licen[sc]e)? (?P<version>[0-9]+(\.[0-9]+)?)"
    r" (?P<kind>generic|unported|international|universal)( public)?( licen[sc]e)?"
)
_UNIVERSAL = {("mark",), ("zero",)}
_KINDS = {"1.0": "generic", "2.0": "generic", "2.5": "generic", "3.0": "unported", "4.0": "international"}
_WORDS = (
    (re.compile(r"public domain mark"), "mark"),
    (re.compile(r"attribution"), "by"),
    (re.compile(r"non[ -]?commercial"), "nc"),
    (re.compile(r"no[ -]?deriv(s|atives|ative works)"), "nd"),
    (re.compile(r"share[ -]?alike"), "sa"),
)
# "Attribution 4.0 International (CC BY 4.0)", as every deed is headed: two claims in one text.
_TWICE = re.compile(r"(?P<long>[^()]+) \((?P<short>[^()]+)\)")


def claims_of(raw: str, *, may_be_version: bool = False) -> list[Claim | None]:
    """What the text of one cell states: usually one claim, two where it says the same in long and short."""
    text = " ".join(raw.lower().split()) if raw.isascii() else ""
    if may_be_version and _VERSION.fullmatch(text):
        return [Claim(version=_version(text))]
    claim = _claim(text)
    if claim is None and (twice := _TWICE.fullmatch(text)):
        return [_claim(twice["long"]), _claim(twice["short"])]
    return [claim]


def _claim(text: str) -> Claim | None:
    """What a text in lower case states, or None if it is not understood."""
    if known := _NAMES.get(text):
        return _of(known)
    page = _BEFORE_HOST.sub("", text).removeprefix("www.").partition("#")[0].partition("?")[0]
    if url := _LEGAL_TOOL.fullmatch(page.replace("%2b", "+")):
        return _address(url)
    if known := _OTHER_PAGES.get(page.rstrip("/")):
        return _of(known)
    return _title(text) or _slug(text)


def _address(url: re.Match[str]) -> Claim | None:
    claim = Claim(_elements(url["unit"]), _version(url["version"]), url["jurisdiction"] or "")
    license_id = BY_CLAIM.get(claim)
    in_public_domain = license_id is not None and LICENSES[license_id].public_domain
    exists = license_id is not None and in_public_domain == (url["category"] == "publicdomain")
    return claim if exists else None


def _slug(text: str) -> Claim | None:
    slug = _SLUG.fullmatch(text)
    if not slug:
        return None
    unit = re.sub("[ _]", "-", slug["unit"])
    elements = _elements(_SHORT_UNITS.get(unit, unit))
    if elements not in _UNITS:
        return None
    return Claim(elements, slug["version"] and _version(slug["version"]), slug["jurisdiction"])


def _title(text: str) -> Claim | None:
    title = _TITLE.fullmatch(text)
    if not title:
        return None
    unit, version = title["unit"], _version(title["version"])
    for words, element in _WORDS:
        unit = words.sub(element, unit)
    elements = _elements(_SHORT_UNITS.get(unit, unit.replace(" ", "-")))
    kind = "universal" if elements in _UNIVERSAL else _KINDS.get(version)
    if elements not in _UNITS or title["kind"] != kind:
        return None
    return Claim(elements, version, "")


def _elements(unit: str) -> tuple[str, ...]:
    return tuple(sorted(unit.split("-")))


def _version(written: str) -> str:
    return written if "." in written else f"{written}.0"
