"""The way of one request through the weather: from a client to the server and back, or not."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

from support.faults import Delay, Fault, Flip, Reset, Stall, Status, Truncate, WrongHash
from support.gcsrequests import Request, read_request
from support.http1 import Connection, Head, one
from support.sessions import Answer, Session, begun

Body = AsyncIterator[bytes]
# Where the object's name has to be found if it stands in the body.
_NAME_WITHIN_BYTES = 1 << 16


class Proxy:
    """Relays requests to one server over connections that it keeps.

    Args:
        host: of the server.
        port: of the server.
        fault_of: what befalls a request; asked once for each.
        count_bytes: told of the bytes of bodies received from clients and sent to them.
    """

    def __init__(
        self,
        host: str,
        port: int,
        fault_of: Callable[[Request], Fault | None],
        count_bytes: Callable[[int, int], None],
    ) -> None:
        self._address = host, port
        self._fault_of = fault_of
        self._count_bytes = count_bytes
        self._idle: list[Connection] = []
        self._clients: set[Connection] = set()
        self._sessions: dict[str, Session] = {}

    def reset_clients(self) -> None:
        """Break every connection of a client."""
        for client in list(self._clients):
            client.reset()

    def close(self) -> None:
        """Let go of the connections to the server."""
        for server in self._idle:
            server.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, from its first request to its last."""
        client = Connection(reader, writer)
        self._clients.add(client)
        try:
            while head := await client.head():
                if not await self._relay(client, head) or head.headers.get("connection") == "close":
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            client.reset()
        finally:
            self._clients.discard(client)
            client.close()

    async def _relay(self, client: Connection, head: Head) -> bool:
        """Whether the connection is good for another request."""
        body = self._counted(client.body(head), sent=False)
        request = read_request(head)
        if request.names_object_in_body:
            request, body = await _look_for_name(request, body)
        fault = self._fault_of(request)
        match fault:
            case Reset(at="request"):
                client.reset()
                return False
            case Reset(at="request body"):
                await _drain(_half(body, head.length or 0))
                client.reset()
                return False
            case Stall(after=False):
                await asyncio.sleep(fault.seconds)
                client.reset()
                return False
            case Status(after=False):
                await _drain(body)
                await self._reply(client, _made_up(fault))
                return True
            case Delay():
                await asyncio.sleep(fault.seconds)
            case Flip(upload=True):
                body = _flipped(body, head.length or 0)
        if request.kind == "chunk":
            answer = await self._send_chunk(request, head, body)
            return await self._hand_back(client, answer.head, one(answer.body), fault)
        asked = b""
        if request.kind == "begin":
            asked = await _all(body)
            body = one(asked)
        async with self._server() as server:
            answered = await _ask(server, head, body)
            if session := begun(asked, answered):
                self._sessions[session[0]] = session[1]
            content = server.body(answered)
            if request.method == "HEAD" or answered.status in (204, 304):
                content = one(b"")
            keep = await self._hand_back(client, answered, content, fault)
            # The server's connection is good for another only if all of this answer was taken from it.
            await _drain(content)
        return keep

    async def _hand_back(self, client: Connection, head: Head, body: Body, fault: Fault | None) -> bool:
        body = self._counted(body, sent=True)
        match fault:
            case Status(after=True):
                await _drain(body)
                await self._reply(client, _made_up(fault))
                return True
            case Reset(at="answer"):
                await _drain(body)
                client.reset()
                return False
            case Stall(after=True):
                await _drain(body)
                await asyncio.sleep(fault.seconds)
                client.reset()
                return False
            case Reset(at="answer body") | Truncate():
                with contextlib.suppress(OSError):
                    await client.send(head, _half(body, head.length or 0), whole=False)
                await _drain(body)
                if isinstance(fault, Reset):
                    client.reset()
                return False
            case Flip(upload=False):
                body = _flipped(body, head.length or 0)
            case WrongHash() if "x-goog-hash" in head.headers:
                head.headers["x-goog-hash"] = "crc32c=AAAAAA==,md5=AAAAAAAAAAAAAAAAAAAAAA=="
        await client.send(head, body)
        return True

    async def _reply(self, client: Connection, answer: Answer) -> None:
        await client.send(answer.head, one(answer.body))

    async def _send_chunk(self, request: Request, head: Head, body: Body) -> Answer:
        session = self._sessions.setdefault(request.upload, Session())
        met = session.meets(head)
        if isinstance(met, Answer):
            await _drain(body)
            return met
        # A chunk is held until all of it is here: whether the upload may be completed hangs on its last byte.
        chunk = await _all(_from(body, met))
        if refusal := session.takes(head, chunk):
            return refusal
        async with self._server() as server:
            answered = await _ask(server, head, one(chunk))
            answer = Answer(answered, await _all(server.body(answered)))
        answer.head.set_length(len(answer.body))
        session.answered(head, answer)
        return answer

    @contextlib.asynccontextmanager
    async def _server(self) -> AsyncIterator[Connection]:
        while self._idle and self._idle[-1].reader.at_eof():
            self._idle.pop().close()
        server = self._idle.pop() if self._idle else await Connection.to(*self._address)
        try:
            yield server
        except BaseException:
            server.reset()
            raise
        self._idle.append(server)

    async def _counted(self, body: Body, *, sent: bool) -> Body:
        async for piece in body:
            self._count_bytes(0 if sent else len(piece), len(piece) if sent else 0)
            yield piece


async def _ask(server: Connection, head: Head, body: Body) -> Head:
    head.headers.pop("connection", None)
    await server.send(head, body)
    answered = await server.head()
    if answered is None:
        raise ConnectionResetError("the server closed without an answer")
    return answered


def _made_up(fault: Status) -> Answer:
    body = b'{"error": {"code": %d, "message": "weather"}}' % fault.code
    head = Head(
        f"HTTP/1.1 {fault.code} {HTTPStatus(fault.code).phrase}",
        {"content-type": "application/json", "content-length": str(len(body))},
    )
    if fault.retry_after is not None:
        head.headers["retry-after"] = str(fault.retry_after)
    return Answer(head, body)


async def _look_for_name(request: Request, body: Body) -> tuple[Request, Body]:
    """The request with the object's name, and the body whole again."""
    seen = b""
    async for piece in body:
        seen += piece
        request = request.named_by(seen)
        if request.path or len(seen) > _NAME_WITHIN_BYTES:
            break

    async def whole() -> Body:
        yield seen
        async for piece in body:
            yield piece

    return request, whole()


async def _all(body: Body) -> bytes:
    return b"".join([piece async for piece in body])


async def _drain(body: Body) -> None:
    async for _ in body:
        pass


async def _from(body: Body, start: int) -> Body:
    async for piece in body:
        if start < len(piece):
            yield piece[start:]
        start = max(0, start - len(piece))


async def _half(body: Body, length: int) -> Body:
    """The first half; of a body that does not say how long it is, all but the end of what comes first."""
    left = length // 2
    async for piece in body:
        yield piece[:left] if length else piece[:-1]
        left -= len(piece)
        if left <= 0:
            return


async def _flipped(body: Body, length: int) -> Body:
    place = length // 2
    async for piece in body:
        if 0 <= place < len(piece):
            yield piece[:place] + bytes([piece[place] ^ 1]) + piece[place + 1 :]
        else:
            yield piece
        place -= len(piece)
