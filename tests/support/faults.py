"""What can befall a request on its way to the server or the answer on its way back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """Another answer than the server's.

    Attributes:
        code: of HTTP: 429, 503, 412...
        after: the server saw the request and did what it says; only its answer is lost. Otherwise it never
            saw the request.
        retry_after: the seconds that the answer asks the client to wait.
    """

    code: int
    after: bool = False
    retry_after: int | None = None


@dataclass(frozen=True)
class Reset:
    """The connection breaks, as when a machine crashes.

    Attributes:
        at: `request`: when the request's head has come; `request body`: when half of its body has come; the
            server saw neither. `answer`: the server did what was asked, and no byte comes back; `answer
            body`: half of what it says comes back.
    """

    at: str = "request"

    def __post_init__(self) -> None:
        assert self.at in ("request", "request body", "answer", "answer body")


@dataclass(frozen=True)
class Stall:
    """Nothing happens for a while; then the connection breaks. ``after``: as in :class:`Status`."""

    seconds: float
    after: bool = False


@dataclass(frozen=True)
class Delay:
    """All goes well, later: how a distant store answers."""

    seconds: float


@dataclass(frozen=True)
class Truncate:
    """The answer's body ends half-way, in good order, under a head that promises all of it."""


@dataclass(frozen=True)
class Flip:
    """One bit in the middle of a body is another: of the answer, or of the request (``upload``)."""

    upload: bool = False


@dataclass(frozen=True)
class WrongHash:
    """The answer's `x-goog-hash` is that of other bytes."""


Fault = Status | Reset | Stall | Delay | Truncate | Flip | WrongHash
