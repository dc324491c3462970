"""What people write for a license, and what is made of it: its canonical id and an outcome, never a guess.

A text is one or more claims (:mod:`license_claims`). Claims about one license, such as a slug, a version and
a URL in columns of their own, have to agree in what they state; what one leaves open another may say. So
``by-nc-nd 2.0`` beside ``licenses/by-nd-nc/2.0/jp`` is the Japanese license, whose elements and version are
those that the slug names; beside ``licenses/by-nc-nd/4.0/`` it is a conflict.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.license_claims import BY_CLAIM, Claim, claims_of
from transforms.domain.licenses import LICENSES, UNKNOWN
from transforms.domain.texts import encode, map_distinct

OUTCOMES = (
    "exact",  # the canonical id or address, as it stands
    "normalized",
    "conflict",  # what is written together names different licenses
    "unknown",  # not the name of one license
)


class Reading(NamedTuple):
    """What a text was read as. A ``conflict`` is no license either: ``license`` is ``unknown``."""

    license: str
    outcome: str


class Readings(NamedTuple):
    """Two text columns, row for row and never null: canonical ids or ``unknown``, and :data:`OUTCOMES`."""

    license: pa.Array
    outcome: pa.Array


_EXACT = {spelling for terms in LICENSES.values() for spelling in (terms.id, terms.url) if spelling}


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
        raw: text, dictionary-encoded text, or Flickr's ids as integers; nullable.

    Returns:
        Text, never null: ids of :data:`licenses.LICENSES`, or ``unknown``.
    """
    return map_distinct(_texts(raw), normalize_one)


def recognize(raw: pa.Array | pa.ChunkedArray) -> Readings:
    """:func:`read_one` of each row, called once per distinct value.

    Args:
        raw: text, dictionary-encoded text, or Flickr's ids as integers; nullable.
    """
    encoded = encode(_texts(raw))
    return _readings(
        [read_one(value) for value in [*encoded.dictionary.to_pylist(), None]],
        encoded.indices.fill_null(len(encoded.dictionary)),
    )


def reconcile(slug: pa.Array, version: pa.Array, url: pa.Array) -> Readings:
    """What slug, version and URL say together, row for row; see :func:`read_one`.

    Args:
        slug: text as written: ``by-nc``, or any other spelling of a license; nullable.
        version: the same, as ``2.0`` or ``2``.
        url: the same: the address of a license.
    """
    return recognize(together(slug, version, url))


def together(slug: pa.Array, version: pa.Array, url: pa.Array) -> pa.Array:
    """The three as one text, as :func:`read_one` takes it: tabs between them, and nothing for null."""
    cells = [column.fill_null("") for column in (slug, version, url)]
    return pc.ascii_rtrim(pc.binary_join_element_wise(*cells, "\t"), "\t")


def read_one(raw: str | None) -> Reading:
    """The license that a text names, and how it was found.

    Behind a tab may stand the version, and behind another the URL; what is empty says nothing. It is unknown
    if one of them cannot be read, since nobody can say whether it agrees, if they leave the version open, or
    if there is no such tool; a conflict if two of them state different things.
    """
    first, *others = (raw or "").split("\t")
    claims = claims_of(first) if first.strip() else []
    for cell in others:
        claims += claims_of(cell, may_be_version=True) if cell.strip() else []
    read = _merged(claims)
    return Reading(read.license, "exact") if raw in _EXACT else read


def _texts(raw: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    return raw.cast(pa.string()) if pa.types.is_integer(raw.type) else raw


def _readings(read: list[Reading], rows: pa.Array) -> Readings:
    ids, outcomes = zip(*read, strict=True)
    return Readings(pa.array(ids, pa.string()).take(rows), pa.array(outcomes, pa.string()).take(rows))


def _merged(claims: list[Claim | None]) -> Reading:
    """The license of which all claims are true. None is a text that cannot be read."""
    stated = [claim for claim in claims if claim]
    if len(stated) < len(claims):
        return Reading(UNKNOWN, "unknown")
    elements = {claim.elements for claim in stated} - {None}
    versions = {claim.version for claim in stated} - {None}
    jurisdictions = {claim.jurisdiction for claim in stated} - {None}
    if max(len(elements), len(versions), len(jurisdictions)) > 1:
        return Reading(UNKNOWN, "conflict")
    # A license is of no country unless one is named.
    whole = Claim(next(iter(elements), None), next(iter(versions), None), next(iter(jurisdictions), ""))
    license_id = BY_CLAIM.get(whole, UNKNOWN)
    return Reading(license_id, "unknown" if license_id == UNKNOWN else "normalized")
