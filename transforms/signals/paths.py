"""Paths, and their patterns as robots.txt has them: `*` is anything, a final `$` is the end.

The longest pattern decides; of equally long ones all count. RFC 9309, 2.2.2, by which TDMRep, AIPREF and
ai.txt match too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_MOST_WILDCARDS = 500  # patterns with `*` or `$`: each is looked for in every path
_MOST_CHARACTERS = 2_000

# Not `targets.normalize_urls`: it drops final slashes, and `/photos/me/` is a path that rules name.
_PATH = r"(?s)^\s*(?:(?i:https?:)?//)*[^/?#\\]*(?P<path>[^#]*?)\s*(?:#.*)?$"
_TELLING = (b"2F", b"25", b"2A", b"24")  # escapes of `/`, `%`, `*`, `$`: these mean something unescaped
_Places = npt.NDArray[np.int64]


def paths_of(urls: pa.Array) -> pa.Array:
    """The path of each URL, with its query.

    Args:
        urls: text, nullable.

    Returns:
        Binary, row for row, null where the URL is: from ``/``, as :func:`unescaped` leaves it.
    """
    paths = pc.struct_field(pc.extract_regex(urls, _PATH), [0])
    rootless = pc.invert(pc.starts_with(paths, "/"))
    if pc.any(rootless).as_py():
        paths = pc.if_else(rootless, pc.binary_join_element_wise("/", paths, ""), paths)
    return unescaped(paths)


def unescaped(paths: pa.Array) -> pa.Array:
    """Each path, or pattern of paths, without the escapes that say nothing: ``/%41%2f`` is ``/A%2F``.

    Args:
        paths: text, nullable.

    Returns:
        Binary, row for row, null where the path is.
    """
    plain = paths.cast(pa.binary())
    odd = pc.match_substring(paths, "%").fill_null(False)
    if not pc.any(odd).as_py():
        return plain
    pieces = pc.split_pattern(plain.filter(odd), "%")
    offsets = pieces.offsets.to_numpy()
    words = pieces.values
    behind = np.ones(len(words), np.bool_)
    behind[offsets[:-1]] = False  # the first piece of a path stands before any `%`
    codes = pc.dictionary_encode(pc.binary_slice(words, 0, 2))
    meant = pa.array([_meant(code) for code in codes.dictionary.to_pylist()], pa.binary())
    decoded = pc.binary_join_element_wise(
        meant.take(codes.indices), pc.binary_replace_slice(words, 0, 2, b""), b""
    )
    words = pc.if_else(pa.array(behind), decoded, words)
    return pc.replace_with_mask(plain, odd, pc.binary_join(pa.ListArray.from_arrays(offsets, words), b""))


def too_much(patterns: Sequence[str]) -> str | None:
    """Why a document's patterns are not looked for; None if they are."""
    if sum(has_wildcard(pattern) for pattern in patterns) > _MOST_WILDCARDS:
        return f"more than {_MOST_WILDCARDS} patterns with wildcards"
    if any(len(pattern) > _MOST_CHARACTERS for pattern in patterns):
        return f"a pattern of more than {_MOST_CHARACTERS:,} characters"
    return None


def has_wildcard(pattern: str) -> bool:
    """Whether it is more than the beginning of a path."""
    return "*" in pattern or pattern.endswith("$")


def longest(paths: pa.Array, patterns: Sequence[str]) -> Iterator[tuple[_Places, int]]:
    """Which paths are decided by which pattern.

    Args:
        paths: binary, as :func:`paths_of` has them; nullable.
        patterns: distinct.

    Yields:
        Places among the paths, and the place of the pattern that decides them. A path has several patterns if
        they are equally long.
    """
    paths = _literal(paths)
    by_length = defaultdict(list)
    for place, pattern in enumerate(unescaped(pa.array(patterns, pa.string())).to_pylist()):
        by_length[len(pattern)].append((place, pattern))
    rest = np.flatnonzero(paths.is_valid().to_numpy(zero_copy_only=False))
    for length in sorted(by_length, reverse=True):
        left = paths.take(pa.array(rest))
        matched = np.zeros(len(rest), np.bool_)
        for hits, place in _of_length(left, length, by_length[length]):
            matched[hits] = True
            yield rest[hits], place
        rest = rest[~matched]
        if not len(rest):
            return


def _of_length(
    paths: pa.Array, length: int, patterns: Sequence[tuple[int, bytes]]
) -> Iterator[tuple[_Places, int]]:
    """Those of equally long patterns that match, with the places of the paths that they do."""
    beginnings = {}
    for place, pattern in patterns:
        ends = pattern.endswith(b"$")
        body = pattern[:-1] if ends else pattern
        pieces = [piece.replace(b"$", b"%24") for piece in re.split(rb"\*+", body)]
        if [pattern] == pieces:
            beginnings[pattern] = place
            continue
        expression = b"(?s)^" + b".*".join(re.escape(piece) for piece in pieces) + (b"$" if ends else b"")
        hits = np.flatnonzero(pc.match_substring_regex(paths, expression).to_numpy(zero_copy_only=False))
        if len(hits):
            yield hits, place
    if beginnings:  # however many: each path has one beginning of this length
        known = pa.array(list(beginnings), pa.binary())
        which = pc.index_in(pc.binary_slice(paths, 0, length), known).fill_null(-1).to_numpy()
        order = np.argsort(which, kind="stable")
        places = list(beginnings.values())
        for found in np.unique(which[which >= 0]).tolist():
            yield order[slice(*np.searchsorted(which[order], [found, found + 1]))], places[found]


def _literal(paths: pa.Array) -> pa.Array:
    """Paths with `*` and `$` escaped, as patterns have to write them."""
    for letter, escape in ((b"*", b"%2A"), (b"$", b"%24")):
        if pc.any(pc.match_substring(paths, letter)).as_py():
            paths = pc.replace_substring(paths, letter, escape)
    return paths


def _meant(code: bytes) -> bytes:
    """What stands for ``%`` and the two bytes after it."""
    if not re.fullmatch(rb"[0-9A-Fa-f]{2}", code):
        return b"%" + code
    return b"%" + code.upper() if code.upper() in _TELLING else bytes.fromhex(code.decode())
