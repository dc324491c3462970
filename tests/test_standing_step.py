"""Consents are taken in; what stands of all lists is resolved once between two turns, and sent on."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from pipelines.cli import cli
from pipelines.consents import ingest_consents
from pipelines.steps import standing
from pipelines.store.memo import Result
from pipelines.store.routed import gather
from pipelines.store.store import Store
from pipelines.store.tables import ALIASES, CONSENTS, OPT_OUTS, Table
from transforms.domain import keys, schemas
from transforms.domain.errors import InputError
from transforms.domain.purposes import ALL, PURPOSES
from transforms.domain.schemas import LEAVE

HEADER = "item_id,owner_id,given_by,person,says,purposes,effective_on,expires_on\n"


def consents(store: Store, folder: Path, text: str, received_on: str = "2026-11-10") -> Table:
    file = folder / "consents.csv"
    file.write_text(HEADER + text)
    key = folder / "requester.key"
    key.write_text("0123456789abcdef")
    return ingest_consents(store, [str(file)], received_on=received_on, requester_key=str(key))


def test_a_list_of_consents_is_a_table(store: Store, tmp_path: Path) -> None:
    text = (
        "17,,depicted,ann,grant,face-detection,,2027-01-01\n"
        ",12345678@N00,owner,,grant,search;commercial,2026-12-01,\n"
        "17,,depicted,bob,refuse,all,,\n"
    )
    table = consents(store, tmp_path, text)
    assert table == store.tables.get(CONSENTS, table.name) == consents(store, tmp_path, text)
    assert table.turns == ("2026-12-01", "2027-01-01")
    counts = {"grants": 2, "refusals": 1, "revocations": 0, "rows": 3, "rows_read": 3}
    assert table.counts == {**counts, "duplicates": 0, "quarantined": 0}
    assert len(store.blobs.get_table(table.blobs["entries"], schema=schemas.CONSENTS)) == 3
    files = [path for path in Path(store.url).rglob("*") if path.is_file()]
    assert not any(b"ann" in path.read_bytes() or b"0123456789abcdef" in path.read_bytes() for path in files)
    with pytest.raises(InputError, match="the list is empty"):
        consents(store, tmp_path, "")


def test_the_command_says_what_was_said(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "consents.jsonl"
    file.write_text(json.dumps({"item_id": 17, "given_by": "owner", "says": "refuse", "purposes": "all"}))
    words = ["ingest", "consents", store.url, str(file), "--received-on", "2026-11-10"]
    answer = CliRunner().invoke(cli, words)
    assert answer.output.startswith("consents 2026-11-10-")
    assert answer.output.endswith(": 1 entry (1 refusal)\n")
    assert json.loads(CliRunner().invoke(cli, [*words, "--json"]).output)["refusals"] == 1


def opt_outs(
    store: Store, day: str, *entries: tuple[str, str | None, str], turns: tuple[str, ...] = ()
) -> Table:
    """A list of opt-outs, which begin on the first of its turns if it has any."""
    received = datetime.date.fromisoformat(day)
    begins = datetime.date.fromisoformat((turns or (day,))[0])
    rows = [
        {
            "request": "r",
            "kind": kind,
            "source": source,
            "key": key,
            "raw": key,
            "purposes": ALL,
            "state": "active",
            "received_on": received,
            "effective_on": begins,
        }
        for kind, source, key in entries
    ]
    table = pa.Table.from_pylist(
        [{name: row.get(name) for name in schemas.OPT_OUTS.names} for row in rows], schemas.OPT_OUTS
    )
    blob = store.blobs.put_table(table, schemas.OPT_OUTS)
    return Table(OPT_OUTS, f"{day}-{blob.digest[:8]}", day, blobs={"entries": blob}, turns=turns)


def resolved(
    store: Store, lists: list[Table], as_of: str, said: Sequence[Table] = (), known: Sequence[Table] = ()
) -> tuple[str, Result]:
    """The key of the action, and its result, made anew."""
    dataset = store.dataset
    action = standing.action(lists, said, known, buckets=dataset.buckets, shards=dataset.shards, as_of=as_of)
    return standing.STAGE.key(action), standing.run(store, action)


def test_what_stands_goes_where_it_can_be_honored(store: Store, tmp_path: Path) -> None:
    rows = pa.Table.from_pylist(
        [{"source": "flickr", "kind": "alias", "key": "ann", "owner_id": "3@N00", "seen_on": None}],
        schemas.ALIASES,
    )
    entries = store.blobs.put_table(rows, schemas.ALIASES)
    alias = Table(ALIASES, "a", "2026-11-01", blobs={"entries": entries})
    asked = [
        ("item", "flickr", "17"),
        ("owner", "flickr", "1@N00"),
        ("alias", "flickr", "ann"),
        ("tag", None, "x"),
    ]
    lists = [opt_outs(store, "2026-11-01", *asked), opt_outs(store, "2026-11-02", *asked[:2])]
    said = consents(store, tmp_path, "18,,owner,,grant,search,,\n")
    _, result = resolved(store, lists, "2026-11-10", [said], [alias])
    assert result.counts == {"rows": 6, "owners": 2, "items": 2, "wide": 2}
    wide = store.blobs.get_table(result.blobs["wide"], schema=LEAVE)
    assert wide.select(["kind", "key", "no"]).to_pylist() == [
        {"kind": "alias", "key": "ann", "no": ALL},
        {"kind": "tag", "key": "x", "no": ALL},
    ]
    found = {}
    for name, places in (("owners", store.dataset.buckets), ("items", store.dataset.shards)):
        for routed in result.routed[name]:
            for place, piece in routed.slices():
                leave = gather(store.blobs, [piece], LEAVE)
                source, key = (leave[each].combine_chunks() for each in ("source", "key"))
                hashes = keys.item_hash(source, key) if name == "items" else keys.home_hash(source, key, key)
                assert set(keys.bucket_of(hashes, places).tolist()) == {place}
                found |= {row["key"]: (row["no"], row["owner_said"]) for row in leave.to_pylist()}
    granted_on = 2 * (datetime.date(2026, 11, 10) - datetime.date(1970, 1, 1)).days
    search = [granted_on if place == PURPOSES.index("search") else -1 for place in range(16)]
    assert found == {"17": (ALL, None), "1@N00": (ALL, None), "3@N00": (ALL, None), "18": (0, search)}
    # A list that says the same again, or another order of lists, gives the same bytes.
    assert resolved(store, [*lists[::-1], lists[0]], "2026-11-10", [said], [alias])[1] == result


def test_between_turns_nothing_is_resolved_again(store: Store) -> None:
    item = ("item", "flickr", "17")
    lists = [opt_outs(store, "2026-11-01", item, turns=("2026-11-05",))]
    lists.append(opt_outs(store, "2026-11-02", ("item", "flickr", "18")))
    times = [resolved(store, lists, f"2026-11-{day:02}")[0] for day in range(2, 8)]
    assert len(set(times[:3])) == len(set(times[3:])) == 1
    assert times[2] != times[3]
    before, after = (resolved(store, lists, day)[1] for day in ("2026-11-04", "2026-11-05"))
    assert (before.counts["items"], after.counts["items"]) == (1, 2)
    assert set(before.blobs) == set(after.blobs) == set()


def test_nothing_that_stands_is_no_blob(store: Store) -> None:
    later = opt_outs(store, "2026-11-01", ("tag", None, "x"), turns=("2026-12-01",))
    _, result = resolved(store, [later], "2026-11-10")
    assert result == Result(counts={"rows": 0, "owners": 0, "items": 0, "wide": 0})
