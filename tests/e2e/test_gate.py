"""With an opt-out taken out of the cut by mistake, nothing is published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from byhand import ByHand, listing
from worlds import World, cut, new_store, policy, take_in

import transforms.cut
import transforms.decide
import transforms.facts
from pipelines.cli import main
from pipelines.ingest import ingest_opt_outs
from pipelines.runner import Runner
from pipelines.store.store import Store, close_stores
from transforms.domain.errors import RefusedError
from transforms.domain.reasons import OPT_OUT_BITS

Copy = Callable[[Store], Store]


@pytest.fixture(scope="module")
def opted_out(hamlet: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store whose lists name an owner, an item, an item's page and a tag that are all in the manifest."""
    folder = tmp_path_factory.mktemp("gate")
    store = take_in(new_store(folder / "store"), hamlet)
    probe = new_store(folder / "probe")
    items = cut(take_in(probe, hamlet)).parts["items"]
    rows = [
        store_rows
        for blob in items.values()
        for store_rows in probe.blobs.get_table(blob).slice(0, 2).to_pylist()
    ]
    tagged = next(row for row in rows if row["tags"])
    file = folder / "list.csv"
    file.write_text(f"target\n{rows[0]['owner_id']}\n{rows[4]['item_id']}\n#{tagged['tags'][0]}\n")
    ingest_opt_outs(store, [str(file)], received_on="2026-11-15", runner=ByHand())
    yield store
    close_stores()


def check_nothing_is_published(store: Store) -> None:
    assert store.releases.versions() == []
    assert not list(listing(Path(store.url) / "datasets" / "yfcc100m", "releases", "channels"))


def test_what_the_gate_would_let_through(opted_out: Store, copy: Copy) -> None:
    store = copy(opted_out)
    counts = cut(store).content["counts"]["first_reason"]
    assert {f"opt_out_{kind}" for kind in ("item", "owner", "tag")} <= counts.keys()


def test_without_the_opt_out_step_the_gate_refuses(
    opted_out: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = copy(opted_out)
    monkeypatch.setattr(transforms.decide, "opt_outs", lambda facts: np.zeros(len(facts), np.uint32))
    with pytest.raises(RefusedError, match="the gate refuses to publish"):
        cut(store)
    with pytest.raises(RefusedError, match="rows that meet an opt-out"):
        cut(store, "commercial", "2", runner=Runner(2))
    check_nothing_is_published(store)
    with pytest.raises(SystemExit) as left:
        main(["release", "cut", store.url, "--policy", "research", "--version", "1"])
    assert left.value.code == 7
    assert "byleave: the gate refuses to publish:\nbucket" in capsys.readouterr().err
    check_nothing_is_published(store)


@pytest.mark.parametrize("kind", ["item", "owner", "tag"])
def test_without_one_kind_of_opt_out_the_gate_refuses_and_names_the_kind(
    opted_out: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    store = copy(opted_out)
    found = transforms.facts._opt_outs

    def forgetful(*tables: Any) -> Any:
        return found(*tables) & ~np.uint8(OPT_OUT_BITS[kind])

    monkeypatch.setattr(transforms.facts, "_opt_outs", forgetful)
    with pytest.raises(RefusedError) as caught:
        cut(store)
    lines = str(caught.value).splitlines()[1:]
    assert lines
    assert all(line.endswith("}") and f"'{kind}':" in line for line in lines)
    check_nothing_is_published(store)


def test_an_opt_out_that_never_reached_its_bucket_is_caught(
    opted_out: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate trusts no routing: it asks of each part what the lists say."""
    store = copy(opted_out)
    empty = pa.table({name: pa.array([], field.type) for name, field in _opt_out_fields()})
    found = transforms.facts.join_facts
    monkeypatch.setattr("pipelines.steps.join.join_facts", lambda rows, looks, _: found(rows, looks, empty))
    with pytest.raises(RefusedError, match="meet an opt-out"):
        cut(store)
    check_nothing_is_published(store)


def _opt_out_fields() -> list[tuple[str, pa.Field]]:
    from transforms.domain.schemas import OPT_OUTS

    return [(field.name, field) for field in OPT_OUTS]


def test_a_cut_that_loses_rows_is_not_published(
    opted_out: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.steps import cut as step

    store = copy(opted_out)
    whole = transforms.cut.cut

    def lossy(*tables: Any) -> Any:
        items, excluded = whole(*tables)
        return items.slice(1), excluded

    monkeypatch.setattr(step, "cut", lossy)
    with pytest.raises(RefusedError, match=r"the release is not published:\nbucket \d+: "):
        cut(store)
    check_nothing_is_published(store)


def test_a_bucket_that_was_not_cut_is_missed(
    opted_out: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines import release_plans

    store = copy(opted_out)
    plan = release_plans.PlanJoin.__call__
    monkeypatch.setattr(release_plans.PlanJoin, "__call__", lambda self, results: plan(self, results)[1:])
    with pytest.raises(RefusedError, match="the release is not published"):
        cut(store)
    check_nothing_is_published(store)


def test_a_release_without_any_list_must_be_meant(tmp_path: Path, hamlet: World) -> None:
    from pipelines.ingest import ingest_manifest
    from pipelines.release_inputs import choose_inputs
    from transforms.domain.errors import StateError

    store = new_store(tmp_path / "store")
    with pytest.raises(StateError, match="holds no manifest yet"):
        choose_inputs(store, as_of=None)
    ingest_manifest(store, hamlet.manifest, fmt="yfcc100m", snapshot="a", runner=ByHand())
    with pytest.raises(StateError, match=r"no opt-out list\. .*--without-opt-outs"):
        choose_inputs(store, as_of=None)
    with pytest.raises(StateError, match="no opt-out list received by 2026-01-01"):
        choose_inputs(store, as_of="2026-01-01")
    release = cut(store, without_opt_outs=True)
    # Without a look at them, every item's visibility is unknown; a tag that says no is said all the same.
    assert release.content["counts"]["kept"] == 0
    assert release.content["counts"]["first_reason"]["opt_out_tag"] > 0
    assert policy("research").unknown_visibility == "exclude"
    close_stores()
