"""States of items as numbers: a license and a visibility in one code, and which of two is to be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from transforms.domain.bitemporal import Numbers
from transforms.domain.dictionaries import ordered
from transforms.domain.errors import IntegrityError
from transforms.domain.license_changes import strictest_first
from transforms.domain.observations import VISIBILITIES
from transforms.domain.texts import encode, shown


class States:
    """Codes of (license, visibility); licenses are numbered as they turn up."""

    MISSING = VISIBILITIES.index("missing")
    """The code of an item that is missing: its license is unknown."""

    def __init__(self) -> None:
        self._licenses = {"unknown": 0}

    def codes(self, license_id: pa.ChunkedArray, visibility: pa.ChunkedArray) -> Numbers:
        """The code of each row.

        Raises:
            IntegrityError: a visibility is none of :data:`observations.VISIBILITIES`.
        """
        told, seen = encode(license_id), encode(visibility)
        licenses = [
            self._licenses.setdefault(name, len(self._licenses)) for name in told.dictionary.to_pylist()
        ]
        names = seen.dictionary.to_pylist()
        if wrong := sorted({*map(str, names)} - {*VISIBILITIES}):
            raise IntegrityError(f"visibility is {shown(wrong[0])}, not one of {', '.join(VISIBILITIES)}")
        if not len(told):
            return np.empty(0, np.int32)
        first = np.array(licenses, np.int32) * np.int32(len(VISIBILITIES))
        second = np.array([VISIBILITIES.index(name) for name in names], np.int32)
        return first[told.indices.to_numpy()] + second[seen.indices.to_numpy()]

    def beliefs(self, trust: int, code: Numbers) -> npt.NDArray[np.int64]:
        """Greater for what rules: the more trusted, the worse news, the stricter license."""
        license_id, visibility = np.divmod(code, len(VISIBILITIES))
        news = trust * len(VISIBILITIES) - visibility.astype(np.int64)
        return news * len(self._licenses) - self._ranks[license_id]

    def columns(self, code: Numbers) -> tuple[pa.DictionaryArray, pa.DictionaryArray]:
        """The license and the visibility of each code, over dictionaries that follow from them."""
        license_id, visibility = np.divmod(code, np.int32(len(VISIBILITIES)))
        return named(license_id, list(self._licenses)), named(visibility, VISIBILITIES)

    @property
    def _ranks(self) -> npt.NDArray[np.int64]:
        """The place of each license among all, the strictest first."""
        names = list(self._licenses)
        ranks = np.empty(len(names), np.int64)
        ranks[sorted(range(len(names)), key=lambda place: strictest_first(names[place]))] = np.arange(
            len(names)
        )
        return ranks


def named(places: Numbers, names: Sequence[str]) -> pa.DictionaryArray:
    """The names at ``places``, over a dictionary of those in use, ascending."""
    return ordered(pa.chunked_array([pa.DictionaryArray.from_arrays(places, pa.array(names, pa.string()))]))
