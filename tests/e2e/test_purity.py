"""Every action is a pure function: the same inputs, in any order and in another store, the same result."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from byhand import ByHand
from handmade import said
from worlds import World, cut, new_store, take_in

from pipelines import gate
from pipelines import steps as steps_folder
from pipelines.actions import Action, Done, Stage
from pipelines.aliases import ingest_aliases
from pipelines.ingest import ingest_licenses, ingest_opt_outs
from pipelines.release_inputs import inputs_of
from pipelines.store.memo import Result
from pipelines.store.store import Store, close_stores
from transforms.domain import subbuckets

Ran = list[tuple[Stage, Done]]


@pytest.fixture(scope="module")
def first(broken_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Ran]]:
    """A store in which every kind of action ran, and those that did, in their order."""
    folder = tmp_path_factory.mktemp("pure")
    store, ran = new_store(folder / "store"), []
    run = Stage.run_and_remember

    def note(stage: Stage, store: Store, action: Action) -> Result:
        result = run(stage, store, action)
        ran.append((stage, Done(action, result)))
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stage, "run_and_remember", note)
        patch.setattr(subbuckets, "LIMIT_ROWS", 350)  # some buckets are divided, and some are not
        mixed = folder / "mixed.csv"
        mixed.write_text("target\n#wedding\nhttps://museum.example/photo/1\n12345678@N00\n6985123456\n")
        ingest_opt_outs(store, [str(mixed)], received_on="2026-11-01", runner=ByHand())
        unowned = folder / "unowned.csv"
        unowned.write_text(_without_owners(store, broken_world))
        ingest_licenses(store, [str(unowned)], fmt="csv", observed_on="2026-11-02", runner=ByHand())
        take_in(store, broken_world, split_bytes=300_000)
        said(store, folder, "target,given_by,says,purposes", "6985123456,owner,grant,search")
        history = folder / "aliases.csv"
        history.write_text("key,owner_id\nann,12345678@N00\n")
        ingest_aliases(store, [str(history)], observed_on="2026-11-01")
        cut(store)
    yield store, ran
    close_stores()


def _without_owners(store: Store, world: World) -> str:
    """A license snapshot whose rows name items alone: some that the manifest has, some that it has not."""
    ids = pq.read_table(world.licenses["2026-11-01"], columns=["item_id"])["item_id"].to_pylist()[::40]
    rows = [f"{item},CC-BY-2.0,private" for item in [*ids, "1", "2"]]
    return "\n".join(["item_id,owner_id,license,visibility", *(r.replace(",", ",,", 1) for r in rows), ""])


LISTS = (
    "slices",
    "losers",
    "looks",
    "resolved",
    "leave",
    "met",
    "entries",
    "opt_outs",
    "consents",
    "by_owner",
    "against",
    "files",
)


def shuffled(action: Action, dice: random.Random) -> Action:
    """``action``, with every list of its inputs' places in another order."""
    orders = {
        name: dice.sample(action.refs[name], len(action.refs[name])) for name in LISTS if name in action.refs
    }
    return replace(action, refs={**action.refs, **orders})


def test_every_kind_of_action_is_among_them(first: tuple[Store, Ran]) -> None:
    steps = {path.stem for path in Path(steps_folder.__file__).parent.glob("[a-z]*.py")}
    ran = {stage.run.__module__.rpartition(".")[2] for stage, _ in first[1]}
    elsewhere = {"signals", "signals_list", "signals_standing", "whatif"}  # have tests of their own
    assert ran == steps - elsewhere | {"gate"}


@pytest.mark.parametrize("seed", [1, 2])
def test_actions_in_another_store_and_order_come_to_the_same(
    first: tuple[Store, Ran], tmp_path: Path, seed: int
) -> None:
    _, ran = first
    other, dice = new_store(tmp_path / "other"), random.Random(seed)
    stages: dict[str, list[tuple[Stage, Done]]] = {}
    for stage, done in ran:
        # Merging needs what partitioning made, and nothing needs another of its own stage.
        stages.setdefault(stage.name, []).append((stage, done))
    first_of_all = ["OptOuts", "Partition", "Index", "Merge"]
    for name in [*first_of_all, *(name for name in stages if name not in (*first_of_all, "Weigh", "Gate"))]:
        for stage, done in dice.sample(stages[name], len(stages[name])):
            again = stage.run(other, shuffled(done.action, dice))
            assert again.to_json() == done.result.to_json(), (name, done.action.refs)
            assert stage.run(other, done.action) == again
            for blob in again.files():
                other.blobs.verify(blob)
    # The gate's questions are made of the lists, and lie in the store beside the parts.
    release = first[0].releases.get("1")
    inputs = inputs_of(first[0], release)
    for action in gate.plan(other, release.parts["items"], inputs, release.content["purpose"]):
        (done,) = [done for _, done in stages["Gate"] if done.action == action]
        assert gate.run(other, shuffled(action, dice)) == done.result
    close_stores()


def test_keys_of_other_inputs_differ(first: tuple[Store, Ran]) -> None:
    keys = {(stage.name, stage.key(done.action)): done.action.inputs for stage, done in first[1]}
    by_name: dict[str, list[Any]] = {}
    for (name, _), inputs in keys.items():
        by_name.setdefault(name, []).append(inputs)
    for name, found in by_name.items():
        assert len({repr(sorted(each.items())) for each in found}) == len(found), name
