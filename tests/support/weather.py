"""Weather before a GCS server: a proxy that lets a test say which requests fare badly, and counts them all.

::

    with fake_gcs() as server, Weather(server.url) as weather:
        weather.strike(Status(503, after=True), "insert", path=r"/releases/", nth={1})
        ...  # clients at weather.url
        print(weather.counts())

The faults are in :mod:`support.faults`, the kinds of request in :mod:`support.gcsrequests`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import threading
import urllib.parse
from collections import Counter
from collections.abc import Collection, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from support.counts import Counts
from support.faults import Fault, Reset, Status, Truncate
from support.gcsrequests import KINDS, Request
from support.http1 import PIECE_BYTES
from support.proxy import Proxy

# What a bad day holds: each is answered by another try, if it is made with care.
STORM: tuple[Fault, ...] = (
    Status(429),
    Status(429, retry_after=0),
    Status(503),
    Status(503, after=True),
    Status(500, after=True),
    Reset("request"),
    Reset("request body"),
    Reset("answer"),
    Reset("answer body"),
    Truncate(),
)


@dataclass
class Rule:
    """Which requests a fault strikes. See :meth:`Weather.strike`.

    Attributes:
        seen: how many requests the rule was for.
        struck: how many of these got the fault.
    """

    fault: Fault
    kinds: frozenset[str]
    path: re.Pattern[str]
    nth: Collection[int] | None
    share: float
    seed: int
    seen: int = 0
    struck: int = 0
    _asked: Counter[tuple[str, str]] = field(default_factory=Counter)

    def strikes(self, request: Request) -> bool:
        """Whether the fault is this request's; to be asked once for each."""
        if (self.kinds and request.kind not in self.kinds) or not self.path.search(request.path):
            return False
        self.seen += 1
        if self.nth is not None and self.seen not in self.nth:
            return False
        if self.share < 1:
            # Drawn by object and try, so that what befalls an object does not hang on the order of threads.
            self._asked[request.kind, request.path] += 1
            tries = self._asked[request.kind, request.path]
            drawn = random.Random(f"{self.seed} {request.kind} {request.path} {tries}").random()
            if drawn >= self.share:
                return False
        return True


class Weather:
    """A proxy before the server at ``upstream``, on a thread of its own; fair until told otherwise.

    Attributes:
        url: where clients find it.
    """

    def __init__(self, upstream: str) -> None:
        parts = urllib.parse.urlsplit(upstream)
        assert parts.hostname
        assert parts.port
        self._rules: tuple[Rule, ...] = ()
        self._counts = Counts()
        self._guard = threading.Lock()
        self._proxy = Proxy(parts.hostname, parts.port, self._fault_of, self._count_bytes)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="weather", daemon=True)
        self._socket = self._bound(0)
        self._port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def strike(
        self,
        fault: Fault,
        *kinds: str,
        path: str = "",
        nth: Collection[int] | None = None,
        share: float = 1.0,
        seed: int = 0,
    ) -> Rule:
        """Let ``fault`` befall requests. Of several rules that strike one request, the first made decides.

        Args:
            fault: what happens.
            kinds: of request; none: all.
            path: an expression found in the object's name.
            nth: which of these requests, from 1; None: all.
            share: how many of those, drawn at random.
            seed: of what is drawn: the same requests fare the same way in every run.
        """
        assert set(kinds) <= set(KINDS), f"{kinds}: kinds are {KINDS}"
        rule = Rule(fault, frozenset(kinds), re.compile(path), nth, share, seed)
        self._rules = (*self._rules, rule)
        return rule

    def storm(self, share: float, seed: int, *kinds: str) -> None:
        """Let one in so many requests meet one of the faults of :data:`STORM`, drawn at random."""
        for place, fault in enumerate(STORM):
            # Each is drawn among those that the ones before it spared, so that all are equally many.
            each = share / len(STORM)
            self.strike(fault, *kinds, share=each / (1 - place * each), seed=seed * len(STORM) + place)

    def clear(self) -> None:
        """Fair weather."""
        self._rules = ()

    def counts(self) -> Counts:
        """What has gone through so far."""
        with self._guard:
            return self._counts.copy()

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """Nobody answers: connections break, new ones are refused."""
        self._run(self._go_down())
        try:
            yield
        finally:
            self._run(self._go_up())

    def __enter__(self) -> Weather:
        self._thread.start()
        self._run(self._go_up())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._socket.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    @staticmethod
    def _bound(port: int) -> socket.socket:
        """A socket that holds a port; while it does not listen, connections are refused."""
        # Without the protocol's number asyncio does not set TCP_NODELAY, and each answer waits for 40 ms.
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        return bound

    async def _go_up(self) -> None:
        self._server = await asyncio.start_server(
            self._proxy.serve, sock=self._socket, limit=4 * PIECE_BYTES, backlog=1024
        )

    async def _go_down(self) -> None:
        self._server.close()
        self._socket = self._bound(self._port)
        self._proxy.reset_clients()

    async def _end(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        self._proxy.close()

    def _fault_of(self, request: Request) -> Fault | None:
        # Every rule is asked, so that each counts the requests that it is for.
        struck = [rule for rule in self._rules if rule.strikes(request)]
        with self._guard:
            self._counts.requests[request.method, request.kind, request.folder] += 1
            if struck:
                self._counts.faults[type(struck[0].fault).__name__] += 1
        if not struck:
            return None
        struck[0].struck += 1
        return struck[0].fault

    def _count_bytes(self, received: int, sent: int) -> None:
        with self._guard:
            self._counts.received_bytes += received
            self._counts.sent_bytes += sent
