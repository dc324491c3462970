"""A lease: one run at a time in a store, and the next one free to go on when that run has died.

The lease is an object of the store that says who holds it until when, and changes hands by compare-and-set.
Its holder moves the end on while it works. Who finds the end passed takes over.

A lease saves work and keeps two runs out of each other's way. It is not what keeps a release right: that is
the commit, which is created only if absent and from deterministic bytes, whoever holds what.

Only here is a clock compared with another machine's. A holder counts on the first five sixths of its time,
and a taker waits for all of it, so clocks may differ by a sixth of a lease: five minutes of thirty.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.store.backend import Backend
from pipelines.store.documents import canonical
from transforms.domain.errors import ByleaveError, IntegrityError, RetryError

Clock = Callable[[], float]
"""Seconds since 1970, as :func:`time.time` tells them."""

_RENEWED = 1 / 3
_COUNTED_ON = 5 / 6


@dataclass(frozen=True)
class Holder:
    """Who holds a lease. The nonce tells two runs of one process apart, and racers' bytes."""

    host: str
    pid: int
    started: float
    nonce: str

    @staticmethod
    def this_process(now: float) -> Holder:
        """This run, as it begins."""
        return Holder(socket.gethostname(), os.getpid(), now, secrets.token_hex(8))

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} since {moment(self.started)}"


@dataclass
class Lease:
    """A lease on a store, from the side of one who wants it.

    Attributes:
        backend: of the store.
        path: of the object.
        seconds: how long it is held at a time.
        clock: asked for the time.
        taken_over: who held it before, and let it lapse; None if it was free.
    """

    backend: Backend
    path: str
    seconds: float
    clock: Clock = time.time
    taken_over: Holder | None = field(default=None, init=False)
    _holder: Holder | None = field(default=None, init=False)
    _counted_on: float = field(default=0.0, init=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, init=False)

    def acquire(self) -> Holder:
        """Take the lease.

        Raises:
            RetryError: another run holds it, and who.
        """
        while True:
            found = self.backend.read_generation(self.path)
            data, generation = found or (b"{}", None)
            other, end = _read(data, self.path)
            now = self.clock()
            if other and now <= end:
                self._holder = None
                raise RetryError(
                    f"{self.backend.url}/{self.path}: held by {other}, until {moment(end)} unless it goes on."
                    " Two runs at once would do the same work twice: run it again when that one is done"
                )
            holder = Holder.this_process(now)
            # Known before it is written: whoever is interrupted in between can let it go.
            self._holder, self._counted_on = holder, 0.0
            if self.backend.replace(self.path, _written(holder, now + self.seconds), generation):
                self.taken_over = other
                self._counted_on = now + self.seconds * _COUNTED_ON
                return holder

    def renew(self) -> bool:
        """Move the end on; False, and the lease is lost, if another run has it."""
        with self._guard:
            now, generation = self.clock(), self._generation()
            if generation and self.backend.replace(
                self.path, _written(self._holder, now + self.seconds), generation
            ):
                self._counted_on = now + self.seconds * _COUNTED_ON
                return True
            self._holder = None
            return False

    def _generation(self) -> str | None:
        """Of what lies in the store, if this run wrote it."""
        found = self.backend.read_generation(self.path)
        if self._holder and found and _read(found[0], self.path)[0] == self._holder:
            return found[1]
        return None

    @property
    def valid(self) -> bool:
        """Whether nobody else can hold the lease now."""
        return self._holder is not None and self.clock() < self._counted_on

    def check(self) -> None:
        """Stop a run that no longer holds its lease.

        Raises:
            RetryError: it was lost: the store did not answer in time, or this machine slept.
        """
        if not self.valid:
            raise RetryError(
                f"{self.backend.url}/{self.path}: the lease of {self.seconds / 60:g} minutes ran out before"
                " it could be renewed, so another run may be at work. This one stops before it publishes: run"
                " it again"
            )

    def release(self) -> None:
        """Let go; nothing happens if another run has it."""
        with self._guard:
            generation = self._generation()
            self._holder = None
            if generation:
                self.backend.replace(self.path, canonical({}), generation)

    @contextlib.contextmanager
    def held(self) -> Iterator[Lease]:
        """Holds the lease, renewing it from a thread, while the block runs.

        Raises:
            RetryError: another run holds it.
        """
        over = threading.Event()
        thread = threading.Thread(target=self._keep, args=(over,), name="lease", daemon=True)
        try:
            self.acquire()
            thread.start()
            yield self
        finally:
            over.set()
            if thread.is_alive():
                thread.join()
            # What goes wrong here is worth no more than a wait: the lease runs out by itself.
            with contextlib.suppress(ByleaveError, OSError):
                self.release()

    def _keep(self, over: threading.Event) -> None:
        while not over.wait(self.seconds * _RENEWED):
            # A store that does not answer is asked again; if it stays away, `check` tells.
            with contextlib.suppress(ByleaveError, OSError):
                if not self.renew():
                    return


def moment(seconds: float) -> str:
    """A time as people and programs read it: UTC, to the second."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).isoformat().replace("+00:00", "Z")


def _written(holder: Holder | None, end: float) -> bytes:
    return canonical({"holder": vars(holder), "expires": end})


def _read(data: bytes, path: str) -> tuple[Holder | None, float]:
    """Who holds the lease, and until when; nobody if it was let go."""
    try:
        value: Mapping[str, Any] = json.loads(data)
        return (Holder(**value["holder"]), float(value["expires"])) if value else (None, 0.0)
    except (ValueError, TypeError, KeyError) as error:
        raise IntegrityError(f"{path}: not a lease ({error!r}). Remove it if no run is at work") from error
