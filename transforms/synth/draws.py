"""Draws: chance without state, so that any part of the synthetic world can be made alone, anywhere, again.

A draw is a pure function of (seed, name, index): a Weyl sequence through MurmurHash3's finalizer. Every
comparison is between integers; a machine with other floating point makes the same bytes.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from transforms.domain.keys import U64, mix

I64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_WORD = 1 << 64


@functools.cache
def key(seed: int, name: str) -> np.uint64:
    """The 64-bit key of one named stream of draws."""
    return np.uint64(int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "little"))


def draw(seed: int, name: str, index: I64) -> U64:
    """64 uniform bits for each index, independent between names."""
    return mix(index.astype(np.uint64) * _GOLDEN + key(seed, name))


def even(seed: int, name: str, index: I64, root: int) -> U64:
    """64 bits for each index that fill the range evenly over any run of indexes.

    With owners in order of size this keeps a heavy tail from tipping a share: neighbors are of like size and
    are dealt like cards. ``root`` is a prime whose square root is the step; streams that must not follow
    each other take different primes.
    """
    step = np.uint64(math.isqrt(root << 128) % _WORD)
    return index.astype(np.uint64) * step + key(seed, name)


def chance(draws: U64, share: float) -> Mask:
    """True for about ``share`` of the draws."""
    return draws < np.uint64(min(int(share * _WORD), _WORD - 1))


def pick(draws: U64, choices: int | I64) -> I64:
    """A whole number from 0 to ``choices - 1`` for each draw; ``choices`` is below 2**32."""
    wide = np.asarray(choices, dtype=np.uint64)
    return (((draws >> np.uint64(32)) * wide) >> np.uint64(32)).astype(np.int64)


def weighted(draws: U64, weights: Sequence[float]) -> I64:
    """The place in ``weights`` for each draw, in proportion to them."""
    whole = [round(weight * 1_000_000_000) for weight in weights]
    bounds = [sum(whole[: place + 1]) * _WORD // sum(whole) for place in range(len(whole) - 1)]
    return np.searchsorted(np.array(bounds, dtype=np.uint64), draws, side="right").astype(np.int64)


def scatter(index: I64, bits: int, salt: np.uint64) -> I64:
    """A bijection of the numbers below ``2**bits``: odd multiplications and xor-shifts, each invertible."""
    full = np.uint64((1 << bits) - 1)
    half = np.uint64(bits // 2 + 1)
    state = (index.astype(np.uint64) + salt) & full
    for odd in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        state = (state * np.uint64(odd)) & full
        state = state ^ (state >> half)
    return state.astype(np.int64)


def shuffle(index: I64, size: int, salt: np.uint64) -> I64:
    """A bijection of the numbers below ``size``: :func:`scatter`, walked until it is back in the range."""
    bits = max((size - 1).bit_length(), 1)
    place = scatter(index, bits, salt)
    outside = np.flatnonzero(place >= size)
    while len(outside):
        place[outside] = scatter(place[outside], bits, salt)
        outside = outside[place[outside] >= size]
    return place
