"""Where a row lives: a stable 64-bit hash of its owner, the same on every machine and in every version.

``bucket = hash mod buckets`` with ``buckets`` a power of two. The hash is written down here and pinned by
golden values in the tests; a dataset names the rule it was built with (:data:`RULE`).

The rule: a string is cut into little-endian 64-bit words, the last one padded with zeros. From a seed the
state takes in the length, then each word, as ``state = mix(state XOR word)``, where ``mix`` is MurmurHash3's
64-bit finalizer (Austin Appleby, public domain, 2011). An owner's hash is seeded with ``mix`` of the
source's hash, an item's with that of the source's hash plus one, so that the two never meet by construction.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

RULE = "owner-murmur3fin64-v1"

U64 = npt.NDArray[np.uint64]

_FULL = np.uint64(0xFFFFFFFFFFFFFFFF)
_KEEP = np.array([(1 << (8 * n)) - 1 for n in range(8)] + [0xFFFFFFFFFFFFFFFF], dtype=np.uint64)


def mix(state: U64) -> U64:
    """MurmurHash3's 64-bit finalizer of each element."""
    state = state ^ (state >> np.uint64(33))
    state = state * np.uint64(0xFF51AFD7ED558CCD)
    state = state ^ (state >> np.uint64(33))
    state = state * np.uint64(0xC4CEB9FE1A85EC53)
    return state ^ (state >> np.uint64(33))


def _plain(strings: pa.Array) -> pa.Array:
    """The strings in one chunk and no dictionary, in which a null may be an index or an entry."""
    if isinstance(strings, pa.ChunkedArray):
        strings = strings.combine_chunks()
    return strings.cast(strings.type.value_type) if pa.types.is_dictionary(strings.type) else strings


def _flat(strings: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], U64]:
    """Each string's start and length, and the words that begin at every byte of the data."""
    strings = _plain(strings)
    if strings.null_count:
        strings = strings.fill_null("")
    _, offsets_buffer, data = strings.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32, len(strings) + 1 + strings.offset)[strings.offset :]
    starts = offsets[:-1].astype(np.int64)
    lengths = np.diff(offsets).astype(np.int64)
    raw = np.zeros((len(data) if data is not None else 0) + 8, np.uint8)
    if data is not None:
        raw[: len(data)] = np.frombuffer(data, np.uint8)
    words: U64 = np.ndarray((len(raw) - 7,), "<u8", raw.data, strides=(1,))
    return starts, lengths, words


def _chain(strings: pa.Array, seed: U64) -> U64:
    if not len(strings):
        return np.empty(0, np.uint64)
    starts, lengths, words = _flat(strings)
    state = mix(seed ^ lengths.astype(np.uint64))
    alive = np.flatnonzero(lengths > 0)
    done = 0
    while len(alive):
        left = np.minimum(lengths[alive] - done, 8)
        word = words[starts[alive] + done] & _KEEP[left]
        state[alive] = mix(state[alive] ^ word)
        done += 8
        alive = alive[lengths[alive] > done]
    return state


def hash_strings(strings: pa.Array) -> U64:
    """The stable hash of each string. Nulls are not looked at: their hash means nothing."""
    return _chain(strings, np.zeros(len(strings), np.uint64))


def _seed(source: pa.Array, salt: int) -> U64:
    encoded = pc.dictionary_encode(source)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    seeds = mix(hash_strings(encoded.dictionary) + np.uint64(salt))
    return seeds[encoded.indices.to_numpy(zero_copy_only=False)] if len(encoded) else np.empty(0, np.uint64)


def item_hash(source: pa.Array, item_id: pa.Array) -> U64:
    """The hash of each item: its place in an item index, and its home when it has no owner."""
    return _chain(item_id, _seed(source, 1))


def home_hash(source: pa.Array, owner_id: pa.Array, item_id: pa.Array) -> U64:
    """The hash that says in which bucket each row lives: its owner's, or its own without an owner."""
    owner_id = _plain(owner_id)
    home = _chain(owner_id, _seed(source, 0))
    orphans = np.flatnonzero(pc.is_null(owner_id).to_numpy(zero_copy_only=False))
    if len(orphans):
        rows = pa.array(orphans)
        home[orphans] = item_hash(source.take(rows), item_id.take(rows))
    return home


def bucket_of(hashes: U64, buckets: int) -> npt.NDArray[np.int32]:
    """The bucket of each hash; ``buckets`` is a power of two."""
    return (hashes & np.uint64(buckets - 1)).astype(np.int32)


def text_order(strings: pa.Array) -> list[U64]:
    """Sort keys by which ``np.lexsort`` puts strings in byte order, the least significant first.

    Big-endian words compare as their bytes do; the length, least significant of all, tells a string from
    the same one with NULs behind it. Nulls compare as empty strings. What is the same for all is left out.
    """
    starts, lengths, words = _flat(strings)
    keys: list[U64] = []
    for done in range(0, int(lengths.max(initial=0)), 8):
        left = np.clip(lengths - done, 0, 8)
        at = np.where(left > 0, starts + done, 0)
        keys.append((words[at] & _KEEP[left]).byteswap())
    keys = [key for key in keys if (key != key[0]).any()]
    last = words[(starts + lengths - 1)[lengths > 0]] & np.uint64(0xFF)
    needs_length = not keys or not last.all()
    return [*([lengths.astype(np.uint64)] if needs_length else []), *reversed(keys)]
