"""What it means that a license was one and is another: the order of permissions, and its directions.

Licenses are ordered by how free they leave a user: in commerce, in derivatives (none, under the same license,
any), and of attribution. One license is freer than another if it is in one of these and less free in none.
Versions and jurisdictions of one tool say the same in other words, and are no step in that order.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.licenses import ALL_RIGHTS_RESERVED, ELEMENTS, LICENSES, UNKNOWN, License
from transforms.domain.texts import encode, in_use

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
_NUMBER = {direction: np.int8(number) for number, direction in enumerate(DIRECTIONS)}

_IDS = (*sorted(LICENSES), UNKNOWN)
_PLACE = {license_id: place for place, license_id in enumerate(_IDS)}
_NOWHERE = _PLACE[UNKNOWN]


def compare(then: str, now: str) -> str:
    """What it means that the license was ``then`` and is ``now``: one of :data:`DIRECTIONS`.

    Where version and jurisdiction both differ, it is a change of version. Public-domain tools of different
    kinds are incomparable, since one is a waiver and another a statement; so is whatever is compared with
    "no known copyright restrictions", which grants nothing. Anything that is no id of :data:`LICENSES` counts
    as unknown, and unknown compares with nothing, itself included.
    """
    return DIRECTIONS[_directions()[_PLACE.get(then, _NOWHERE), _PLACE.get(now, _NOWHERE)]]


def directions(then: pa.Array | pa.ChunkedArray, now: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """:func:`compare` of each row.

    Args:
        then: canonical ids, as text or dictionary-encoded; a null counts as unknown.
        now: the same, of the same length.

    Returns:
        Dictionary-encoded text, row for row: never null, each one of :data:`DIRECTIONS`.
    """
    found = _directions()[_places(then), _places(now)]
    return in_use(pa.DictionaryArray.from_arrays(found.astype(np.int32), pa.array(DIRECTIONS)))


def directions_table() -> pa.Table:
    """:func:`compare` of all pairs of licenses, ``unknown`` among them, sorted by both ids.

    Returns:
        `license_from`, `license_to`, `direction`: dictionary-encoded text, never null.
    """
    ids, several = pa.array(_IDS), len(_IDS)
    row, column = np.divmod(np.arange(several * several, dtype=np.int32), np.int32(several))
    found = _directions().ravel().astype(np.int32)
    return pa.table(
        {
            "license_from": pa.DictionaryArray.from_arrays(row, ids),
            "license_to": pa.DictionaryArray.from_arrays(column, ids),
            "direction": pa.DictionaryArray.from_arrays(found, pa.array(DIRECTIONS)),
        }
    )


def _places(ids: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The place of each row's license in the matrix; that of ``unknown`` where it is no license's."""
    encoded = encode(ids)
    known = pc.index_in(encoded.dictionary, pa.array(_IDS)).fill_null(_NOWHERE).to_numpy()
    places = np.append(known, _NOWHERE).astype(np.int64)
    return places[encoded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)]


@functools.cache
def _directions() -> npt.NDArray[np.int8]:
    """The number of the direction of every pair: from the license of the row to that of the column."""
    known = [LICENSES[license_id] for license_id in _IDS[:-1]]
    freedom = np.array([_freedom(terms) for terms in known], np.int8)
    ordered = np.array([_is_ordered(terms) for terms in known])
    tool = _numbers([tuple(sorted(terms.elements)) or terms.id for terms in known])
    version = _numbers([terms.version for terms in known])
    reserved = np.array([terms.id == ALL_RIGHTS_RESERVED for terms in known])

    before, after = freedom[:, None, :], freedom[None, :, :]
    more, less = (after > before).any(axis=2), (after < before).any(axis=2)
    comparable = ordered[:, None] & ordered[None, :]
    same_tool = tool[:, None] == tool[None, :]
    # The first that holds decides.
    cases = (
        (np.eye(len(known), dtype=np.bool_), "same"),
        (np.broadcast_to(reserved[None, :], more.shape), "withdrawn"),
        (np.broadcast_to(reserved[:, None], more.shape), "relaxation"),
        (same_tool & (version[:, None] != version[None, :]), "version_change"),
        (same_tool, "jurisdiction_change"),
        (comparable & more & ~less, "relaxation"),
        (comparable & less & ~more, "restriction"),
    )
    conditions, names = zip(*cases, strict=True)
    choices = [_NUMBER[name] for name in names]
    matrix = np.full((len(_IDS), len(_IDS)), _NUMBER["unknown"], np.int8)
    matrix[:-1, :-1] = np.select(conditions, choices, _NUMBER["incomparable"])
    return matrix


def strictest_first(license_id: str) -> tuple[object, ...]:
    """A sort key: what grants least comes first, and what is unknown before it. No two ids are equal.

    Where sources disagree on a license and nothing else tells who is right, the first is believed: so that
    nobody's work is used by a license that another source denies.
    """
    terms = LICENSES.get(license_id)
    if terms is None:
        return (0, license_id)
    if license_id == ALL_RIGHTS_RESERVED:
        return (1, license_id)
    return (2, terms.copying, _freedom(terms), terms.public_domain, license_id)


def _freedom(terms: License) -> tuple[int, int, int]:
    """How free a user is in commerce, in derivatives (none, alike, any), and of attribution."""
    derivatives = 0 if not terms.derivatives else 1 if terms.share_alike else 2
    return int(terms.commercial_use), derivatives, int(not terms.attribution)


def _is_ordered(terms: License) -> bool:
    """Whether it grants in the terms that :func:`_freedom` measures."""
    return terms.public_domain or (bool(terms.unit) and terms.elements <= ELEMENTS)


def _numbers(names: list[object]) -> npt.NDArray[np.int64]:
    """A number for each name, the same for equal ones."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names])
