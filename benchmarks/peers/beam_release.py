"""The release in Beam, as its guide would have it: an element for each row, joined by ``CoGroupByKey``.

    python -m benchmarks.peers.beam_release STORE OUT [--sample FOLDER]

Every row is a dictionary from ``ReadAllFromParquet`` to ``WriteToParquet``. A hundred million such rows
would take a day, so that a sample is measured: some items of the manifest, and what was seen of them. The
runner is byleave's: ``FnApiRunner``, `in_memory`.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import duckdb
from apache_beam.options.pipeline_options import PipelineOptions

from benchmarks.peers.release_inputs import (
    NEVER_WITHDRAWN,
    NOCV,
    VISIBILITY_REASONS,
    ReleaseInputs,
    first_reasons,
    release_inputs,
)
from transforms.domain.license_changes import compare
from transforms.domain.licenses import ALL_RIGHTS_RESERVED, UNKNOWN
from transforms.domain.reasons import BIT
from transforms.domain.schemas import EXCLUDED, EXCLUSIONS, ITEMS, TALLIES

Row = dict[str, Any]
_NO = re.compile(NOCV)
_FIRST = dict(first_reasons())


def _tag(place: int) -> str:
    """Of a snapshot's looks: the newest snapshot is the first, in the order of texts too."""
    return f"looks {place:04}"


def _judge(
    element: tuple[str, dict[str, Iterable[Row]]],
    allowed: frozenset[str],
    items: frozenset[str],
    owners: frozenset[str],
) -> Iterator[Row]:
    """A manifest row with license then and now, and every reason to leave it out."""
    item_id, found = element
    looks = [look for tag in sorted(found.keys() - {"manifest"}) for look in found[tag]]
    for row in found["manifest"]:
        now = looks[0]["license"] if looks else row["license"]
        reasons = VISIBILITY_REASONS.get(looks[0]["visibility"] if looks else "unknown", 0)
        reasons |= BIT["opt_out_item"] * (item_id in items) | BIT["opt_out_owner"] * (
            row["owner_id"] in owners
        )
        said = any(_NO.match(tag) for tag in (*(row["tags"] or ()), *(row["machine_tags"] or ())))
        reasons |= BIT["opt_out_tag"] * said
        if now == UNKNOWN:
            reasons |= BIT["license_unknown"]
        elif now not in allowed:
            reasons |= BIT["license_not_allowed"]
            if now == ALL_RIGHTS_RESERVED and row["license"] not in NEVER_WITHDRAWN:
                reasons |= BIT["license_withdrawn"]
        yield {**row, "license": now, "license_then": row["license"], "license_now": now, "reasons": reasons}


def _excluded(row: Row) -> Row:
    first = _FIRST[row["reasons"] & -row["reasons"]]
    return {name: row[name] for name in ("source", "item_id", "owner_id", "reasons")} | {
        "first_reason": first
    }


def _grain(row: Row) -> tuple[tuple[Any, ...], str | None]:
    reasons = row["reasons"]
    first = _FIRST[reasons & -reasons] if reasons else None
    year = row["uploaded_at"].year if row["uploaded_at"] else None
    then, now = row["license_then"], row["license_now"]
    verdict = "excluded" if reasons else "kept"
    return (then, now, compare(then, now), year, row["media_type"], verdict, first), row["owner_id"]


def _reasons(row: Row) -> Iterator[tuple[str, tuple[str | None, bool]]]:
    for bit, name in _FIRST.items():
        if row["reasons"] & bit:
            yield name, (row["owner_id"], row["reasons"] & -row["reasons"] == bit)


def _tally(element: tuple[tuple[Any, ...], Iterable[str | None]]) -> Row:
    grain, owners = element
    listed = list(owners)
    counts = (len(listed), len({owner for owner in listed if owner is not None}))
    return dict(zip(TALLIES.names, (*grain, *counts), strict=True))


def _exclusion(element: tuple[str, Iterable[tuple[str | None, bool]]]) -> Row:
    reason, found = element
    listed = list(found)
    owners = len({owner for owner, _ in listed if owner is not None})
    return dict(zip(EXCLUSIONS.names, (reason, len(listed), owners, sum(f for _, f in listed)), strict=True))


def release(inputs: ReleaseInputs, out: Path) -> None:
    """The kept rows, an account of the others, and the tallies of both."""
    opted = duckdb.execute("select kind, key from read_parquet($f)", {"f": inputs.opt_outs}).fetchall()
    said = {kind: frozenset(key for of, key in opted if of == kind) for kind in ("item", "owner")}
    options = PipelineOptions(["--runner=FnApiRunner", "--direct_running_mode=in_memory"])
    with beam.Pipeline(options=options) as pipeline:

        def read(name: str, files: list[str], columns: list[str] | None) -> Any:
            read_files = beam.io.ReadAllFromParquet(columns=columns)
            by_item = beam.Map(lambda row: (row["item_id"], row))
            return (
                pipeline
                | f"{name} files" >> beam.Create(files)
                | name >> read_files
                | f"{name} by item" >> by_item
            )

        def write(name: str, rows: Any, schema: Any) -> None:
            _ = rows | f"write {name}" >> beam.io.WriteToParquet(
                str(out / name / "part"), schema, codec="zstd", file_name_suffix=".parquet"
            )

        columns = ["item_id", "license", "visibility"]
        looks = {_tag(n): read(_tag(n), files, columns) for n, files in enumerate(inputs.snapshots)}
        rows = (
            {
                "manifest": read("manifest", inputs.manifest, None),
                **looks,
            }
            | beam.CoGroupByKey()
            | beam.FlatMap(_judge, frozenset(inputs.allowed), said["item"], said["owner"])
        )
        kept = rows | "kept" >> beam.Filter(lambda row: not row["reasons"])
        left_out = rows | "left out" >> beam.Filter(lambda row: row["reasons"])
        write("items", kept | "columns" >> beam.Map(lambda row: {n: row[n] for n in ITEMS.names}), ITEMS)
        write("excluded", left_out | beam.Map(_excluded), EXCLUDED)
        grains = rows | "grain" >> beam.Map(_grain) | "by grain" >> beam.GroupByKey()
        write("tallies", grains | beam.Map(_tally), TALLIES)
        reasons = left_out | beam.FlatMap(_reasons) | "by reason" >> beam.GroupByKey()
        write("exclusions", reasons | beam.Map(_exclusion), EXCLUSIONS)


def write_sample(store: str, rows: int, folder: Path) -> None:
    """Write ``rows`` rows of the manifest, and each snapshot's rows of their items, into ``folder``."""
    inputs = release_inputs(store)
    folder.mkdir(parents=True)
    manifest = folder / "manifest.parquet"
    some = f"select * from read_parquet({inputs.manifest}) order by md5(item_id) limit {rows}"
    duckdb.execute(f"copy ({some}) to '{manifest}'")
    for place, files in enumerate(inputs.snapshots):
        looks = f"select * from read_parquet({files}) semi join '{manifest}' using (item_id)"
        duckdb.execute(f"copy ({looks}) to '{folder / f'looks-{place}.parquet'}'")


def _sampled(inputs: ReleaseInputs, folder: Path) -> ReleaseInputs:
    snapshots = [[str(folder / f"looks-{place}.parquet")] for place in range(len(inputs.snapshots))]
    return dataclasses.replace(inputs, manifest=[str(folder / "manifest.parquet")], snapshots=snapshots)


def main() -> None:
    """Read the words of the command line, and write the release."""
    store, out, *words = sys.argv[1:]
    inputs = release_inputs(store)
    release(_sampled(inputs, Path(words[1])) if words[:1] == ["--sample"] else inputs, Path(out))


if __name__ == "__main__":
    main()
