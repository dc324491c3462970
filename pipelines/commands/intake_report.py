"""How a dry run, what waits, and a receipt are told: as text, as JSON, as CSV."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from pipelines.optouts.dryrun import DryRun
from pipelines.optouts.receipts import Receipt
from pipelines.plurals import counted
from transforms.domain.texts import shown
from transforms.intake import told

_COLUMNS = ("request", "kind", "source", "key", "raw", "state", "held_for", "items", "owners", "share")


def summary_of(found: DryRun) -> dict[str, Any]:
    """The numbers of a dry run."""
    entries, weighing = found.intake.entries, found.intake.weighing
    states = {state: _count(entries, state) for state in ("active", "held", "withdrawn")}
    return {
        "entries": len(entries),
        "requests": len(entries["request"].unique()),
        **states,
        "derived": found.intake.derived,
        "not_understood": found.not_understood,
        "blank_lines": found.blank_lines,
        "held_as_a_whole": found.intake.whole or None,
        "manifest": weighing.manifest or None,
        "items_in_manifest": weighing.items,
    }


def json_of(found: DryRun) -> dict[str, Any]:
    """The whole of a dry run; each line that is not understood is in it."""
    faults = [line for each in found.faults for line in each.said()]
    return {**summary_of(found), "entries_told": told_of(_told(found), _COLUMNS), "faults": faults}


def csv_of(found: DryRun) -> str:
    """A line for each entry, behind a header."""
    sink = io.BytesIO()
    pcsv.write_csv(_told(found).select(_COLUMNS), sink)
    return sink.getvalue().decode()


def text_of(found: DryRun, most: int) -> str:
    """For a person: numbers, then what waits, what removes most, and what is not understood."""
    summary, entries = summary_of(found), _told(found)
    lines = [
        f"{counted(summary['entries'], 'entry', 'entries')} of {counted(summary['requests'], 'request')}:"
        f" {summary['active']:,} active, {summary['held']:,} held, {summary['withdrawn']:,} withdrawn;"
        f" {counted(summary['not_understood'], 'line')} not understood"
    ]
    if not summary["entries"] and not summary["not_understood"]:
        lines.append("the list is empty: ingest takes it in with --allow-empty alone")
    if summary["derived"]:
        lines.append(f"{summary['derived']:,} of them by the bytes of items, under whatever id")
    if found.blank_lines:
        lines.append(f"blank lines, which name nobody and are skipped: {found.blank_lines:,}")
    if not summary["manifest"]:
        lines.append("there is no manifest yet: how many items they meet is not known, and no share is held")
    if whole := summary["held_as_a_whole"]:
        lines.append(f"held as a whole: {whole}")
        if summary["withdrawn"]:
            lines.append("ingest refuses it, since it withdraws: see --max-shrink and --max-growth")
    held = entries.filter(pc.equal(entries["state"], "held"))
    lines += _section("held for a person:", held, most)
    active = entries.filter(pc.equal(entries["state"], "active"))
    active = active.filter(pc.greater(active["items"], 0)).sort_by(
        [("items", "descending"), ("key", "ascending")]
    )
    lines += _section("would remove:", active, most)
    faults = [line for each in found.faults for line in each.said()]
    if faults:
        lines += ["not understood, so nothing would be taken in:", *(f"  {line}" for line in faults)]
    return "\n".join(lines)


def told_of(entries: pa.Table, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Entries as JSON values: days as texts."""
    rows = entries.select(list(columns)).to_pylist()
    return [{name: str(v) if name.endswith("_on") and v else v for name, v in row.items()} for row in rows]


def receipt_text(found: Receipt) -> str:
    """A receipt for a person."""
    lines = [f"request {found.request}: {found.state} as of {found.as_of}"]
    lines += [f"  held for: {why}" for why in found.held_for]
    lines += [f"  {name} {day}" for name, day in found.dates.items()]
    lines += [f"  honored from release {version}, for {p}" for p, version in sorted(found.honored.items())]
    if found.manifest:
        met = f"{counted(found.items, 'item')} of {counted(found.owners, 'owner')}"
        lines.append(f"  meets {met} in manifest {found.manifest}")
    return "\n".join(lines)


def _told(found: DryRun) -> pa.Table:
    entries = told(found.intake.entries, found.intake.weighing.weights)
    items = max(found.intake.weighing.items, 1)
    share = pc.divide(entries["items"].cast(pa.float64()), float(items))
    return entries.append_column("share", share)


def _section(title: str, entries: pa.Table, most: int) -> Iterator[str]:
    if len(entries):
        yield title
        for row in entries.slice(0, most).to_pylist():
            why = f": {row['held_for']}" if row["held_for"] else ""
            yield (
                f"  {row['request']}  {row['kind']} {shown(row['raw'])}  {counted(row['items'], 'item')} of"
                f" {counted(row['owners'], 'owner')} ({row['share']:.2%}){why}"
            )
        if len(entries) > most:
            yield f"  and {len(entries) - most:,} more"


def _count(entries: pa.Table, state: str) -> int:
    return pc.sum(pc.equal(entries["state"], state)).as_py() or 0
