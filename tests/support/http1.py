"""HTTP/1.1 messages on asyncio's streams, as a proxy needs them: heads, and bodies piece by piece."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

PIECE_BYTES = 1 << 18


@dataclass
class Head:
    """The first line and the headers of a message. Names of headers are in lower case."""

    line: str
    headers: dict[str, str]

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.line.split(" ", 2)[1])

    @property
    def length(self) -> int | None:
        """How many bytes the body has; None if only its end will tell."""
        if "content-length" in self.headers:
            return int(self.headers["content-length"])
        return None if "transfer-encoding" in self.headers else 0

    def set_length(self, length: int) -> None:
        """Say that the body has ``length`` bytes."""
        self.headers.pop("transfer-encoding", None)
        self.headers["content-length"] = str(length)

    def to_bytes(self) -> bytes:
        """The head as it is sent."""
        lines = [self.line, *(f"{name}: {value}" for name, value in self.headers.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1")


@dataclass(eq=False)
class Connection:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def to(cls, host: str, port: int) -> Connection:
        """A new connection."""
        return cls(*await asyncio.open_connection(host, port, limit=4 * PIECE_BYTES))

    async def head(self) -> Head | None:
        """The next message's head; None if the other side has closed."""
        try:
            text = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        line, *rest = text.decode("latin-1").split("\r\n")[:-2]
        pairs = (each.partition(":") for each in rest)
        return Head(line, {name.lower(): value.strip() for name, _, value in pairs})

    def body(self, head: Head) -> AsyncIterator[bytes]:
        """The body that follows ``head``, as it is now, without the marks of its chunks."""
        return self._pieces(head.length)

    async def _pieces(self, left: int | None) -> AsyncIterator[bytes]:
        if left is not None:
            while left:
                piece = await self.reader.read(min(left, PIECE_BYTES))
                if not piece:
                    raise ConnectionResetError("the other side closed in mid-body")
                left -= len(piece)
                yield piece
            return
        while size := int((await self.reader.readuntil(b"\r\n")).split(b";")[0], 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readuntil(b"\r\n")

    async def send(self, head: Head, body: AsyncIterator[bytes], *, whole: bool = True) -> None:
        """A message: chunked where its head does not say how long it is; ``whole``: with the end of that."""
        chunked = head.length is None
        self.writer.write(head.to_bytes())
        async for piece in body:
            if not piece:  # as a chunk it would be the end
                continue
            if chunked:
                self.writer.write(b"%x\r\n" % len(piece))
            self.writer.write(piece)
            if chunked:
                self.writer.write(b"\r\n")
            await self.writer.drain()
        if chunked and whole:
            self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    def close(self) -> None:
        """End it in good order."""
        self.writer.close()

    def reset(self) -> None:
        """End it as a machine does that crashes."""
        transport = self.writer.transport
        sock = transport.get_extra_info("socket")
        if sock is not None and not transport.is_closing():
            # To linger for no time at all is to send RST instead of FIN.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


async def one(data: bytes) -> AsyncIterator[bytes]:
    """A body that is there already."""
    if data:
        yield data
