"""Release: join, decide, write the kept rows, account for the others, tally; and the same by each peer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.equal import Files, differing, released_by_byleave, released_by_peer
from benchmarks.measure import measure
from benchmarks.peers.release_inputs import POLICY
from benchmarks.results import BYLEAVE, Results
from benchmarks.worlds import byleave
from pipelines.store.store import close_stores

BEAM_SAMPLE_ROWS = 100_000
SPARK_MOST_ROWS = 10_000_000
CUT = ("--policy", str(POLICY), "--version")
_CUT_IN = ("release", "cut")


def compare(
    results: Results, store: Path, rounds: int, peers: Sequence[str], *, only_whole: bool = False
) -> None:
    """Byleave and each peer in turn, each from the beginning; the outputs are checked to be equal.

    Raises:
        SystemExit: a peer's release is another one.
    """
    scratch = store.with_name(store.name + "-round")
    for place in range(1, rounds + 1):
        close_stores()
        shutil.rmtree(scratch, ignore_errors=True)
        if not only_whole:
            fresh = copy_of(store, scratch / "one-worker")
            figures = byleave(*_CUT_IN, str(fresh), *CUT, "1", "--workers", "1", folder=fresh)
            results.add("release", "one worker", BYLEAVE, figures, round=place)
            shutil.rmtree(fresh)
        fresh = copy_of(store, scratch / "byleave")
        figures = byleave(*_CUT_IN, str(fresh), *CUT, "1", folder=fresh)
        results.add("release", "whole", BYLEAVE, figures, round=place)
        ours = released_by_byleave(str(fresh), "1")
        for peer in peers:
            if peer == "beam":
                _run_beam(results, fresh, ours, place)
            elif peer != "spark" or results.rows <= SPARK_MOST_ROWS:
                _run(results, peer, "whole", fresh, ours, place)
                if not only_whole:
                    _run(results, peer, "kept", fresh, ours, place)
    close_stores()
    shutil.rmtree(scratch, ignore_errors=True)


def _run(results: Results, peer: str, variant: str, store: Path, ours: Files, place: int) -> None:
    out = store.with_name(f"{peer}-{variant}")
    words = ["--only-kept"] if variant == "kept" else []
    try:
        figures = measure(_command(peer, store, out, words), out)
    except SystemExit as error:  # such as one that the system killed for its memory
        print(f"release, {variant}, {place}: {peer} left out: {str(error).splitlines()[-1]}")
        shutil.rmtree(out, ignore_errors=True)
        return
    results.add("release", variant, peer, figures, round=place)
    if faults := differing(ours, released_by_peer(out)):
        raise SystemExit(f"{peer}, {variant}: another release than byleave's\n  " + "\n  ".join(faults))
    shutil.rmtree(out)


def _run_beam(results: Results, store: Path, ours: Files, place: int) -> None:
    """All of it if it is small enough; else a sample, once: an hour is not worth a second estimate."""
    if results.rows <= BEAM_SAMPLE_ROWS:
        _run(results, "beam", "whole", store, ours, place)
    elif place == 1:
        from benchmarks.peers.beam_release import write_sample

        sample, out = store.with_name("sample"), store.with_name("beam")
        write_sample(str(store), BEAM_SAMPLE_ROWS, sample)
        figures = measure(_command("beam", store, out, ["--sample", str(sample)]), out)
        results.add("release", "whole", "beam", figures, sample=BEAM_SAMPLE_ROWS)


def _command(peer: str, store: Path, out: Path, words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", f"benchmarks.peers.{peer}_release", str(store), str(out), *words]


def copy_of(store: Path, to: Path) -> Path:
    """A copy of ``store`` of hard links: what is added to one is not in the other."""
    shutil.copytree(store, to, copy_function=os.link)
    return to
