"""What people write for a license, and what is made of it: its canonical id and an outcome, never a guess.

A text is read as a **claim** of a tool's elements, its version and its jurisdiction. A URL states all three;
``by-nc 2.0`` leaves the jurisdiction open, ``by-nc`` the version too. Several claims about one license (a slug,
a version and a URL in columns of their own) have to agree in what they state; what one leaves open another may
say. So ``by-nc-nd 2.0`` beside ``licenses/by-nd-nc/2.0/jp`` is the Japanese license, whose version and elements
are those that the slug names; beside ``licenses/by-nc-nd/4.0/`` it is a conflict.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from transforms.domain.licenses import (
    ALL_RIGHTS_RESERVED,
    FLICKR_IDS,
    LICENSES,
    NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    UNKNOWN,
    US_GOVERNMENT_WORK,
)
from transforms.domain.texts import encode, map_distinct

OUTCOMES = (
    "exact",  # the canonical id or address, as it stands
    "normalized",
    "conflict",  # what is written together names different licenses
    "unknown",  # not the name of one license
)


class Reading(NamedTuple):
    """What a text was read as: ``license`` is ``unknown`` where the outcome is ``conflict`` or ``unknown``."""

    license: str
    outcome: str


class Readings(NamedTuple):
    """Two text columns, row for row and never null: canonical ids or ``unknown``, and :data:`OUTCOMES`."""

    license: pa.Array
    outcome: pa.Array


class _Claim(NamedTuple):
    """What a text states of a license; None for what it leaves open."""

    elements: tuple[str, ...] | None = None  # sorted: they were written in another order in version 1.0
    version: str | None = None
    jurisdiction: str | None = None


def _of(license_id: str) -> _Claim:
    """All that is to be said of a known license. What is no legal tool has its id for an element."""
    terms = LICENSES[license_id]
    return _Claim(tuple(sorted(terms.elements)) or (license_id,), terms.version, terms.jurisdiction)


_BY_CLAIM: Mapping[_Claim, str] = {_of(license_id): license_id for license_id in LICENSES}
_UNITS = {claim.elements for claim in _BY_CLAIM}
_EXACT = {spelling for terms in LICENSES.values() for spelling in (terms.id, terms.url) if spelling}

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
# Whole statements: no slug, though some look like one.
_NAMES: Mapping[str, str] = {
    **{str(number): license_id for number, license_id in enumerate(FLICKR_IDS)},
    **_FLICKR_NAMES,
    **{
        terms.id.lower(): terms.id
        for terms in LICENSES.values()
        if not terms.version or terms.id == "CC-PDDC"
    },
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

# Creative Commons' own titles, of the tools that are of no country: "Attribution-ShareAlike 4.0 International".
_TITLE = re.compile(
    r"(creative commons )?(?P<unit>[a-z0-9 -]+?)( licen[sc]e)? (?P<version>[0-9]+(\.[0-9]+)?)"
    r"( (?P<kind>generic|unported|international|universal))?( public)?( licen[sc]e)?"
)
_KINDS = {"1.0": "generic", "2.0": "generic", "2.5": "generic", "3.0": "unported", "4.0": "international"}
_WORDS = (
    (re.compile(r"public domain mark"), "mark"),
    (re.compile(r"attribution"), "by"),
    (re.compile(r"non-?commercial"), "nc"),
    (re.compile(r"no-?deriv(s|atives|ative works)"), "nd"),
    (re.compile(r"share-?alike"), "sa"),
)


def normalize_one(raw: str | None) -> str:
    """The canonical id of a license as written, or ``unknown``; see :func:`normalize`."""
    return read_one(raw).license


def normalize(raw: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The canonical id of each license as written, row for row.

    Read are: ids in any case; URLs of legal tools with or without scheme, ``www.``, final slash, deed or
    legal code, and with their elements in any order; unit and version with or without ``CC`` ("by-nc-nd 2.0",
    "CC BY 4.0", "cc0 1.0"), where ``2`` is ``2.0``; titles of international tools ("Attribution 4.0
    International"); Flickr's ids as text and Flickr's names, old (which mean version 2.0) and new. Anything
    else, badges and tools that never existed ("cc0 3.0") are ``unknown``.

    Args:
        raw: text, or dictionary-encoded text; nullable.

    Returns:
        Text, never null: ids of :data:`licenses.LICENSES`, or ``unknown``.
    """
    return map_distinct(raw, normalize_one)


def recognize(raw: pa.Array | pa.ChunkedArray) -> Readings:
    """:func:`read_one` of each row, called once per distinct value.

    Args:
        raw: text, or dictionary-encoded text; nullable.
    """
    encoded = encode(raw)
    return _readings(
        [read_one(value) for value in [*encoded.dictionary.to_pylist(), None]],
        encoded.indices.fill_null(len(encoded.dictionary)),
    )


def reconcile(slug: pa.Array, version: pa.Array, url: pa.Array) -> Readings:
    """What slug, version and URL say together, row for row; see :func:`reconcile_one`.

    Args:
        slug: text as written: ``by-nc``, or any other spelling of a license; nullable.
        version: the same, as ``2.0`` or ``2``.
        url: the same: the address of a license.
    """
    columns = [encode(column) for column in (slug, version, url)]
    values = [[*column.dictionary.to_pylist(), None] for column in columns]
    codes = [column.indices.fill_null(len(column.dictionary)).to_numpy() for column in columns]
    triples = np.stack([code.astype(np.int64) for code in codes], axis=1)
    distinct, rows = np.unique(triples, axis=0, return_inverse=True)
    read = [
        reconcile_one(*(texts[place] for texts, place in zip(values, triple, strict=True)))
        for triple in distinct.tolist()
    ]
    return _readings(read, pa.array(rows.ravel()))


def read_one(raw: str | None) -> Reading:
    """The license that a text names, and how it was found. Behind a tab: its version, its URL, or both."""
    if raw in _EXACT:
        return Reading(_merged([_claim(raw)]).license, "exact")
    first, *others = [cell for cell in (raw or "").split("\t") if cell.strip()] or [""]
    return _merged([_claim(first), *map(_claim_beside, others)])


def reconcile_one(slug: str | None, version: str | None, url: str | None) -> Reading:
    """The license that a text, a version and a URL name together; what is empty says nothing.

    Unknown if one of them cannot be read, since nobody can say whether it agrees, or if they leave the
    version open; a conflict if two of them state different things.
    """
    cells = [cell if cell and cell.strip() else None for cell in (slug, version, url)]
    if cells[1:] == [None, None]:
        return read_one(slug)
    readers = (_claim, _version_claim, _claim)
    return _merged(read(cell) for read, cell in zip(readers, cells, strict=True) if cell)


def _readings(read: list[Reading], rows: pa.Array) -> Readings:
    ids, outcomes = zip(*read, strict=True) if read else ((), ())
    return Readings(pa.array(ids, pa.string()).take(rows), pa.array(outcomes, pa.string()).take(rows))


def _merged(claims: Iterable[_Claim | None]) -> Reading:
    """The license of which all claims are true. None is a text that cannot be read."""
    read = list(claims)
    stated = [claim for claim in read if claim]
    if len(stated) < len(read):
        return Reading(UNKNOWN, "unknown")
    parts = [{part for part in column if part is not None} for column in zip(*stated, strict=True)]
    if any(len(part) > 1 for part in parts):
        return Reading(UNKNOWN, "conflict")
    elements, version, jurisdiction = (min(part, default=None) for part in parts)
    license_id = _BY_CLAIM.get(_Claim(elements, version, jurisdiction or ""), UNKNOWN)
    return Reading(license_id, "unknown" if license_id == UNKNOWN else "normalized")


def _claim(raw: str) -> _Claim | None:
    """What one text states, or None if it is not understood."""
    if not raw.isascii():
        return None
    text = " ".join(raw.lower().split())
    if known := _NAMES.get(text):
        return _of(known)
    page = _BEFORE_HOST.sub("", text).removeprefix("www.").partition("#")[0].partition("?")[0]
    if url := _LEGAL_TOOL.fullmatch(page.replace("%2b", "+")):
        return _address(url)
    if known := _OTHER_PAGES.get(page.rstrip("/")):
        return _of(known)
    return _slug(text) or _title(text)


def _claim_beside(cell: str) -> _Claim | None:
    return _version_claim(cell) or _claim(cell)


def _version_claim(raw: str) -> _Claim | None:
    text = raw.strip()
    return _Claim(version=_version(text)) if _VERSION.fullmatch(text) else None


def _address(url: re.Match[str]) -> _Claim | None:
    claim = _Claim(_elements(url["unit"]), _version(url["version"]), url["jurisdiction"] or "")
    license_id = _BY_CLAIM.get(claim)
    in_public_domain = license_id is not None and LICENSES[license_id].public_domain
    exists = license_id is not None and in_public_domain == (url["category"] == "publicdomain")
    return claim if exists else None


def _slug(text: str) -> _Claim | None:
    slug = _SLUG.fullmatch(text)
    if not slug:
        return None
    unit = re.sub("[ _]", "-", slug["unit"])
    elements = _elements(_SHORT_UNITS.get(unit, unit))
    if elements not in _UNITS:
        return None
    return _Claim(elements, slug["version"] and _version(slug["version"]), slug["jurisdiction"])


def _title(text: str) -> _Claim | None:
    title = _TITLE.fullmatch(text)
    if not title:
        return None
    unit, version = title["unit"], _version(title["version"])
    for words, element in _WORDS:
        unit = words.sub(element, unit)
    elements = _elements(unit.replace(" ", "-"))
    kind = "universal" if elements == ("mark",) else _KINDS.get(version)
    if elements not in _UNITS or title["kind"] not in (None, kind):
        return None
    return _Claim(elements, version, "")


def _elements(unit: str) -> tuple[str, ...]:
    return tuple(sorted(unit.split("-")))


def _version(written: str) -> str:
    return written if "." in written else f"{written}.0"
