"""A large object as a file: reads become ranges of a few megabytes, and the last few of them are kept."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable

_BLOCK_BYTES = 8 << 20
_BLOCKS = 4


class RangeFile(io.RawIOBase):
    """Random reads over ``read_range(offset, length)``.

    Reading Parquet jumps to its end, and from then on goes forward: each block is asked for once.
    """

    def __init__(
        self, read_range: Callable[[int, int], bytes], size_bytes: int, block_bytes: int = _BLOCK_BYTES
    ) -> None:
        super().__init__()
        self._read_range = read_range
        self._size_bytes = size_bytes
        self._block_bytes = block_bytes
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to ``offset`` from the beginning, from here, or from the end."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}[whence]
        self._position = start + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        """The next ``size`` bytes, fewer only at the end; all that is left if it is negative."""
        left = max(0, self._size_bytes - self._position)
        size = left if size < 0 else min(size, left)
        pieces = []
        while size:
            number, start = divmod(self._position, self._block_bytes)
            piece = self._block(number)[start : start + size]
            pieces.append(piece)
            self._position += len(piece)
            size -= len(piece)
        return b"".join(pieces)

    def readall(self) -> bytes:
        """All that is left."""
        return self.read()

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            start = number * self._block_bytes
            length = min(self._block_bytes, self._size_bytes - start)
            self._blocks[number] = self._read_range(start, length)
            if len(self._blocks) > _BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]
