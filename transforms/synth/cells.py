"""Ready-made cells: texts of a column, from which draws choose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from transforms.domain.keys import mix
from transforms.synth.draws import I64, Mask, draw, pick, weighted


class Cells:
    """A weighted choice among kinds of cells, and an even one within a kind. ``[""]`` is the empty kind."""

    def __init__(self, *kinds: tuple[float, Sequence[str]]) -> None:
        self._weights = [weight for weight, _ in kinds]
        self._sizes = np.array([len(cells) for _, cells in kinds])
        self._starts = np.cumsum(self._sizes) - self._sizes + 1  # place 0 is the empty cell of `choose`
        self._cells = pa.array(["", *(cell for _, cells in kinds for cell in cells)], pa.string())

    def choose(self, seed: int, name: str, index: I64, where: Mask | None = None) -> pa.Array:
        """A cell for each index, as string without nulls; the empty one where ``where`` is false."""
        drawn = draw(seed, name, index)
        kind = weighted(drawn, self._weights)
        place = self._starts[kind] + pick(mix(drawn), self._sizes[kind])
        if where is not None:
            place = np.where(where, place, 0)
        return self._cells.take(pa.array(place))


def is_empty(cells: pa.Array) -> Mask:
    """True where a cell of a string array without nulls is empty."""
    offsets = np.frombuffer(cells.buffers()[1], np.int32)[cells.offset : cells.offset + len(cells) + 1]
    return np.asarray(offsets[1:] == offsets[:-1])
