"""A night in which nothing changed costs nothing; one in which one person opted out costs one bucket."""

from __future__ import annotations

import datetime
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from byhand import ByHand, Listing, listing
from worlds import World, counted, cut, new_memos, policy, rows

from pipelines.ingest import ingest_licenses, ingest_opt_outs
from pipelines.jobs import Replay
from pipelines.outlook import foresee
from pipelines.release import cut_release, joined_before, release_job
from pipelines.release_inputs import choose_inputs
from pipelines.stage_order import Place
from pipelines.steps.join import Earlier
from pipelines.store.blobs import Blob
from pipelines.store.store import Store
from pipelines.store.tables import MANIFESTS
from transforms.domain import schemas
from transforms.domain.errors import StateError

Copy = Callable[[Store], Store]


def opt_out(store: Store, folder: Path, text: str, day: str = "2026-11-21") -> None:
    file = folder / "list.txt"
    file.write_text(text + "\n", encoding="utf-8")
    ingest_opt_outs(store, [str(file)], received_on=day, runner=ByHand())


def data(seen: Listing) -> Listing:
    return {name: stat for name, stat in seen.items() if name.startswith(("blobs/", "memo/"))}


def test_cutting_again_changes_no_file(full: Store, copy: Copy) -> None:
    store = copy(full)
    first = cut(store)
    store.backend.close()
    seen = listing(Path(store.url))
    inputs = choose_inputs(store, as_of=None)
    again, new = cut_release(store, inputs, policy("research"), "1", ByHand())
    assert not new
    assert again.digest == first.digest
    assert listing(Path(store.url)) == seen
    outlook = foresee(store, inputs, policy("research"))
    assert [each.stage for each in outlook] == [
        stage.name for stage, _ in release_job(store, inputs, policy("research")).stages
    ]
    assert {(each.to_do, each.at_most) for each in outlook} == {(0, 0)}
    assert listing(Path(store.url)) == seen


def test_another_version_of_the_same_is_one_document_and_its_version_file(full: Store, copy: Copy) -> None:
    store = copy(full)
    first = cut(store, version="1")
    store.backend.close()
    seen = listing(Path(store.url))
    second = cut(store, version="2")
    store.backend.close()
    now = listing(Path(store.url))
    assert second.digest == first.digest
    assert second.parts == first.parts
    assert {name: now[name] for name in data(seen)} == data(seen)
    (document,) = data(now).keys() - data(seen).keys()
    assert document.endswith(".json")
    assert {n for n in now.keys() - seen.keys() if n != document} == {"datasets/yfcc100m/releases/2.json"}


def test_a_second_policy_costs_no_join(full: Store, copy: Copy) -> None:
    store = copy(full)
    first = cut(store, "research", "1")
    seen = listing(Path(store.url))
    second = cut(store, "commercial", "2")
    # A part that is the same under both policies has passed the gate.
    parts = {*second.parts["items"].values()} - {*first.parts["items"].values()}
    assert new_memos(seen, listing(Path(store.url))) == {"Cut": 16, "Gate": len(parts)}


def test_after_one_owner_opts_out_one_bucket_is_worked_on(full: Store, copy: Copy, tmp_path: Path) -> None:
    store = copy(full)
    before = cut(store, version="1")
    bucket, blob = next(iter(sorted(before.parts["items"].items())))
    owner = store.blobs.get_table(blob, ["owner_id"])["owner_id"][0].as_py()
    theirs = counted(store.blobs.get_table(blob, ["owner_id"])["owner_id"])[owner]
    store.backend.close()
    seen = listing(Path(store.url))
    opt_out(store, tmp_path, f"https://www.flickr.com/photos/{owner}/")
    after = cut(store, version="2")
    store.backend.close()
    now = listing(Path(store.url))
    assert new_memos(seen, now) == {"OptOuts": 1, "Weigh": 1, "Standing": 1, "Join": 1, "Cut": 1, "Gate": 1}
    assert {name: now[name] for name in data(seen)} == data(seen)
    for name, parts in after.parts.items():
        assert {b for b in parts if parts[b] != before.parts[name].get(b)} <= {bucket}, name
    assert before.content["counts"]["kept"] - after.content["counts"]["kept"] == theirs
    excluded = store.blobs.get_table(after.parts["excluded"][bucket])
    assert owner in excluded["owner_id"].to_pylist()


def test_after_one_item_is_opted_out_one_bucket_is_joined_and_cut(
    full: Store, copy: Copy, tmp_path: Path
) -> None:
    store = copy(full)
    before = cut(store, version="1")
    item = store.blobs.get_table(before.parts["items"][5], ["item_id"])["item_id"][3].as_py()
    seen = listing(Path(store.url))
    opt_out(store, tmp_path, item)
    after = cut(store, version="2")
    made = new_memos(seen, listing(Path(store.url)))
    # An item's opt-out does not say whose it is: the gate, which trusts no index, asks every part.
    assert made == {"OptOuts": 1, "Weigh": 1, "Standing": 1, "Resolve": 1, "Join": 1, "Cut": 1, "Gate": 16}
    assert before.content["counts"]["kept"] - after.content["counts"]["kept"] == 1
    assert item not in store.blobs.get_table(after.parts["items"][5], ["item_id"])["item_id"].to_pylist()


def test_an_item_that_is_opted_out_has_no_tags_read_again(full: Store, copy: Copy, tmp_path: Path) -> None:
    store = copy(full)
    before = cut(store, "computer-vision", "1")
    item = store.blobs.get_table(before.parts["items"][5], ["item_id"])["item_id"][3].as_py()
    seen = listing(Path(store.url))
    opt_out(store, tmp_path, item)
    cut(store, "computer-vision", "2")
    # The ids of every part, and the tags of the one that is another now.
    assert new_memos(seen, listing(Path(store.url)))["Gate"] == 16 + 1


def test_a_list_that_says_what_was_said_before_costs_nothing(full: Store, copy: Copy, tmp_path: Path) -> None:
    store = copy(full)
    before = cut(store, version="1")
    manifest = store.tables.get(MANIFESTS, "2014-05")
    items = rows(store, manifest.buckets.values(), schemas.MANIFEST)
    stranger = "999@N99"
    assert stranger not in items["owner_id"].to_pylist()
    seen = listing(Path(store.url))
    opt_out(store, tmp_path, stranger)
    after = cut(store, version="2")
    made = new_memos(seen, listing(Path(store.url)))
    # The bucket where the stranger would live is looked at once more; what comes out is what there was.
    looked_at = {"OptOuts": 1, "Weigh": 1, "Standing": 1, "Join": 1, "Gate": 1}
    assert made in (looked_at, {**looked_at, "Cut": 1})
    assert after.parts == before.parts


def test_an_opt_out_after_the_day_does_not_count(full: Store, copy: Copy, tmp_path: Path) -> None:
    store = copy(full)
    before = cut(store, version="1", as_of="2026-11-20")
    item = store.blobs.get_table(before.parts["items"][0], ["item_id"])["item_id"][0].as_py()
    opt_out(store, tmp_path, item, day="2026-11-21")
    same = cut(store, version="1", as_of="2026-11-20")
    assert same.digest == before.digest
    later = cut(store, version="2", as_of="2026-11-21")
    assert later.content["counts"]["first_reason"]["opt_out_item"] == (
        before.content["counts"]["first_reason"]["opt_out_item"] + 1
    )


def test_an_older_release_can_be_cut_again_to_the_byte(full: Store, copy: Copy) -> None:
    store = copy(full)
    then = cut(store, version="1", as_of="2025-06-30")
    cut(store, version="2")
    for name in ("memo", "blobs"):
        seen = {
            file: stat
            for file, stat in listing(Path(store.url), name).items()
            if "Cut" in file or "Join" in file
        }
        for file in seen:
            (Path(store.url) / file).unlink()
    again, new = cut_release(
        store, choose_inputs(store, as_of="2025-06-30"), policy("research"), "1", ByHand()
    )
    assert (again.digest, new) == (then.digest, False)


def test_a_version_is_not_cut_over(full: Store, copy: Copy) -> None:
    store = copy(full)
    first = cut(store, "research", "1")
    with pytest.raises(StateError, match="published"):
        cut(store, "commercial", "1")
    assert store.releases.get("1") == first
    assert store.releases.versions() == ["1"]


def test_a_new_license_snapshot_reaches_the_items_that_it_speaks_of(
    full: Store, copy: Copy, tmp_path: Path
) -> None:
    store = copy(full)
    before = cut(store, version="1")
    kept = store.blobs.get_table(before.parts["items"][2], ["item_id", "owner_id"]).to_pylist()[0]
    text = "item_id,owner_id,license,visibility,observed_on\n"
    for name, owner in (("owned", kept["owner_id"]), ("unowned", "")):
        file = tmp_path / f"{name}.csv"
        file.write_text(f"{text}{kept['item_id']},{owner},CC-BY-2.0,deleted,2026-11-15\n")
        other = copy(store)
        ingest_licenses(other, [str(file)], fmt="csv", observed_on="2026-11-15", runner=ByHand())
        after = cut(other, version="2")
        counts = [each.content["counts"]["first_reason"]["deleted"] for each in (before, after)]
        assert counts[1] == counts[0] + 1, name


def _looks(world: World, folder: Path, day: str, **changed: str) -> str:
    """The newest license snapshot taken again on ``day``, with other values for the items of one owner."""
    seen = pq.read_table(list(world.licenses.values())[-1])
    whole = seen.set_column(
        seen.schema.get_field_index("observed_on"),
        "observed_on",
        pa.repeat(pa.scalar(datetime.date.fromisoformat(day)), len(seen)),
    )
    owner = pc.equal(whole["owner_id"], whole["owner_id"].drop_null()[0]).fill_null(False)
    for name, value in changed.items():
        place = whole.schema.get_field_index(name)
        whole = whole.set_column(place, name, pc.if_else(owner, value, whole[name]))
    file = folder / f"{day}.parquet"
    pq.write_table(whole, file)
    return str(file)


def test_a_license_snapshot_that_says_the_same_costs_no_join_and_one_change_costs_a_bucket(
    full: Store, copy: Copy, world: World, tmp_path: Path
) -> None:
    store = copy(full)
    first = cut(store, version="1")
    for day, changed, costs in (
        ("2026-11-20", {}, {}),
        ("2026-11-21", {"visibility": "deleted"}, {"Ledger": 1, "Join": 1, "Cut": 1, "Gate": 1}),
    ):
        file = _looks(world, tmp_path, day, **changed)
        ingest_licenses(store, [file], fmt="canonical", observed_on=day, runner=ByHand())
        memos = listing(Path(store.url))
        again = cut(store, version=day)
        assert new_memos(memos, listing(Path(store.url))) == costs
        assert (again.parts["items"] == first.parts["items"]) == (not changed)
        assert again.content["as_of"] == day


def test_opt_outs_of_owners_and_items_are_joined_to_the_facts_of_the_release_before(
    full: Store, copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, scratch = copy(full), copy(full)
    parts = cut(store, version="1").parts["items"]
    rows = [store.blobs.get_table(part, ["item_id", "owner_id"]) for part in parts.values()]
    names = [rows[0]["owner_id"].drop_null()[0].as_py(), rows[1]["item_id"][0].as_py()]
    for each in (store, scratch):
        opt_out(each, tmp_path, "\n".join(names))
    anew = cut(scratch, version="2")
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.steps.join.join_facts", None)
        again = cut(store, version="2")
    assert again.digest == anew.digest
    assert anew.parts["items"] != parts
    memos = [{n for n in listing(Path(each.url)) if n.startswith("memo/Join/")} for each in (store, scratch)]
    assert memos[1] < memos[0]
    for name in memos[1]:
        assert (Path(store.url) / name).read_bytes() == (Path(scratch.url) / name).read_bytes()


def test_missing_blobs_are_made_again(full: Store, copy: Copy) -> None:
    store = copy(full)
    first = cut(store)
    blob: Blob = first.parts["items"][7]
    store.blobs.remove(blob)
    again, new = cut_release(store, choose_inputs(store, as_of=None), policy("research"), "1", ByHand())
    assert (again.digest, new) == (first.digest, False)
    store.blobs.verify(blob)


def test_what_to_copy_from_is_the_newest_release_of_the_manifest_and_policy(
    full: Store, copy: Copy, tmp_path: Path
) -> None:
    store = copy(full)
    research, commercial = policy("research"), policy("commercial")
    assert joined_before(store, choose_inputs(store, as_of=None), research) == {}
    cut(store, "research", "1", as_of="2025-06-30")
    cut(store, "research", "2")
    cut(store, "commercial", "3", as_of="2025-06-30")
    now = choose_inputs(store, as_of=None)
    assert joined_before(store, now, research) == {}  # there is nothing to cut
    opt_out(store, tmp_path, "1")
    later = choose_inputs(store, as_of=None)
    joined = {
        name: Replay(store, release_job(store, inputs, research))
        for name, inputs in (("1", choose_inputs(store, as_of="2025-06-30")), ("2", now))
    }
    facts = {}
    for name, replay in joined.items():
        replay.advance()
        facts[name] = {d.action.refs["bucket"]: Earlier.of(d) for d in replay.results(Place.JOIN)}
    assert len(facts["2"]) == 16
    assert joined_before(store, later, research) == facts["2"] != facts["1"]
    assert joined_before(store, later, commercial) == facts["1"]
    _, plan = release_job(store, later, research, facts["2"]).stages[Place.CUT]
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert not any(
        joined_before(store, replace(later, manifest=replace(later.manifest, date="2026-01-01")), each)
        for each in (research, commercial)
    )
    document = Path(store.url) / "datasets/yfcc100m/opt-outs"
    for file in document.iterdir():
        file.unlink()
    assert joined_before(store, later, research) == {}


@pytest.mark.parametrize("licenses", [False, True], ids=["opt-outs", "licenses and opt-outs"])
def test_a_night_comes_to_what_a_store_without_releases_comes_to(
    full: Store, copy: Copy, tmp_path: Path, licenses: bool
) -> None:
    night, fresh = copy(full), copy(full)
    before = cut(night, version="1")
    kept = [before.parts["items"][bucket] for bucket in (5, 6, 7)]
    rows = [night.blobs.get_table(part, ["item_id", "owner_id"]).to_pylist()[3] for part in kept]
    for store in (night, fresh):
        opt_out(store, tmp_path, rows[0]["item_id"])
        if licenses:  # of a bucket in which somebody opts out, and of another
            opt_out(store, tmp_path, rows[1]["owner_id"])
            file = tmp_path / "licenses.csv"
            said = "".join(f"{row['item_id']},{row['owner_id']},CC-BY-2.0,private\n" for row in rows)
            file.write_text("item_id,owner_id,license,visibility\n" + said, encoding="utf-8")
            ingest_licenses(store, [str(file)], fmt="csv", observed_on="2026-11-21", runner=ByHand())
    assert joined_before(night, choose_inputs(night, as_of=None), policy("research"))
    again, anew = cut(night, version="2"), cut(fresh, version="2")
    assert again.digest == anew.digest
    assert len(set(again.parts["items"].items()) - set(before.parts["items"].items())) == (
        3 if licenses else 1
    )
