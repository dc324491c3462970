"""The benchmark of what-if: byleave and DuckDB come to the same counts over the facts that it draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import whatif
from benchmarks.peers import duckdb_whatif


@pytest.mark.parametrize("policies", [whatif.POLICIES, tuple(reversed(whatif.POLICIES))])
def test_both_count_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policies: tuple[str, str]
) -> None:
    monkeypatch.setattr(whatif, "POLICIES", policies)
    monkeypatch.setattr(whatif, "buckets_for", lambda rows: 2)
    whatif.build(4_000, tmp_path / "facts")
    ours = whatif.ask(tmp_path / "facts")
    assert ours["rows"] == 4_000
    assert ours["items/gained" if policies[0] != "research" else "items/lost"] > 1_000
    assert duckdb_whatif.ask(tmp_path / "facts", *policies) == ours
