from __future__ import annotations

import bz2
import itertools
import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.raw import bzip2
from pipelines.raw.bzip2 import CorruptError, CutError, unpack

# At level 1 a block holds 100 kB: text of several blocks that takes no time.
TEXT = random.Random(7).randbytes(130_000) + b"line\n" * 60_000 + bytes(300_000)
PACKED = bz2.compress(TEXT, 1)
MARKS = bzip2._marks(PACKED, 0)


def is_in_a_block(bit: int) -> bool:
    """Whether a mark that stands there would be none, and lie in a block as a whole."""
    return all(abs(bit - mark) >= 80 for mark in MARKS) and 32 < bit < MARKS[-1]


def in_chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def whole(data: bytes, size: int = 1 << 16) -> bytes:
    return b"".join(unpack(in_chunks(data, size)))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, len(TEXT)), max_size=3),
    st.sampled_from([1, 5, 9]),
    st.sampled_from([1_000, 4_321, 1 << 20]),
)
def test_what_was_packed_comes_out(cuts: list[int], level: int, size: int) -> None:
    edges = [0, *sorted(cuts), len(TEXT)]
    packed = b"".join(bz2.compress(TEXT[a:b], level) for a, b in itertools.pairwise(edges))
    assert whole(packed, size) == TEXT


def test_a_stream_is_unpacked_block_by_block() -> None:
    assert len(list(unpack(in_chunks(PACKED, 1 << 16)))) == len(MARKS) - 1


@pytest.mark.parametrize("size", [1, 3, 64])
def test_chunks_of_any_size(size: int) -> None:
    packed = bz2.compress(b"one\n", 9) + bz2.compress(b"", 1) + bz2.compress(b"two\n" * 100, 5)
    assert whole(packed, size) == b"one\n" + b"two\n" * 100


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 8 * len(PACKED)).filter(is_in_a_block), min_size=1, max_size=3))
def test_marks_that_are_none_change_nothing(false: list[int]) -> None:
    """By chance, any bits of a block may look like a mark."""
    real: Callable[[bytes, int], list[int]] = bzip2._marks
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bzip2, "_marks", lambda data, start: sorted({*real(data, start), *false}))
        assert whole(PACKED, len(PACKED)) == TEXT


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(PACKED) - 1))
def test_cut_anywhere_it_is_an_error(length: int) -> None:
    with pytest.raises((CutError, CorruptError)):
        whole(PACKED[:length])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 8 * len(PACKED) - 1))
def test_no_flipped_bit_passes(bit: int) -> None:
    damaged = bytearray(PACKED)
    damaged[bit // 8] ^= 0x80 >> bit % 8
    try:
        found = whole(bytes(damaged))
    except (CutError, CorruptError):
        return
    # The size of blocks that a header names, and the bits that fill up the last byte, say nothing of text.
    assert found == TEXT
    assert bit // 8 in (3, len(PACKED) - 1)


@pytest.mark.parametrize("behind", [b"\0", b"BZ", b"BZh9", b"garbage", bytes(100_000)])
@pytest.mark.parametrize("more", [b"", PACKED])
def test_what_stands_behind_a_stream_is_an_error(behind: bytes, more: bytes) -> None:
    with pytest.raises((CutError, CorruptError)):
        whole(PACKED + behind + more)


def test_the_footer_of_another_stream_is_an_error() -> None:
    """Each block is sound: only the checksum of the whole stream tells."""
    one, two = bz2.compress(b"one" * 9), bz2.compress(b"two" * 9)
    with pytest.raises(CorruptError):
        whole(one[:-4] + two[-4:])
