"""What was measured, as lines of JSON: `results/10M.jsonl` holds every run of the last `make bench ROWS=10M`.

Tables and plots are drawn from these files only, so that no number is typed by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.measure import Figures

FOLDER = Path(__file__).parent / "results"
BYLEAVE = "byleave"


@dataclass(frozen=True)
class Run:
    """One run of one command.

    Attributes:
        rows: of the world's manifest.
        item: of work: `ingest`, `release`, `nightly`, `drift`.
        what: which work of this item, such as `whole`.
        who: byleave, or a peer.
        round: from 1. Runs of one round followed each other.
        extrapolated_from: the rows it was really run on; None where that is ``rows``.
        note: what else is to be said: actions per stage, files.
    """

    rows: int
    item: str
    what: str
    who: str
    round: int
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    written_bytes: int
    extrapolated_from: int | None = None
    note: str = ""


class Results:
    """Collects runs of one number of rows, and shows each as it is measured."""

    def __init__(self, rows: int, *, kept: bool = True) -> None:
        self.rows = rows
        self.runs: list[Run] = []
        self._kept = kept
        print(f"{rows:,} rows, {machine()}")
        print(f"{'':<46}{'wall s':>9}{'CPU s':>9}{'peak MiB':>10}{'written MiB':>13}{'us/row':>8}")

    def add(
        self,
        item: str,
        what: str,
        who: str,
        figures: Figures,
        *,
        round: int = 1,  # noqa: A002
        sample: int | None = None,
        note: str = "",
    ) -> Run:
        """Note and show one run. Of a run on ``sample`` rows the time is extrapolated, and says so."""
        scale = self.rows / sample if sample else 1.0
        run = Run(
            self.rows,
            item,
            what,
            who,
            round,
            figures.wall_seconds * scale,
            figures.cpu_seconds * scale,
            figures.peak_bytes,
            figures.written_bytes,
            sample,
            note,
        )
        self.runs.append(run)
        mark = f"  on {sample:,} rows, extrapolated" if sample else ""
        print(
            f"{f'{item}, {what}, {round}: {who}':<46}{run.wall_seconds:>9.1f}{run.cpu_seconds:>9.1f}"
            f"{run.peak_bytes / 2**20:>10.0f}{run.written_bytes / 2**20:>13.1f}"
            f"{run.wall_seconds / self.rows * 1e6:>8.2f}  {note}{mark}",
            flush=True,
        )
        return run

    def write(self, items: Iterable[str]) -> Path:
        """Replace what the file says of ``items``; the rest of it stays."""
        measured = set(items)
        file = FOLDER / f"{short(self.rows)}.jsonl"
        others = [run for run in read(file) if run.item not in measured]
        FOLDER.mkdir(exist_ok=True)
        own = [run for run in self.runs if run.item in measured]
        head = {"machine": machine(), "versions": {**_versions(file), **versions()}}
        lines = [
            head,
            *({k: v for k, v in asdict(run).items() if v is not None} for run in (*others, *own)),
        ]
        file.write_text("".join(json.dumps(_rounded(line)) + "\n" for line in lines), encoding="utf-8")
        return file


def read(file: Path) -> list[Run]:
    """The runs that a file holds; none if there is no file."""
    lines = file.read_text(encoding="utf-8").splitlines()[1:] if file.exists() else []
    return [Run(**json.loads(line)) for line in lines]


def _versions(file: Path) -> dict[str, str]:
    """What the runs in a file were made with, some of which may not be installed here."""
    head = file.read_text(encoding="utf-8").splitlines()[:1] if file.exists() else []
    return dict(json.loads(head[0])["versions"]) if head else {}


def ratios(runs: Sequence[Run], who: str) -> list[float]:
    """For each round in which both ran: the wall time of ``who`` over byleave's."""
    ours = {run.round: run.wall_seconds for run in runs if run.who == BYLEAVE}
    return [run.wall_seconds / ours[run.round] for run in runs if run.who == who and run.round in ours]


def median(values: Iterable[float]) -> float:
    """The median; of an even number, the mean of the two in the middle."""
    return statistics.median(values)


def short(rows: int) -> str:
    """Such as 10M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if rows % size == 0:
            return f"{rows // size}{unit}"
    return str(rows)


def rows(text: str) -> int:
    """A number of rows such as 300k or 10M."""
    found = re.fullmatch(r"(\d+)([kM]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows such as 300k or 10M")
    return int(found[1]) * {"": 1, "k": 1_000, "M": 1_000_000}[found[2]]


def machine() -> str:
    """Processor, cores and memory."""
    model = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    memory = next(
        (int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0
    )
    return f"{os.cpu_count()} cores ({model}), {memory / 2**20:.0f} GiB"


def versions() -> dict[str, str]:
    """Of what is compared."""
    found = {"python": platform.python_version()}
    for name in ("pyarrow", "duckdb", "apache-beam", "polars", "pyspark"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _lines(file: str) -> list[str]:
    return Path(file).read_text().splitlines() if Path(file).exists() else []


def _rounded(line: dict[str, object]) -> dict[str, object]:
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in line.items()}
