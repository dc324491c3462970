"""Nightly: what the next release costs, after (a) nothing, (b) to (e) changes of ever more kinds.

Each night begins at a store in which a release of everything before was cut. The input of the night is
taken in first, and measured for itself; then the release is cut again. ``release cut --dry-run`` says
beforehand how many actions each stage has to do.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.measure import Figures
from benchmarks.peers.release_inputs import release_inputs
from benchmarks.release import CUT, copy_of
from benchmarks.results import BYLEAVE, Results
from benchmarks.worlds import SNAPSHOTS, World, byleave
from pipelines.store.store import close_stores, open_store
from pipelines.store.tables import MANIFESTS

_TODAY = "2026-11-21"
_SHARE_CHANGED = 0.0005


@dataclass(frozen=True)
class _Night:
    name: str
    take_in: Callable[[Path], Figures] | None


def measure_nights(results: Results, world: World, store: Path, rounds: int) -> None:
    """Cut a release, then each night's, from a store of its own; ``rounds`` times."""
    scratch = store.with_name(store.name + "-night")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    nights = [
        _Night("(a) nothing", None),
        _Night("(b) 1 owner opted out", _opt_outs(store, scratch / "b.txt", 1, 0)),
        _Night("(c) 245 owners, 1,000 items", _opt_outs(store, scratch / "c.txt", 245, 1000)),
        _Night("(d) new license snapshot", _licenses(world, scratch / "d.parquet")),
        _Night("(e) 0.1 % new items", _new_items(world, store)),
    ]
    for place in range(1, rounds + 1):
        close_stores()
        base = copy_of(store, scratch / "base")
        full = byleave("release", "cut", str(base), *CUT, "1", folder=base)
        results.add("nightly", "full release", BYLEAVE, full, round=place)
        for night in nights:
            fresh = copy_of(base, scratch / "fresh")
            if night.take_in:
                results.add("nightly", f"{night.name}: ingest", BYLEAVE, night.take_in(fresh), round=place)
            note, before = _to_do(fresh), _memos(fresh)
            cut = byleave("release", "cut", str(fresh), *CUT, "2", folder=fresh)
            done = ", ".join(f"{stage} {n}" for stage, n in sorted((_memos(fresh) - before).items()))
            share = f"{cut.wall_seconds / full.wall_seconds:.3f} of a full release; to do {note}"
            share += f"; done {done or 'nothing'}"
            results.add("nightly", f"{night.name}: release", BYLEAVE, cut, round=place, note=share)
            shutil.rmtree(fresh)
        shutil.rmtree(base)
    shutil.rmtree(scratch)


def _to_do(store: Path) -> str:
    """Of each stage, how many actions there are to do, as far as that can be told beforehand."""
    outlook = json.loads(byleave("release", "cut", str(store), *CUT, "2", "--dry-run", "--json").printed)
    spans = [
        (each, sorted({each["to_do"], each["at_most"]})) for each in outlook["stages"] if each["actions"]
    ]
    return ", ".join(f"{each['stage']} {'-'.join(map(str, s))} of {each['actions']}" for each, s in spans)


def _memos(store: Path) -> Counter[str]:
    """How many actions of each stage are remembered."""
    return Counter(file.relative_to(store / "memo").parts[0] for file in (store / "memo").rglob("*.json"))


def _opt_outs(store: Path, file: Path, owners: int, items: int) -> Callable[[Path], Figures]:
    """Owners and items of the manifest, drawn by the hash of their ids."""
    drawn = []
    for column, count in (("owner_id", owners), ("item_id", items)):
        # No item is there twice, and there are too many of them to group.
        group = "group by 1" if column == "owner_id" else ""
        query = f"""
            select {column} from read_parquet($files) where {column} is not null
            {group} order by md5({column}) limit {count}"""
        found = duckdb.execute(query, {"files": release_inputs(str(store)).manifest}) if count else None
        drawn += [row[0] for row in found.fetchall()] if found else []
    file.write_text("".join(f"{key}\n" for key in drawn), encoding="utf-8")
    return lambda fresh: byleave(
        "ingest", "opt-outs", str(fresh), str(file), "--received-on", _TODAY, folder=fresh
    )


def _licenses(world: World, file: Path) -> Callable[[Path], Figures]:
    """The newest snapshot as seen today, with 0.05 % of the items relicensed, owner by owner."""
    target = int(world.rows * _SHARE_CHANGED)
    source = f"read_parquet({world.snapshot(SNAPSHOTS[-1])})"
    duckdb.execute("set preserve_insertion_order = false")
    duckdb.execute(f"""
        copy (
            with owners as (
                select owner_id, sum(count(*)) over (order by count(*) desc, owner_id) as items
                from {source} where owner_id is not null
                group by owner_id having count(*) <= {max(1, target // 5)}
            )
            select s.* replace (
                date '{_TODAY}' as observed_on,
                case when o.owner_id is null then s.license
                    when s.license = 'CC-BY-4.0' then 'all-rights-reserved' else 'CC-BY-4.0' end as license
            )
            from {source} s left join (select owner_id from owners where items <= {target}) o using (owner_id)
        ) to '{file}' (format parquet, compression zstd)""")
    return lambda fresh: byleave(
        "ingest", "licenses", str(fresh), str(file), "--observed-on", _TODAY, folder=fresh
    )


def _new_items(world: World, store: Path) -> Callable[[Path], Figures]:
    newest = open_store(str(store)).tables.newest(MANIFESTS)
    assert newest is not None
    words = ("--format", "yfcc100m", "--snapshot", "grown", "--onto", newest.name)
    return lambda fresh: byleave("ingest", "manifest", str(fresh), str(world.new_items), *words, folder=fresh)
