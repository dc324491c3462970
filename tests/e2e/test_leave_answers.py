"""What people ask and grant, for seven purposes, held against what the generator knows. Exactly."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from byhand import ByHand
from worlds import World, cut, rows

from pipelines.aliases import ingest_aliases
from pipelines.consents import ingest_consents
from pipelines.ingest import ingest_detections, ingest_opt_outs
from pipelines.store.store import Store
from transforms.domain import schemas

DAY = "2026-11-15"


@pytest.fixture
def asked(hamlet: World, full_hamlet: Store, copy: Callable[[Store], Store]) -> Store:
    """A store that knows what people asked and granted."""
    store, leave = copy(full_hamlet), hamlet.folder / "leave"
    ingest_aliases(store, [str(leave / "aliases.csv")], observed_on=DAY)
    ingest_opt_outs(store, [str(leave / "opt-outs.csv")], received_on=DAY, runner=ByHand())
    ingest_consents(store, [str(leave / "consents.csv")], received_on=DAY)
    detections = [str(leave / "detections.csv")]
    ingest_detections(store, detections, fmt="csv", observed_on=DAY, runner=ByHand())
    return store


def test_each_purpose_gets_what_people_leave_it(hamlet: World, asked: Store) -> None:
    kept: dict[str, set[str]] = {}
    for answer in hamlet.expected["leave"]:
        name = answer["policy"]
        release = cut(asked, name, name, as_of=answer["as_of"])
        counts = release.content["counts"]
        assert (counts["kept"], counts["excluded"]) == (answer["kept"], answer["excluded"]), name
        assert counts["first_reason"] == answer["first_reason"], name
        items = rows(asked, release.parts["items"].values(), schemas.ITEMS)
        kept[name] = set(items["item_id"].to_pylist())
    line = ("metadata-index", "research", "computer-vision", "face-detection", "face-recognition")
    for broader, narrower in pairwise(line):
        assert kept[broader] >= kept[narrower] > set(), (broader, narrower)
    assert kept["computer-vision"] >= kept["generative-training"]
    assert kept["research"] >= kept["commercial"]
