"""Last words: what somebody said last about each purpose, as numbers of which the greatest counts.

A word is twice the day on which it was received, and one more where it is no leave: what was refused or taken
back, or a grant that is over. So the later of two words is the greater one, and of one day the worse.
Words are compared before they spread: what somebody said last about a narrower purpose is not in them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain import purposes
from transforms.domain.order import Places
from transforms.domain.purposes import Purposes

Words = npt.NDArray[np.int32]
"""A row for each speaker, and in it 16 words: by place in :data:`purposes.PURPOSES`, those to come too."""

NOTHING = -1
"""The word of who said nothing: before every other, and no leave."""

_BITS = np.uint16(1) << np.arange(16, dtype=np.uint16)


def silence(rows: int) -> Words:
    """The words of so many who said nothing."""
    return np.full((rows, len(_BITS)), NOTHING, np.int32)


def granted(words: Words) -> Purposes:
    """The purposes that each row of ``words`` grants, with the broader ones: see `purposes.spread_yes`."""
    return purposes.spread_yes((words % 2 == 0) @ _BITS)


def as_lists(words: Words) -> pa.ListArray:
    """A list of each row's words, null of who said nothing: in ``owner_said`` of :data:`schemas.LEAVE`."""
    spoke = (words != NOTHING).any(axis=1)
    ends = np.cumsum(spoke, dtype=np.int32) * np.int32(len(_BITS))
    values = pa.array(words[spoke].ravel())
    return pa.ListArray.from_arrays(np.append(np.int32(0), ends), values, mask=pa.array(~spoke))


def at(lists: pa.ChunkedArray, places: Places) -> Words:
    """The words at ``places`` in what :func:`as_lists` made; -1 is the place of who said nothing."""
    spoke = lists.is_valid().to_numpy()
    words = np.vstack([pc.list_flatten(lists).to_numpy().reshape(-1, len(_BITS)), silence(1)])
    of_place = np.where(spoke, np.cumsum(spoke) - 1, -1)
    return words[np.append(of_place, -1)[places]]
