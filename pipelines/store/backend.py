"""What a store asks of the place it lives in. One module per place implements it: `local`, `gcs`.

The contract is what object stores and file systems can both keep. There is no rename, no append, and no
promise rests on a conditional delete. `create` has exactly one winner among any number of racers;
`replace` succeeds only from the generation that the caller read. Racers write different bytes, such as a
nonce: where an answer is lost, what lies there is compared with what was sent, and equal bytes are a success.

A place that does not answer ends in :class:`transforms.domain.errors.UnreachableError`, which names the
object, in under 150 seconds. Whether what was being written stands is then not known.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa


class Backend(Protocol):
    """Conditional writes and plain reads under one URL. Paths are relative, with `/` between parts.

    Every write is durable when it returns. A reader sees a whole object or none.

    Attributes:
        url: of the store; paths are relative to it.
        reads_at_once: how many threads may ask for small objects: one where answers come at once, more where
            they travel.
    """

    url: str
    reads_at_once: int

    def create(self, path: str, data: bytes) -> bool:
        """Write an object only if there is none; False, and nothing changed, if there is one."""
        ...

    def upload(self, suffix: str) -> AbstractContextManager[Upload]:
        """A large object being written, invisible until :meth:`Upload.create` names it."""
        ...

    def read(self, path: str) -> bytes:
        """The object's bytes; FileNotFoundError if there is none."""
        ...

    def read_generation(self, path: str) -> tuple[bytes, str] | None:
        """The object's bytes and the generation to hand to :meth:`replace`; None if there is none."""
        ...

    def replace(self, path: str, data: bytes, generation: str | None) -> bool:
        """Write over exactly ``generation`` (None: over nothing); False if it is no longer that one."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is an object at ``path``."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """The paths of the objects in the folder ``prefix``, in order, without what lies in its folders."""
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """The paths of the folders in the folder ``prefix``, in order; of the whole store if it is empty."""
        ...

    def local_path(self, path: str) -> Path | None:
        """Where the object lies as a file of this machine; None if it does not."""
        ...

    def open(self, path: str, size_bytes: int | None = None) -> pa.NativeFile:
        """The object for random reads; FileNotFoundError if there is none.

        A caller that knows the object's size spares a place the question. What may be small is read at once.
        """
        ...

    def read_range(self, path: str, offset_bytes: int, length_bytes: int) -> bytes:
        """So many bytes of the object, and no others; FileNotFoundError if there is none.

        Raises:
            IntegrityError: it is shorter.
        """
        ...

    def remove(self, path: str) -> None:
        """Drop an object that nothing refers to; nothing happens if there is none."""
        ...

    def close(self) -> None:
        """Let go of what is held while writing."""
        ...


class Upload(Protocol):
    """Bytes on their way into the store."""

    file: BinaryIO

    def create(self, path: str) -> bool:
        """Give what was written so far a name, only if the name is free; else False."""
        ...
