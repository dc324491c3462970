"""Which looks a bucket's ledger is keyed by: those left out say nothing, and what is extended was there."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import licenses_table, manifest_row, manifest_table

from pipelines.steps import ledger
from pipelines.steps.ledger import Told
from pipelines.store.blobs import Blob
from transforms.ledger import Look, build_ledger, extend_ledger

DAYS = [datetime.date(2026, 11, day) for day in range(1, 6)]
ITEMS = ("1", "2", "3")
MANIFEST = manifest_table([manifest_row("flickr", item, "a", []) for item in ITEMS])
MANIFEST_BLOB = Blob("m" * 64, ".parquet", len(ITEMS), 100)

# Few contents, so that snapshots say the same again: the item, its visibility, and how many days before the
# snapshot it was seen so; of plain snapshots none.
PLAIN = ((), (("1", "public", 0),), (("1", "private", 0),), (("1", "public", 0), ("2", "deleted", 0)))
DATED = ((("1", "private", 1),), (("1", "public", 1), ("2", "public", 0), ("3", "deleted", 2)))


def blob(content: object) -> Blob | None:
    return Blob(repr(content), ".parquet", 1, 1) if content else None


@st.composite
def tolds(draw: st.DrawFn) -> list[Told]:
    """Snapshots: plain ones mostly, full ones without rows among them."""
    found = []
    for _ in range(draw(st.integers(0, 6))):
        day, full = draw(st.sampled_from(DAYS[2:])), draw(st.booleans())
        dated = draw(st.integers(0, 5)) == 0
        content = draw(st.sampled_from(DATED if dated else PLAIN))
        looked_on = draw(st.sampled_from(["", str(DAYS[1])])) if dated and full else ""
        if content or full:
            observer = draw(st.sampled_from(["flickr", "history"]))
            found.append(Told(str(day), observer, full, looked_on, dated, blob(content)))
    return list({repr(each.identity): each for each in found}.values())


def look(told: Told) -> Look:
    day = datetime.date.fromisoformat(told.day)
    content = eval(told.owned.digest) if told.owned else ()
    rows = [
        {
            **dict.fromkeys(("owner_id", "license_raw")),
            "source": "flickr",
            "item_id": item,
            "license": "CC-BY-2.0",
            "visibility": visibility,
            "observed_on": day - datetime.timedelta(ago) if ago else None,
        }
        for item, visibility, ago in content
    ]
    looked_on = datetime.date.fromisoformat(told.looked_on) if told.looked_on else None
    return Look(day, told.observer, told.full, lambda: licenses_table(rows), looked_on)


def built(told: Sequence[Told], observers: Sequence[str] = ()) -> pa.Table:
    return build_ledger(MANIFEST, [look(each) for each in told], observers)


OBSERVERS = st.sampled_from([(), ("flickr",), ("history",), ("history", "flickr")])


@settings(max_examples=300)
@given(tolds(), OBSERVERS)
def test_looks_that_are_left_out_change_nothing(told: list[Told], observers: tuple[str, ...]) -> None:
    action = ledger.action(0, MANIFEST_BLOB, told, observers)
    kept = ledger._that_matter(told)
    trusted = action.inputs["observers"] if action else ()
    assert built(kept, trusted).equals(built(told, observers))
    assert (action is None) == (not kept)


@given(tolds(), OBSERVERS, st.randoms())
def test_the_order_of_looks_is_no_part_of_the_key(told: list[Told], observers: tuple[str, ...], dice) -> None:  # type: ignore[no-untyped-def]
    again = dice.sample(told, len(told))
    assert ledger.action(0, MANIFEST_BLOB, again, observers) == ledger.action(
        0, MANIFEST_BLOB, told, observers
    )


@settings(max_examples=300)
@given(tolds(), OBSERVERS)
def test_what_may_be_extended_is_the_ledger_of_the_snapshots_until_then(
    told: list[Told], observers: tuple[str, ...]
) -> None:
    action = ledger.action(0, MANIFEST_BLOB, told, observers)
    for key, day in action.refs["before"] if action else []:
        then = ledger.action(0, MANIFEST_BLOB, [each for each in told if each.day <= day], observers)
        assert then is not None
        assert ledger.STAGE.key(then) == key
        before = built([each for each in told if each.day <= day], observers)
        added = [look(each) for each in ledger._that_matter(told) if each.day > day]
        whole = built(told, observers)
        extended = extend_ledger(before, MANIFEST, added)
        assert (before if extended is None else extended).equals(whole)


def test_a_snapshot_that_says_the_same_finds_the_memo_and_one_with_news_a_ledger_to_extend() -> None:
    first = Told(str(DAYS[0]), "flickr", owned=blob(PLAIN[1]))
    again, news = replace(first, day=str(DAYS[1])), Told(str(DAYS[2]), "flickr", owned=blob(PLAIN[2]))
    actions = [
        ledger.action(0, MANIFEST_BLOB, told, ())
        for told in ([first], [first, again], [first, again, news], [first, replace(again, full=True)])
    ]
    keys = [ledger.STAGE.key(each) for each in actions if each]
    assert keys[0] == keys[1]
    assert len({*keys}) == 3
    to_extend = [[keys[0], first.day]]
    assert [each.refs["before"] for each in actions if each] == [[], [], to_extend, to_extend]
