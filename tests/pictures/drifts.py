"""A drift to draw: what the queries of `sql/drift/` would have answered."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Mapping

import pyarrow as pa

from pipelines.drift import Drift, Span
from transforms.domain.license_changes import compare

CHANGES = {
    ("CC-BY-2.0", "CC-BY-2.0"): 1_204_317,
    ("CC-BY-2.0", "all-rights-reserved"): 12_345,
    ("CC-BY-2.0", "CC-BY-4.0"): 806,
    ("CC-BY-NC-2.0", "CC-BY-2.0"): 77,
    ("CC-BY-2.0", "CC-BY-NC-2.0"): 4_096,
    ("unknown", "unknown"): 31,
}

_ROWS = pa.schema({"month": pa.date32(), "direction": pa.string(), "items": pa.int64(), "owners": pa.int64()})


def drift(changes: Mapping[tuple[str, str], int] = CHANGES, to_date: str = "2026-11-01") -> Drift:
    """A drift in which so many items went from the one license to the other, all in two months."""
    total = sum(changes.values())
    changed = {pair: items for pair, items in changes.items() if pair[0] != pair[1]}
    directions = Counter[str]()
    for pair, items in changes.items():
        directions[compare(*pair)] += items
    by_direction = [
        {"direction": name, "items": items, "owners": items // 7, "share": items / total}
        for name, items in directions.items()
    ]
    by_license = [
        {"license_from": a, "license_to": b, "direction": compare(a, b), "items": items, "owners": items // 7}
        for (a, b), items in changes.items()
    ]
    by_month = [
        {"month": datetime.date(2026, month, 1), "direction": compare(*pair), "items": items, "owners": 2}
        for pair, items in changed.items()
        for month in (3, 10)
    ]
    tables = {
        "direction": pa.Table.from_pylist(by_direction),
        "license": pa.Table.from_pylist(by_license),
        "month": pa.Table.from_pylist(by_month, schema=_ROWS),
    }
    return Drift(Span("2025-06-01", to_date), tables, total, sum(changed.values()), 5)
