"""Percent signs in URLs, in one spelling (RFC 3986, 2 and 6.2.2): `%7ejoe` is `~joe`, and `a b` is `a%20b`.

Few URLs hold anything to rewrite: these are looked for, and rewritten alone, all their bytes at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_Bytes = npt.NDArray[np.uint8]
_Places = npt.NDArray[np.int64]

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_AS_THEMSELVES = _UNRESERVED + b"@"  # Flickr writes `12@N00` and `12%40N00`, and means one owner
_RESERVED = b":/?@!$&'()*+,;="  # not `[` and `]`, which none but a host by its number may hold
_WRITABLE = _UNRESERVED + _RESERVED + b"#%"
_UNWRITABLE = r"[^\w\-.~:/?@!$&'()*+,;=#%]"  # the same; `\w` of RE2 is ASCII

_PERCENT = ord("%")
_DIGITS = np.frombuffer(b"0123456789ABCDEF", np.uint8)
_NO_DIGIT = 255


def _table(letters: bytes) -> npt.NDArray[np.bool_]:
    return np.isin(np.arange(256), np.frombuffer(letters, np.uint8))


_IS_PLAIN = _table(_AS_THEMSELVES)
_IS_WRITABLE = _table(_WRITABLE)
_VALUE = np.full(256, _NO_DIGIT, np.uint8)
_VALUE[_DIGITS] = np.arange(16)
_VALUE[np.frombuffer(b"abcdef", np.uint8)] = np.arange(10, 16)


class _Texts(NamedTuple):
    """Texts one behind another: ``ends`` begins with 0, and has where each of them ends."""

    data: _Bytes
    ends: _Places


def hold(texts: pa.Array, letters: bytes) -> bool:
    """Whether any text holds some letters, or two side by side do: a look, at a tenth of a search's cost."""
    data = _bytes_of(texts)
    found = np.ones(max(len(data) - len(letters) + 1, 0), np.bool_)
    for place, letter in enumerate(letters):
        found &= data[place : place + len(found)] == letter
    return bool(found.any())


def plain_escapes(urls: pa.Array) -> pa.Array:
    """Each URL with escapes in one spelling: ``%7E`` is ``~``, ``%2f`` is ``%2F``, a lone ``%`` is ``%25``.

    Args:
        urls: text, nullable.

    Returns:
        Text, row for row, null where the URL is. Nothing is decoded twice: ``%2541`` stays.
    """
    if not hold(urls, b"%"):
        return urls
    return _rewritten(urls, pc.match_substring_regex(urls, "%"), lambda texts: _decoded(_without_lone(texts)))


def escape_unwritable(urls: pa.Array) -> pa.Array:
    """Each URL with all that no URL may hold as escapes of its UTF-8: spaces, ``é``, ``<``.

    Args:
        urls: text, nullable.

    Returns:
        Text, row for row, null where the URL is.
    """
    if not bytes(_bytes_of(urls)).translate(None, _WRITABLE):
        return urls
    return _rewritten(
        urls,
        pc.match_substring_regex(urls, _UNWRITABLE),
        lambda texts: _escaped(texts, np.flatnonzero(~_IS_WRITABLE[texts.data])),
    )


def _rewritten(urls: pa.Array, which: pa.Array, rewrite: Callable[[_Texts], _Texts]) -> pa.Array:
    """``urls`` with all of ``which`` rewritten, of which there are some."""
    which = which.fill_null(False)
    few = urls.filter(which)
    ends = np.append(0, np.cumsum(pc.binary_length(few).to_numpy(), dtype=np.int64))
    data, ends = rewrite(_Texts(_bytes_of(few), ends))
    # They may have grown beyond what fits in one array: then the cast fails.
    spelled = pa.LargeStringArray.from_buffers(len(few), pa.py_buffer(ends), pa.py_buffer(data))
    return pc.replace_with_mask(urls, which, spelled.cast(urls.type))


def _bytes_of(texts: pa.Array) -> _Bytes:
    """Those of all texts, one behind another."""
    if not len(texts):
        return np.zeros(0, np.uint8)
    _, ends, data = texts.buffers()
    first, last = (np.frombuffer(ends, np.int32)[texts.offset + place] for place in (0, len(texts)))
    return np.frombuffer(data, np.uint8)[first:last] if first < last else np.zeros(0, np.uint8)


def _without_lone(texts: _Texts) -> _Texts:
    """Each `%` that begins no escape as one: what is decoded behind it must not make it begin one."""
    at = np.flatnonzero(texts.data == _PERCENT)
    end = texts.ends[np.searchsorted(texts.ends, at, side="right")]
    behind = np.append(texts.data, np.zeros(2, np.uint8))
    begins = (_VALUE[behind[at + 1]] != _NO_DIGIT) & (_VALUE[behind[at + 2]] != _NO_DIGIT) & (at + 2 < end)
    return _escaped(texts, at[~begins])


def _decoded(texts: _Texts) -> _Texts:
    """The escapes of what may stand for itself as that, and the others in capitals. Each `%` begins one."""
    data, at = texts.data.copy(), np.flatnonzero(texts.data == _PERCENT)
    code = _VALUE[data[at + 1]] * 16 + _VALUE[data[at + 2]]
    for place in (1, 2):
        data[at + place] = _DIGITS[_VALUE[data[at + place]]]
    plain = _IS_PLAIN[code]
    data[at[plain]] = code[plain]
    kept = np.ones(len(data), np.bool_)
    kept[at[plain] + 1] = kept[at[plain] + 2] = False
    return _Texts(data[kept], texts.ends - 2 * np.searchsorted(at[plain], texts.ends))


def _escaped(texts: _Texts, at: _Places) -> _Texts:
    """The bytes at some places, ascending, as escapes."""
    if not len(at):
        return texts
    data = np.empty(len(texts.data) + 2 * len(at), np.uint8)
    first = at + 2 * np.arange(len(at))
    others = np.ones(len(data), np.bool_)
    others[first] = others[first + 1] = others[first + 2] = False
    data[others] = np.delete(texts.data, at)
    data[first] = _PERCENT
    data[first + 1], data[first + 2] = _DIGITS[texts.data[at] >> 4], _DIGITS[texts.data[at] & 15]
    return _Texts(data, texts.ends + 2 * np.searchsorted(at, texts.ends))
