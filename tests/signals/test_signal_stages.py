"""The stages of signals: whatever lists they came in, what the rules come to, of no more than can matter."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pyarrow as pa
import pytest
from answers import DAY, rows_of
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_signal_adjudication import _ITEMS, _RULES

from pipelines.steps import signals as stage
from pipelines.steps import signals_standing
from pipelines.store.store import Dataset, Store, close_stores, create_store
from pipelines.store.tables import SIGNALS, Table
from transforms.domain import schemas
from transforms.domain.purposes import BIT
from transforms.signals.adjudicate import adjudicate, standing_signals
from transforms.signals.rules import Rule, host, item, silent, table_of, unavailable, url

Items = list[tuple[str, str | None, str | None]]
LATER = DAY + datetime.timedelta(1)
NO = BIT["generative-training"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    yield create_store(str(tmp_path_factory.mktemp("stages") / "store"), Dataset("d", "flickr", 2))
    close_stores()


def heard(store: Store, rules: list[Rule]) -> Table:
    entries = store.blobs.put_table(table_of(rules), schemas.SIGNALS)
    return Table(SIGNALS, "a", blobs={"entries": entries})


def come_to(store: Store, items: Items, tables: list[Table]) -> pa.Table:
    """What the two stages make of lists of signals, for a bucket of items."""
    given_rows = rows_of(*items).to_pylist()
    whole = [{"license": "unknown", "media_type": "photo", **row} for row in given_rows]
    manifest = store.blobs.put_table(pa.Table.from_pylist(whole, schemas.MANIFEST), schemas.MANIFEST)
    standing = signals_standing.run(store, signals_standing.action(tables))
    if "rules" not in standing.blobs:
        return schemas.SIGNALED.empty_table()
    result = stage.run(store, stage.action(0, manifest, standing.blobs["rules"]))
    if "signaled" not in result.blobs:
        return schemas.SIGNALED.empty_table()
    signaled = store.blobs.get_table(result.blobs["signaled"]).cast(schemas.SIGNALED)
    assert result.counts == {"rows": len(signaled), "stale": sum(signaled["stale"].to_pylist())}
    return signaled


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_ITEMS, st.lists(_RULES, max_size=8), st.integers(0, 8))
@example(
    [("1", "https://h.example/a", None)],
    [Rule(host("h.example"), "ai-txt", DAY, no=NO), Rule(host("h.example"), "ai-txt", DAY, path="/a")],
    0,
)
def test_the_stages_come_to_what_all_rules_come_to(
    store: Store, items: Items, rules: list[Rule], cut: int
) -> None:
    expected = adjudicate(rows_of(*items), standing_signals(table_of(rules), datetime.date.max))
    tables = [heard(store, part) for part in (rules[cut:], rules[:cut])]
    assert come_to(store, items, tables).to_pylist() == expected.to_pylist()


def test_only_what_can_matter_is_handed_on(store: Store) -> None:
    """A crawl of a million pages that say nothing costs a release nothing."""
    silence = [
        silent(url("https://h.example/a"), "x-robots-tag", DAY),
        silent(item("flickr", "1"), "c2pa", DAY),
        silent(host("h.example"), "ai-txt", DAY),
    ]
    says = Rule(host("h.example"), "content-usage-robots", DAY, no=NO, evidence="a", vocabulary="aipref-07")
    assert not signals_standing.run(store, signals_standing.action([heard(store, silence)])).blobs
    both = signals_standing.run(store, signals_standing.action([heard(store, [*silence, says])]))
    assert both.counts == {"rows": 1, "stale": 0}
    # Said again on another day, in other words, it is the same rule; and not got, it is another.
    again = Rule(host("h.example"), "content-usage-robots", LATER, no=NO, evidence="b")
    same = signals_standing.run(store, signals_standing.action([heard(store, [says]), heard(store, [again])]))
    assert same.blobs == both.blobs
    down = unavailable(host("h.example"), "content-usage-robots", LATER, "no answer")
    stale = signals_standing.run(store, signals_standing.action([heard(store, [says]), heard(store, [down])]))
    assert stale.counts == {"rows": 1, "stale": 1}
    assert stale.blobs != both.blobs
