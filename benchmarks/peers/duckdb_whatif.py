"""Two policies over facts in DuckDB: what a maintainer would write by hand instead of `byleave policy diff`.

    python -m benchmarks.peers.duckdb_whatif FOLDER BEFORE AFTER

Prints the counts as JSON, by byleave's names. Rows are added up by owner first, so that each owner is counted
once in each cell.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb

from pipelines.policies import find_policy
from pipelines.store.blobs import Blob
from transforms.domain import purposes
from transforms.domain.policy import Policy
from transforms.domain.reasons import OPT_OUTS, PRECEDENCE

THREADS = 2
_SIDES = {"before": "was", "after": "stays", "gained": "not was and stays", "lost": "was and not stays"}


def ask(folder: Path, before: str, after: str) -> dict[str, int]:
    """The counts that `byleave policy diff` gives."""
    blobs = [Blob.from_json(blob) for _, *blob in json.loads((folder / "facts.json").read_text())]
    files = [str(folder / "store" / blob.path) for blob in blobs]
    with duckdb.connect(config={"threads": THREADS}) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(
            f"""create temp table decided as
            with facts as (select * from read_parquet(?)),
            judged as (
                select *, {_first(find_policy(before))} as old, {_first(find_policy(after))} as new from facts
            )
            select
                old is null as was, new is null as stays, coalesce(old, new) as reason,
                license_now as license,
                coalesce(upload_year::text, 'unknown') as year, owner, count(*) as items
            from judged group by all""",
            [files],
        )
        ((rows,),) = connection.execute("select sum(items)::bigint from decided").fetchall()
        counts = {"rows": rows}
        for name, where in _SIDES.items():
            grains = ("reason", "license", "year") if name in ("gained", "lost") else ()
            for grain in ("", *grains):
                query = f"""select {grain or "''"} as value, sum(items)::bigint, count(owner) from (
                    select {grain or "''"} as {grain or "value"}, owner, sum(items) as items
                    from decided where {where} group by all) group by all"""
                # Of nothing, a constant still makes one group.
                answer = connection.execute(query).fetchall()
                for value, items, owners in (row for row in answer if row[1]):
                    tail = f"{name}/{grain}/{value}" if grain else name
                    counts |= {f"items/{tail}": items} | ({f"owners/{tail}": owners} if owners else {})
    return counts


def _first(policy: Policy) -> str:
    """The first reason by which a policy leaves a row out, as SQL; null where it is kept."""
    bit = purposes.BIT[policy.purpose]
    allowed = ", ".join(f"'{name}'" for name in (*policy.allowed, "unknown"))
    said = {f"opt_out_{kind}": f"no_{kind} & {bit} <> 0" for kind in OPT_OUTS}
    said |= {"consent_refused": f"refused & {bit} <> 0", "signal_no": f"signal_no & {bit} <> 0"}
    if policy.unreadable_signal == "exclude":
        said["signal_unreadable"] = "signal_unreadable"
    hidden = {"deleted": policy.deleted, "private": policy.private, "missing": policy.missing}
    said |= {value: f"visibility = '{value}'" for value, verdict in hidden.items() if verdict == "exclude"}
    if policy.unknown_visibility == "exclude":
        said["visibility_unknown"] = "visibility = 'unknown'"
    if policy.unknown_license == "exclude":
        said["license_unknown"] = "license_now = 'unknown'"
    said["license_withdrawn"] = f"direction = 'withdrawn' and license_now not in ({allowed})"
    said["license_not_allowed"] = f"license_now not in ({allowed})"
    cases = " ".join(f"when {said[reason]} then '{reason}'" for reason in PRECEDENCE if reason in said)
    return f"case {cases} end"


if __name__ == "__main__":
    print(json.dumps(ask(Path(sys.argv[1]), *sys.argv[2:]), sort_keys=True))
