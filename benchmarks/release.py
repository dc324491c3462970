"""Release: join, decide, write the kept rows, account for the others, tally; and the same by each peer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.equal import differing, released_by_byleave, released_by_peer
from benchmarks.measure import measure
from benchmarks.results import BYLEAVE, Results
from benchmarks.worlds import byleave

BEAM_SAMPLE_ROWS = 100_000
SPARK_MOST_ROWS = 10_000_000
CUT = ("--policy", "research", "--version")


def compare(
    results: Results, store: Path, rounds: int, peers: Sequence[str], *, only_whole: bool = False
) -> None:
    """Byleave and each peer in turn, each from the beginning; the outputs are checked to be equal.

    Raises:
        SystemExit: a peer's release is another one.
    """
    scratch = store.with_name(store.name + "-round")
    for place in range(1, rounds + 1):
        shutil.rmtree(scratch, ignore_errors=True)
        if not only_whole:
            fresh = copy_of(store, scratch / "one-worker")
            figures = byleave("release", "cut", str(fresh), *CUT, "1", "--workers", "1", folder=fresh)
            results.add("release", "one worker", BYLEAVE, figures, round=place)
            shutil.rmtree(fresh)
        fresh = copy_of(store, scratch / "byleave")
        figures = byleave("release", "cut", str(fresh), *CUT, "1", folder=fresh)
        results.add("release", "whole", BYLEAVE, figures, round=place)
        ours = released_by_byleave(str(fresh), "1")
        for peer in peers:
            if peer == "spark" and results.rows > SPARK_MOST_ROWS:
                continue
            sample = BEAM_SAMPLE_ROWS if peer == "beam" and results.rows > BEAM_SAMPLE_ROWS else None
            if sample and place > 1:
                continue  # an hour is not worth a second estimate
            variants = ("whole",) if only_whole or peer == "beam" else ("whole", "kept")
            for variant in variants:
                out = scratch / f"{peer}-{variant}"
                words = [] if variant == "whole" else ["--only-kept"]
                words += ["--sample", str(sample)] if sample else []
                command = [
                    sys.executable,
                    "-m",
                    f"benchmarks.peers.{peer}_release",
                    str(fresh),
                    str(out),
                    *words,
                ]
                figures = measure(command, out)
                results.add("release", variant, peer, figures, round=place, sample=sample)
                if not sample and (faults := differing(ours, released_by_peer(out))):
                    raise SystemExit(
                        f"{peer}, {variant}: another release than byleave's\n  " + "\n  ".join(faults)
                    )
                shutil.rmtree(out)
    shutil.rmtree(scratch, ignore_errors=True)


def copy_of(store: Path, to: Path) -> Path:
    """A copy of ``store`` of hard links: what is added to one is not in the other."""
    shutil.copytree(store, to, copy_function=os.link)
    return to
