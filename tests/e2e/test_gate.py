"""With a no taken out of the pipeline by mistake, nothing is published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from byhand import ByHand, listing
from handmade import fill, item, left_out, opt_out, said
from worlds import World, cut, new_store, policy

import transforms.cut
import transforms.decide
import transforms.facts
import transforms.leave
from pipelines.aliases import ingest_aliases
from pipelines.cli import main
from pipelines.runner import Runner
from pipelines.store.store import Store, close_stores
from transforms.domain.errors import RefusedError

Copy = Callable[[Store], Store]

# Of each kind an item that nothing else is said of, and how it is named.
NAMED = {
    "item": ("1", {}),
    "owner": ("20@N00", {"owner_id": "20@N00"}),
    "url": ("https://site.example/%7ejoe%20b/3", {"page_url": "http://Site.ex%61mple/~joe b/3/"}),
    "host": ("host:img.example", {"image_url": "https://cdn.img.example/4.jpg"}),
    "content": ("md5:" + "5" * 32, {"content_md5": "5" * 32}),
    "tag": ("#wedding", {"tags": ["Wedding"]}),
    "alias": ("alias:ann", {"owner_id": "70@N00", "page_url": "https://www.flickr.com//photos/Ann/7/"}),
    "name": ("name:Ann Onymous", {"owner_id": "80@N00", "owner_name": "ann  onymous"}),
}
ITEMS = [{**item("flickr", str(place), None), **more} for place, (_, more) in enumerate(NAMED.values(), 1)]
ITEMS += [
    item("flickr", "9", "90@N00"),
    item("flickr", "10", "100@N00"),
    item("flickr", "11", "110@N00", tags=["no_cv"]),
    item("flickr", "12", "120@N00"),
    *(item("flickr", str(number), f"{number}@N00") for number in range(200, 240)),
]
# Whose page shows another alias today, and whose id was another when this one was taken.
RENAMED = ["key,owner_id,kind", "bea,121@N00,alias", "121@N00,120@N00,owner", "120@N00,121@N00,owner"]
BY = {"alias": "owner", "name": "owner"}  # under whose column of facts a kind is


@pytest.fixture(scope="module")
def opted_out(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with an opt-out of each kind, one of a former alias, and two consents that were refused."""
    folder = tmp_path_factory.mktemp("gate")
    store = new_store(folder / "store", buckets=4)
    fill(store, folder, ITEMS)
    opt_out(store, folder, *(line for line, _ in NAMED.values()), "alias:bea")
    history = folder / "aliases.csv"
    history.write_text("\n".join([*RENAMED, ""]))
    ingest_aliases(store, [str(history)], observed_on="2026-11-10")
    refusal = "owner,refuse,computer-vision"
    said(store, folder, "target,given_by,says,purposes", f"9,{refusal}", f"100@N00,{refusal}")
    yield store
    close_stores()


def check_nothing_is_published(store: Store) -> None:
    assert store.releases.versions() == []
    assert not list(listing(Path(store.url)) and (Path(store.url) / "datasets/yfcc100m").glob("releases/*"))


def test_what_the_gate_would_let_through(opted_out: Store, copy: Copy) -> None:
    store = copy(opted_out)
    found = left_out(store, cut(store, "computer-vision"))
    expected = {str(place): f"opt_out_{BY.get(kind, kind)}" for place, kind in enumerate(NAMED, 1)}
    expected |= {"9": "consent_refused", "10": "consent_refused", "11": "opt_out_tag", "12": "opt_out_owner"}
    assert {item_id: reasons for (_, item_id), reasons in found.items()} == {
        item_id: [reason] for item_id, reason in expected.items()
    }
    # no_cv, and what was refused, are no noes to what is broader.
    found = left_out(store, cut(store, "research", "2"))
    assert {item_id for _, item_id in found} == {*(str(place) for place in range(1, 9)), "12"}


def test_without_the_opt_out_step_the_gate_refuses(
    opted_out: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = copy(opted_out)
    monkeypatch.setattr(transforms.decide, "said_no", lambda facts, _: np.zeros(len(facts), np.uint32))
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


def refuses(store: Store) -> dict[str, int]:
    """By kind how many rows the gate found, in all buckets."""
    with pytest.raises(RefusedError) as caught:
        cut(store, "computer-vision")
    check_nothing_is_published(store)
    head, *lines = str(caught.value).splitlines()
    assert head == "the gate refuses to publish:"
    met: dict[str, int] = {}
    for line in lines:
        for kind, count in eval(line.partition("opt-out: ")[2]).items():
            met[kind] = met.get(kind, 0) + count
    return met


@pytest.mark.parametrize("kind", [kind for kind in NAMED if kind not in BY])
def test_without_one_kind_of_opt_out_the_gate_refuses_and_names_the_kind(
    opted_out: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    found = transforms.leave.leave_of

    def forgetful(*tables: Any) -> dict[str, pa.Array]:
        columns = found(*tables)
        columns[f"no_{kind}"] = pa.array(np.zeros(len(columns[f"no_{kind}"]), np.uint16))
        return columns

    monkeypatch.setattr(transforms.leave, "leave_of", forgetful)
    expected = {"owner": {"owner": 2, "alias": 1, "name": 1}, "tag": {"tag": 2}}
    assert refuses(copy(opted_out)) == expected.get(kind, {kind: 1})


def test_without_refused_consents_the_gate_refuses(
    opted_out: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = transforms.leave.leave_of

    def forgetful(*tables: Any) -> dict[str, pa.Array]:
        columns = found(*tables)
        return {**columns, "refused": pa.array(np.zeros(len(columns["refused"]), np.uint16))}

    monkeypatch.setattr(transforms.leave, "leave_of", forgetful)
    assert refuses(copy(opted_out)) == {"refused-item": 1, "refused-owner": 1}


@pytest.mark.parametrize("kind", ["url", "host", "content", "tag", "alias", "name"])
def test_without_one_kind_of_scan_the_gate_refuses(
    opted_out: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    from pipelines.steps import scan

    match = scan.match
    monkeypatch.setattr(
        scan, "match", lambda rows, targets: match(rows, targets.filter(pa.compute.field("kind") != kind))
    )
    assert refuses(copy(opted_out)) == {kind: 2 if kind == "tag" else 1}


def test_what_never_reached_its_bucket_is_caught(
    opted_out: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate trusts no resolution: it asks of each part what the lists say."""
    from pipelines.steps import standing

    nothing = lambda *_: standing.LEAVE.empty_table()  # noqa: E731
    monkeypatch.setattr("transforms.standing.standing", nothing)
    met = refuses(copy(opted_out))
    assert met == {**dict.fromkeys([*NAMED, "refused-item", "refused-owner"], 1), "owner": 2}


def test_without_who_is_who_the_gate_refuses(
    opted_out: Store, copy: Copy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked under a former alias of a former id holds for the owner of today."""
    import transforms.standing

    of_nobody = lambda asked, _: asked.slice(0, 0)  # noqa: E731
    monkeypatch.setattr(transforms.standing, "_of_owners", of_nobody)
    assert refuses(copy(opted_out)) == {"owner": 1}


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
    release = cut(store, "computer-vision", without_opt_outs=True)
    # Without a look at them, every item's visibility is unknown; a tag that says no is said all the same.
    assert release.content["counts"]["kept"] == 0
    assert release.content["counts"]["first_reason"]["opt_out_tag"] > 0
    assert policy("computer-vision").unknown_visibility == "exclude"
    close_stores()
