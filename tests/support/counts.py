"""How many requests went to a store, of which kind, for what, and how many bytes with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

Row = tuple[str, str, str]


@dataclass
class Counts:
    """Requests and bytes since the weather began, or between two moments: ``later - earlier``.

    Attributes:
        requests: by method, kind (see :class:`support.gcsrequests.Request`) and folder of the store. What is
            sent again counts again.
        received_bytes: of bodies, from clients.
        sent_bytes: of bodies, from the server.
        faults: how often each kind of fault struck, by the name of its class.
    """

    requests: Counter[Row] = field(default_factory=Counter)
    received_bytes: int = 0
    sent_bytes: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def total(self, *kinds: str, folder: str | None = None) -> int:
        """The requests of these kinds (none: of all) in a folder (None: in all)."""
        return sum(
            count
            for (_, kind, where), count in self.requests.items()
            if (not kinds or kind in kinds) and folder in (None, where)
        )

    def copy(self) -> Counts:
        """What stays as it is while requests go on."""
        return Counts(self.requests.copy(), self.received_bytes, self.sent_bytes, self.faults.copy())

    def __sub__(self, earlier: Counts) -> Counts:
        return Counts(
            self.requests - earlier.requests,
            self.received_bytes - earlier.received_bytes,
            self.sent_bytes - earlier.sent_bytes,
            self.faults - earlier.faults,
        )

    def __str__(self) -> str:
        lines = [f"{'kind':<10}{'folder':<10}{'requests':>9}"]
        by_kind: Counter[tuple[str, str]] = Counter()
        for (_, kind, folder), count in self.requests.items():
            by_kind[kind, folder] += count
        lines += [
            f"{kind:<10}{folder or '-':<10}{count:>9}" for (kind, folder), count in sorted(by_kind.items())
        ]
        lines.append(f"{'all':<20}{self.total():>9}")
        lines.append(f"{self.received_bytes:,} bytes up, {self.sent_bytes:,} down")
        return "\n".join(lines)
