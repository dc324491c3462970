"""Orders of rows, and the one of several rows that stays. Integers are compared, never strings by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.domain.decimals import plain_decimals
from transforms.domain.keys import U64, text_order

Places = npt.NDArray[np.int64]


def identity(source: pa.ChunkedArray, key: pa.ChunkedArray) -> pa.Array:
    """One string for a (source, id) pair: equal pairs, and only those, give equal strings."""
    # The unit separator cannot occur in an id or a source: readers refuse control characters in them.
    joined = pc.binary_join_element_wise(_plain(source), _plain(key), "\x1f")
    return joined.combine_chunks() if isinstance(joined, pa.ChunkedArray) else joined


def _plain(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return array.cast(pa.string()) if pa.types.is_dictionary(array.type) else array


def _ranks(column: pa.ChunkedArray) -> U64:
    """Each value's place among the distinct ones in byte order; nulls come last."""
    encoded = _plain(column).dictionary_encode()
    order = np.lexsort(text_order(encoded.dictionary)) if len(encoded.dictionary) else np.empty(0, np.int64)
    rank = np.empty(len(order) + 1, np.uint64)
    rank[order] = np.arange(len(order), dtype=np.uint64)
    rank[-1] = len(order)
    return rank[encoded.indices.fill_null(len(order)).to_numpy(zero_copy_only=False)]


def by_text(rows: pa.Table, columns: Sequence[str], *, distinct: Sequence[str] = ()) -> Places:
    """The places that put ``rows`` in byte order of ``columns``, nulls last; stable.

    ``distinct`` names the columns in which values hardly repeat: there ranking would cost more than it saves.
    """
    keys: list[U64] = []
    for name in reversed(columns):
        keys += _own_order(_plain(rows[name])) if name in distinct else [_ranks(rows[name])]
    if not len(rows):
        return np.empty(0, np.int64)
    packed = _packed(keys)
    return _stable_order(packed[0]) if len(packed) == 1 else np.lexsort(packed)


def _stable_order(key: U64) -> Places:
    """The places that sort ``key``, hardly any of whose values repeats; equal ones stay in their order.

    numpy's unstable sort takes a quarter of the time of its stable one: ties are put right afterwards.
    """
    places = np.argsort(key)
    ties = contested(repeated(key[places]))
    tied = places[ties]
    places[ties] = tied[np.lexsort([tied, key[tied]])]
    return places


def _own_order(texts: pa.Array) -> list[U64]:
    """Sort keys of texts, the least significant first: of decimal numbers their digits, else their bytes."""
    decimals = plain_decimals(texts)
    if decimals is None:
        return text_order(texts)
    # As texts numbers compare from the left, and one that begins another comes before it.
    longest = int(decimals.digits.max())
    aligned = decimals.numbers * (10 ** np.arange(longest))[longest - decimals.digits]
    return [decimals.digits.astype(np.uint64), aligned.astype(np.uint64)]


def _packed(keys: Sequence[U64]) -> list[U64]:
    """The same order by fewer keys: neighbors whose values fit into one word together share it."""
    packed = [keys[0]]
    bits = int(keys[0].max()).bit_length()
    for key in keys[1:]:
        more = int(key.max()).bit_length()
        if bits + more <= 64:
            packed[-1] = packed[-1] | key << np.uint64(bits) if more else packed[-1]
            bits += more
        else:
            packed.append(key)
            bits = more
    return packed


def repeats(rows: pa.Table, columns: Sequence[str]) -> npt.NDArray[np.bool_]:
    """For each row whether it equals the row before it in all ``columns``. The first never does."""
    same = np.zeros(len(rows), np.bool_)
    if len(rows) > 1:
        same[1:] = True
        for name in columns:
            column = _plain(rows[name])
            equal = pc.equal(column[1:], column[:-1]).fill_null(False)
            same[1:] &= equal.to_numpy(zero_copy_only=False)
    return same


def preferred(same: npt.NDArray[np.bool_], preference: pa.Table) -> Places:
    """One place for each run of rows: the first by the columns of ``preference``, in ascending order.

    ``same`` says which rows continue the run of the row before. ``preference`` holds a row for each row that
    has a rival, in the order of :func:`contested`; its columns are compared in turn, nulls last.
    """
    groups = np.cumsum(~same) - 1
    fights = contested(same)
    firsts = np.flatnonzero(~same)
    if not len(fights):
        return firsts
    rivals = preference.append_column("\x1fgroup", pa.array(groups[fights]))
    keys = [(name, "ascending") for name in ["\x1fgroup", *preference.column_names]]
    order = pc.sort_indices(rivals, sort_keys=keys).to_numpy()
    winners = fights[order[~repeated(groups[fights][order])]]
    firsts[groups[winners]] = winners
    return firsts


def contested(same: npt.NDArray[np.bool_]) -> Places:
    """The places of rows that belong to a run of more than one."""
    rival = same.copy()
    rival[:-1] |= same[1:]
    return np.flatnonzero(rival)


def joined(lists: pa.ListArray) -> pa.Array:
    """Each list as one text: equal lists, and only those, give equal texts; a null stays null."""
    # A tag may be empty and hold any character, so that no separator would do: its length says where it ends.
    texts = pc.list_flatten(lists).cast(pa.string())
    sized = pc.binary_join_element_wise(pc.binary_length(texts).cast(pa.string()), texts, ":")
    ends = np.cumsum(pc.list_value_length(lists).fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int32)
    offsets = np.concatenate((np.zeros(1, np.int32), ends))
    return pc.binary_join(pa.ListArray.from_arrays(offsets, sized, mask=lists.is_null()), "")


def repeated(values: npt.NDArray[np.int64] | U64) -> npt.NDArray[np.bool_]:
    """For each value whether it equals the one before it."""
    same = np.zeros(len(values), np.bool_)
    same[1:] = values[1:] == values[:-1]
    return same
