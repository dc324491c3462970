"""One pass over a file: its digest, and where to cut it into splits of whole lines, each with its own digest.

A split ends at the first line feed at or after a multiple of the split size, unless the line that it ends is
blank. The same bytes are always cut at the same places.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence


class Scan:
    """Takes in a file chunk by chunk; knows its digest, and each split's place, first line and digest.

    Args:
        split_bytes: cut at line feeds, at about each multiple of it; None: not at lines.
        ends: where else to cut, ascending; lines are not counted then.

    Attributes:
        whole: the digest of all bytes so far.
        bytes: how many those are.
    """

    def __init__(self, split_bytes: int | None, ends: Sequence[int] = ()) -> None:
        self.whole = hashlib.sha256()
        self.bytes = 0
        self._split_bytes = split_bytes
        self._target = split_bytes
        self._ends = deque(ends)
        self._cuts: list[tuple[int, int, int, str]] = []
        self._start = self._first_line = self._lines = 0
        self._digest = hashlib.sha256()
        self._before = b"\n\n"  # the last two bytes

    def take(self, chunk: bytes) -> None:
        """The next bytes of the file."""
        self.whole.update(chunk)
        view, at = memoryview(chunk), 0
        while (end := self._next_cut(chunk, at)) is not None:
            self._add(view[at:end], self._feeds(chunk, at, end))
            self._close()
            at = end
        self._add(view[at:], self._feeds(chunk, at, len(chunk)))
        self._before = (self._before + chunk[-2:])[-2:]

    def finish(self) -> list[tuple[int, int, int, str]]:
        """Each split's offset, length, first line and digest. An empty file is one empty split."""
        if self.bytes > self._start or not self._cuts:
            self._close()
        return self._cuts

    def _feeds(self, chunk: bytes, at: int, end: int) -> int:
        return chunk.count(b"\n", at, end) if self._split_bytes else 0

    def _add(self, piece: memoryview, lines: int) -> None:
        self._digest.update(piece)
        self.bytes += len(piece)
        self._lines += lines

    def _close(self) -> None:
        length = self.bytes - self._start
        self._cuts.append((self._start, length, self._first_line, self._digest.hexdigest()))
        self._start, self._first_line, self._digest = self.bytes, self._lines, hashlib.sha256()
        if self._split_bytes:
            self._target = (self.bytes // self._split_bytes + 1) * self._split_bytes

    def _next_cut(self, chunk: bytes, at: int) -> int | None:
        """Where in ``chunk`` the split ends, if it does: after a line feed, but never after a blank line.

        So a split whose last line is blank is the end of its file, which a reader need not be told.
        """
        if self._ends and self._ends[0] <= self.bytes + len(chunk) - at:
            return at + self._ends.popleft() - self.bytes
        if self._target is None:
            return None
        feed = chunk.find(b"\n", max(at, at + self._target - self.bytes - 1))
        while feed >= 0:
            before = (self._before + chunk[max(0, feed - 2) : feed])[-2:]
            if not (before.endswith(b"\n") or before == b"\n\r"):
                return feed + 1
            feed = chunk.find(b"\n", feed + 1)
        return None
