"""Numbers with their nouns, as people read them."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """Such as `1 row` and `1,000 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
