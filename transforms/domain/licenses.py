"""Licenses: their canonical ids, what they grant, the ways people write them, and what a change means.

An id is SPDX's where SPDX has one (``CC-BY-NC-2.0``, ``CC0-1.0``, ``CC-PDM-1.0``). The other legal tools of
Creative Commons are named in the same style, unit, version, jurisdiction: ``CC-BY-3.0-GR``. Three ids stand
for what is no such tool: ``all-rights-reserved``, ``no-known-copyright-restrictions`` and
``us-government-work``. What cannot be read is ``unknown``, which is no license and is never a guess.

Sources: the legal tools of https://creativecommons.org (639 of them, ``cc_tools.csv``), the SPDX license
list, and the answer of Flickr's ``flickr.photos.licenses.getInfo`` in 2023 and in 2025.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from transforms.domain.texts import encode, in_use, map_distinct

UNKNOWN = "unknown"
ALL_RIGHTS_RESERVED = "all-rights-reserved"
NO_KNOWN_COPYRIGHT_RESTRICTIONS = "no-known-copyright-restrictions"
US_GOVERNMENT_WORK = "us-government-work"

PERMISSIONS = ("copying", "commercial_use", "derivatives")

DIRECTIONS = (
    "same",
    "version_change",  # the terms of another version, and perhaps of another jurisdiction
    "jurisdiction_change",
    "relaxation",  # whatever was allowed still is, and more
    "restriction",  # the inverse
    "incomparable",  # each allows something that the other does not, or they rest on different grounds
    "withdrawn",  # all rights reserved now, and not then
    "unknown",  # one of the two is
)


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
    public_domain: bool = False


_ELEMENTS = {"by", "nc", "nd", "sa"}
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
        return _public_domain(license_id, unit, version, jurisdiction)
    terms = set(unit.split("-"))
    whole = terms <= _ELEMENTS
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
    )


def _all() -> Iterator[License]:
    for license_id in (ALL_RIGHTS_RESERVED, NO_KNOWN_COPYRIGHT_RESTRICTIONS):
        yield License(license_id)  # grants nothing
    yield _public_domain(US_GOVERNMENT_WORK, "", "", "us")
    tools = resources.files(__package__).joinpath("cc_tools.csv").read_text("utf-8")
    for row in csv.DictReader(tools.splitlines()):
        yield _creative_commons(**row)


LICENSES: Mapping[str, License] = MappingProxyType({tool.id: tool for tool in _all()})


# --- The ways people write them ----------------------------------------------------------------------------

# A tool by the elements of its unit in any order, its version, and its jurisdiction.
_Tool = tuple[tuple[str, ...], str, str]
_BY_TOOL: dict[_Tool, str] = {
    (tuple(sorted(tool.unit.split("-"))), tool.version, tool.jurisdiction): tool.id
    for tool in LICENSES.values()
    if tool.unit
}
_SHORT_UNITS = {"cc0": "zero", "pdm": "mark"}

# Flickr's ids and names. Its 2.0 licenses are called `CC BY 2.0` and so on since 2025, which needs no table.
_FLICKR = {
    "0": (ALL_RIGHTS_RESERVED, "all rights reserved"),
    "1": ("CC-BY-NC-SA-2.0", "attribution-noncommercial-sharealike license"),
    "2": ("CC-BY-NC-2.0", "attribution-noncommercial license"),
    "3": ("CC-BY-NC-ND-2.0", "attribution-noncommercial-noderivs license"),
    "4": ("CC-BY-2.0", "attribution license"),
    "5": ("CC-BY-SA-2.0", "attribution-sharealike license"),
    "6": ("CC-BY-ND-2.0", "attribution-noderivs license"),
    "7": (NO_KNOWN_COPYRIGHT_RESTRICTIONS, "no known copyright restrictions"),
    "8": (US_GOVERNMENT_WORK, "united states government work"),
    "9": ("CC0-1.0", "public domain dedication (cc0)"),
    "10": ("CC-PDM-1.0", "public domain mark"),
    "11": ("CC-BY-4.0", "cc by 4.0"),
    "12": ("CC-BY-SA-4.0", "cc by-sa 4.0"),
    "13": ("CC-BY-ND-4.0", "cc by-nd 4.0"),
    "14": ("CC-BY-NC-4.0", "cc by-nc 4.0"),
    "15": ("CC-BY-NC-SA-4.0", "cc by-nc-sa 4.0"),
    "16": ("CC-BY-NC-ND-4.0", "cc by-nc-nd 4.0"),
}
_OTHER_PAGES = {
    "flickr.com/commons/usage": NO_KNOWN_COPYRIGHT_RESTRICTIONS,
    "usa.gov/copyright.shtml": US_GOVERNMENT_WORK,
    "usa.gov/government-copyright": US_GOVERNMENT_WORK,
    "flickrhelp.com/hc/en-us/articles/10710266545556-using-flickr-images-shared-by-other-members": (
        ALL_RIGHTS_RESERVED
    ),
}
_SPELLINGS: Mapping[str, str] = {
    **{license_id.lower(): license_id for license_id in LICENSES},
    **{number: license_id for number, (license_id, _) in _FLICKR.items()},
    **{name: license_id for license_id, name in _FLICKR.values()},
}

_BEFORE_HOST = re.compile(r"^(https?:)?//+")
_LEGAL_TOOL = re.compile(
    r"creativecommons\.org/+(?P<category>licen[sc]es|publicdomain)/+(?P<unit>[a-z0-9+-]+)/+(?P<version>[0-9.]+)"
    r"(/+(?P<jurisdiction>[a-z]+))??(/+(deed|legalcode)(\.[a-z0-9_@-]+)?)?/*"
)
_SLUG = re.compile(r"(cc[ -])?(?P<unit>[a-z0-9+ -]+?)[ -](?P<version>[0-9.]+)([ -](?P<jurisdiction>[a-z]+))?")


def _tool(unit: str, version: str, jurisdiction: str | None) -> str:
    """The id of one of the tools that exist; of any other combination, ``unknown``."""
    unit = _SHORT_UNITS.get(unit, unit)
    version = version if "." in version else f"{version}.0"
    elements = tuple(sorted(re.split("[ -]", unit)))
    return _BY_TOOL.get((elements, version, jurisdiction or ""), UNKNOWN)


def normalize_one(raw: str | None) -> str:
    """The canonical id of a license as written, or ``unknown``; see :func:`normalize`."""
    if raw is None or not raw.isascii():
        return UNKNOWN
    text = " ".join(raw.lower().split())
    if known := _SPELLINGS.get(text):
        return known
    page = _BEFORE_HOST.sub("", text).removeprefix("www.").partition("#")[0].partition("?")[0]
    if url := _LEGAL_TOOL.fullmatch(page):
        license_id = _tool(url["unit"], url["version"], url["jurisdiction"])
        in_public_domain = license_id in LICENSES and LICENSES[license_id].public_domain
        return license_id if in_public_domain == (url["category"] == "publicdomain") else UNKNOWN
    if slug := _SLUG.fullmatch(text):
        return _tool(slug["unit"], slug["version"], slug["jurisdiction"])
    return _OTHER_PAGES.get(page.rstrip("/"), UNKNOWN)


def normalize(raw: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The canonical id of each license as written, row for row.

    Read are: ids in any case; URLs of legal tools with or without scheme, ``www.``, final slash, deed or
    legal code, and with their elements in any order; unit and version with or without ``CC`` ("by-nc-nd 2.0",
    "CC BY 4.0", "cc0 1.0"), where ``2`` is ``2.0``; Flickr's ids as text and Flickr's names, old (which mean
    version 2.0) and new. Anything else, badges and tools that never existed ("cc0 3.0") are ``unknown``.

    Args:
        raw: text, or dictionary-encoded text; nullable.

    Returns:
        Text, never null: ids of :data:`LICENSES`, or ``unknown``.
    """
    return map_distinct(raw, normalize_one)


# --- What a change means -----------------------------------------------------------------------------------


def _freedom(terms: License) -> tuple[int, int, int]:
    """How free a user is in commerce, in derivatives (none, alike, any), and of attribution."""
    derivatives = 0 if not terms.derivatives else 1 if terms.share_alike else 2
    return int(terms.commercial_use), derivatives, int(not terms.attribution)


def _is_ordered(terms: License) -> bool:
    """Whether it grants in the terms that :func:`_freedom` measures."""
    return terms.public_domain or (bool(terms.unit) and set(terms.unit.split("-")) <= _ELEMENTS)


def compare(then: str, now: str) -> str:
    """What it means that the license was ``then`` and is ``now``: one of :data:`DIRECTIONS`.

    Where version and jurisdiction both differ, it is a change of version. Public-domain tools of different
    kinds are incomparable, since one is a waiver and another a statement; so is whatever is compared with
    "no known copyright restrictions", which grants nothing. Anything that is no id of :data:`LICENSES` counts
    as unknown, and unknown compares with nothing, itself included.
    """
    if then not in LICENSES or now not in LICENSES:
        return "unknown"
    if then == now:
        return "same"
    if now == ALL_RIGHTS_RESERVED:
        return "withdrawn"
    if then == ALL_RIGHTS_RESERVED:
        return "relaxation"
    old, new = LICENSES[then], LICENSES[now]
    if old.unit and sorted(old.unit.split("-")) == sorted(new.unit.split("-")):
        return "version_change" if old.version != new.version else "jurisdiction_change"
    before, after = _freedom(old), _freedom(new)
    if before == after or not (_is_ordered(old) and _is_ordered(new)):
        return "incomparable"
    if all(b <= a for b, a in zip(before, after, strict=True)):
        return "relaxation"
    if all(b >= a for b, a in zip(before, after, strict=True)):
        return "restriction"
    return "incomparable"


def directions(then: pa.Array | pa.ChunkedArray, now: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """:func:`compare` of each row, called once per distinct pair.

    Args:
        then: canonical ids, as text or dictionary-encoded; a null counts as unknown.
        now: the same, of the same length.

    Returns:
        Dictionary-encoded text, row for row: never null, each one of :data:`DIRECTIONS`.
    """
    old, new = encode(then), encode(now)
    olds, news = [*old.dictionary.to_pylist(), None], [*new.dictionary.to_pylist(), None]
    row = old.indices.fill_null(len(olds) - 1).to_numpy(zero_copy_only=False).astype(np.int64)
    column = new.indices.fill_null(len(news) - 1).to_numpy(zero_copy_only=False)
    pairs = row * len(news) + column
    present = np.flatnonzero(np.bincount(pairs, minlength=len(olds) * len(news)))
    direction = np.zeros(len(olds) * len(news), np.int32)
    for pair in present.tolist():
        name = compare(olds[pair // len(news)] or UNKNOWN, news[pair % len(news)] or UNKNOWN)
        direction[pair] = DIRECTIONS.index(name)
    return in_use(pa.DictionaryArray.from_arrays(direction[pairs], pa.array(DIRECTIONS)))
