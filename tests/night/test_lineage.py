"""OpenLineage: what a night did as events, by the types of OpenLineage's own client."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines.night.inbox import Unit
from pipelines.night.lineage import Lineage
from pipelines.release_inputs import Inputs
from pipelines.store.releases import PARTS, Release
from pipelines.store.store import Store
from pipelines.store.tables import LICENSES, MANIFESTS, OPT_OUTS, Table
from transforms.domain import schemas
from transforms.domain.errors import InputError, StateError

pytest.importorskip("openlineage.client")

NOW = 1_790_000_000.0
UNIT = Unit(LICENSES, "/in/2026-11-01", "2026-11-01", "2026-11-01", {"/in/a": "1", "gs://b/in/c": "2"})
LICENSE_TABLE = Table(LICENSES, "2026-11-01", "2026-11-01", counts={"rows": 7})


@pytest.fixture
def lineage(store: Store, tmp_path: Path) -> Lineage:
    return Lineage(tmp_path / "events.jsonl", "night", store, lambda: NOW)


def events(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]


def test_an_ingest_is_a_run_from_files_to_a_table(lineage: Lineage, store: Store, tmp_path: Path) -> None:
    with lineage.ingest(UNIT) as run:
        run.made(LICENSE_TABLE)
    start, complete = events(tmp_path)
    assert [start["eventType"], complete["eventType"]] == ["START", "COMPLETE"]
    assert start["run"]["runId"] == complete["run"]["runId"] == str(uuid.UUID(start["run"]["runId"]))
    assert datetime.fromisoformat(start["eventTime"]).timestamp() == NOW
    assert start["job"]["namespace"] == "night"
    assert start["job"]["name"] == "yfcc100m.ingest.licenses"
    assert start["outputs"] == []
    for event in (start, complete):
        assert [(each["namespace"], each["name"]) for each in event["inputs"]] == [
            ("file", "/in/a"),
            ("gs://b", "in/c"),
        ]
    (made,) = complete["outputs"]
    assert (made["namespace"], made["name"]) == (f"file://{store.url}", "yfcc100m/licenses/2026-11-01")
    assert made["facets"]["version"]["datasetVersion"] == LICENSE_TABLE.digest
    assert made["facets"]["dataSource"]["uri"] == f"file://{store.url}"
    fields = [(field["name"], field["type"]) for field in made["facets"]["schema"]["fields"]]
    assert fields == [(field.name, str(field.type)) for field in schemas.LICENSES]
    assert made["outputFacets"]["outputStatistics"]["rowCount"] == 7


def test_a_release_is_a_run_from_tables_to_a_release(lineage: Lineage, tmp_path: Path) -> None:
    opt_outs = Table(OPT_OUTS, "2026-11-10-x", "2026-11-10", counts={"rows": 3})
    inputs = Inputs(
        Table(MANIFESTS, "2014-05", counts={"rows": 9}), (LICENSE_TABLE,), (opt_outs,), "2026-11-10"
    )
    release = Release("2026.11.10-a", {"counts": {"kept": 5}}, {name: {} for name in PARTS})
    with lineage.release("a", inputs) as run:
        run.published(release)
    _, complete = events(tmp_path)
    assert complete["job"]["name"] == "yfcc100m.release.a"
    assert {
        each["name"]: each["inputFacets"]["inputStatistics"]["rowCount"] for each in complete["inputs"]
    } == {
        "yfcc100m/manifests/2014-05": 9,
        "yfcc100m/licenses/2026-11-01": 7,
        "yfcc100m/opt-outs/2026-11-10-x": 3,
    }
    (made,) = complete["outputs"]
    assert made["name"] == "yfcc100m/releases/2026.11.10-a"
    assert made["facets"]["version"]["datasetVersion"] == release.digest
    assert made["outputFacets"]["outputStatistics"]["rowCount"] == 5


@pytest.mark.parametrize(
    ("error", "state"), [(InputError("it is cut"), "FAIL"), (KeyboardInterrupt(), "ABORT")]
)
def test_a_run_that_ends_badly_says_so(
    lineage: Lineage, tmp_path: Path, error: BaseException, state: str
) -> None:
    with pytest.raises(type(error)), lineage.ingest(UNIT):
        raise error
    _, last = events(tmp_path)
    assert last["eventType"] == state
    assert last["outputs"] == []
    if state == "FAIL":
        assert last["run"]["facets"]["errorMessage"]["message"] == "it is cut"


def test_facets_say_who_says_so_and_by_which_schema(lineage: Lineage, tmp_path: Path) -> None:
    with lineage.ingest(UNIT) as run:
        run.made(LICENSE_TABLE)
    for event in events(tmp_path):
        assert event["producer"]
        assert event["schemaURL"].startswith("https://openlineage.io/spec/")
        found = list(facets(event))
        assert len(found) >= 2
        for name, facet in found:
            assert facet["_producer"] == event["producer"], name
            assert facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/"), name


def facets(value: Any) -> Iterator[tuple[str, Any]]:
    """Every facet anywhere in an event."""
    if isinstance(value, list):
        for each in value:
            yield from facets(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key.lower().endswith("facets"):
                yield from each.items()
            yield from facets(each)


def test_a_file_that_cannot_be_written_is_a_problem_and_stops_nothing(store: Store, tmp_path: Path) -> None:
    lineage = Lineage(tmp_path / "nowhere" / "events.jsonl", "night", store, lambda: NOW)
    for _ in range(2):
        with lineage.ingest(UNIT) as run:
            run.made(LICENSE_TABLE)
    (problem,) = lineage.problems
    assert isinstance(problem, StateError)
    assert "lineage was not written" in str(problem)


def test_without_a_file_there_is_nothing(store: Store) -> None:
    lineage = Lineage(None, "night", store, lambda: NOW)
    with lineage.ingest(UNIT) as run:
        run.made(LICENSE_TABLE)
    assert run.outputs == []
    assert lineage.problems == []
