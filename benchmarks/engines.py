"""``make engines ROWS=10M``: one world, from files to a release, on every engine; the digests must agree.

    python -m benchmarks.engines --rows 10M [--engines fnapi-2,prism,flink-external] [--rounds 1]

Store and inputs lie on a GCS server of this machine, so that workers have nothing else in common. Each engine
is started for its run, measured with all its processes, and stopped. The tools are those of the tests
(`tests/support`), which install them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

from support import flink, prism, workers
from support.fakegcs import fake_gcs

from benchmarks.measure import measure
from benchmarks.peers.release_inputs import POLICY
from benchmarks.results import FOLDER, machine, short, versions
from benchmarks.results import rows as rows_of
from benchmarks.run import DATA, several
from benchmarks.worlds import BYLEAVE, SNAPSHOTS, World, buckets_for

CHECKOUT = Path(__file__).parents[1]
REFERENCE = "fnapi-2"
_WAY = "way"


@contextlib.contextmanager
def _in_threads(count: int) -> Iterator[Sequence[str]]:
    yield ("--runner=FnApiRunner", "--direct_running_mode=in_memory", f"--direct_num_workers={count}")


@contextlib.contextmanager
def _in_processes() -> Iterator[Sequence[str]]:
    yield ("--runner=FnApiRunner", "--direct_running_mode=multi_processing", "--direct_num_workers=2")


@contextlib.contextmanager
def _on_prism() -> Iterator[Sequence[str]]:
    yield prism.prism_options()


@contextlib.contextmanager
def _on_flink(kind: str) -> Iterator[Sequence[str]]:
    with flink.flink_cluster() as cluster, contextlib.ExitStack() as stack:
        if kind == "external":
            environment = stack.enter_context(workers.worker_pool([CHECKOUT]))
        elif kind == "process":
            environment = workers.processes([CHECKOUT], cluster.folder)
        else:
            environment = workers.LOOPBACK
        yield cluster.options(*environment)


ENGINES: dict[str, Callable[[], AbstractContextManager[Sequence[str]]]] = {
    "fnapi-1": lambda: _in_threads(1),
    REFERENCE: lambda: _in_threads(2),
    "fnapi-processes": _in_processes,
    "prism": _on_prism,
    "flink-loopback": lambda: _on_flink("loopback"),
    "flink-external": lambda: _on_flink("external"),
    "flink-process": lambda: _on_flink("process"),
}


@dataclass(frozen=True)
class EngineRun:
    """One way from files to a release.

    Attributes:
        start_seconds: until the engine was there.
        wall_seconds: of byleave's commands, by name.
        cpu_seconds: of all processes, the engine's and its start included, the GCS server's not.
        peak_bytes: of all processes, likewise.
        digest: of the release.
    """

    rows: int
    engine: str
    round: int
    start_seconds: float
    wall_seconds: dict[str, float]
    cpu_seconds: float
    peak_bytes: int
    digest: str

    @property
    def whole_seconds(self) -> float:
        """Of all commands."""
        return sum(self.wall_seconds.values())


def main() -> None:
    """Read the options; run every engine in turn, print the table, and keep it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default="1M", type=rows_of, help="such as 20k, 1M, 10M")
    parser.add_argument("--engines", default=",".join(ENGINES), type=several(tuple(ENGINES)))
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    world = World(options.rows, DATA / f"world-{short(options.rows)}")
    world.make(1)
    runs: list[EngineRun] = []
    print(f"{options.rows:,} rows, {machine()}, store and inputs on a GCS server beside it")
    head = "".join(f"{name:>10}" for name in ("start s", "wall s", "CPU s", "peak MiB"))
    print(f"{'':<17}{head}{'ratio':>8}{'same':>8}", flush=True)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="engines-", dir=DATA)))
        gcs = stack.enter_context(fake_gcs(folder))
        os.environ["STORAGE_EMULATOR_HOST"] = gcs.url
        inputs = gcs.put_all(world.folder)
        for place in range(1, options.rounds + 1):
            for engine in options.engines:
                store = gcs.new_bucket()
                runs.append(_measure(options.rows, engine, place, inputs, store))
                shutil.rmtree(folder / store)
                print(_line(runs[-1], runs), flush=True)
    _keep(options.rows, runs)
    if len(digests := {run.digest for run in runs}) > 1:
        sys.exit(f"the engines came to {len(digests)} different releases")


def _measure(rows: int, engine: str, place: int, inputs: str, store: str) -> EngineRun:
    # In a process of its own, so that all that belongs to an engine descends from it.
    figures = measure([sys.executable, "-m", "benchmarks.engines", _WAY, engine, inputs, store, str(rows)])
    way = json.loads(figures.printed)
    return EngineRun(
        rows, engine, place, **way, cpu_seconds=figures.cpu_seconds, peak_bytes=figures.peak_bytes
    )


def go_the_way(engine: str, inputs: str, store: str, rows: int) -> None:
    """Start an engine, run byleave's commands on it, and print what each took and the release's digest."""
    world = World(rows, DATA / f"world-{short(rows)}")
    began = time.perf_counter()
    with ENGINES[engine]() as options:
        start_seconds = time.perf_counter() - began
        wall_seconds = {}
        for name, words in _commands(world, inputs, f"gs://{store}/store"):
            behind = [] if name == "init" else ["--", *options]
            before = time.perf_counter()
            said = subprocess.run([*BYLEAVE, *words, *behind], check=True, stdout=subprocess.PIPE).stdout
            wall_seconds[name] = time.perf_counter() - before
    digest = json.loads(said)["digest"]
    print(json.dumps({"start_seconds": start_seconds, "wall_seconds": wall_seconds, "digest": digest}))


def _commands(world: World, inputs: str, store: str) -> Iterator[tuple[str, Sequence[str]]]:
    def on_gcs(path: str | Path) -> str:
        return f"gs://{inputs}/{Path(path).relative_to(world.folder)}"

    yield "init", ("init", store, "--dataset", "yfcc100m", "--buckets", str(buckets_for(world.rows)))
    files = map(on_gcs, world.make(1))
    manifest = ("ingest", "manifest", store, *files, "--format", "yfcc100m", "--snapshot", "1", "--json")
    yield "manifest", manifest
    for day in SNAPSHOTS:
        licenses = ("ingest", "licenses", store, *map(on_gcs, world.snapshot(day)), "--observed-on", day)
        yield f"licenses {day}", (*licenses, "--json")
    for file in world.opt_outs():
        words = ("ingest", "opt-outs", store, on_gcs(file), "--received-on", file.name[:10], "--json")
        yield f"opt-outs {file.name}", words
    yield "cut", ("release", "cut", store, "--policy", str(POLICY), "--version", "1", "--json")


def _line(run: EngineRun, runs: Sequence[EngineRun]) -> str:
    """A row of the table; ratios are to the reference of the same round, where it ran already."""
    of_round = {each.engine: each for each in runs if each.round == run.round}
    reference = of_round.get(REFERENCE)
    ratio = f"{run.whole_seconds / reference.whole_seconds:.2f}" if reference else ""
    same = "yes" if len({each.digest for each in runs}) == 1 else "NO"
    cells = (run.start_seconds, run.whole_seconds, run.cpu_seconds, run.peak_bytes / 2**20)
    return f"{run.engine:<17}" + "".join(f"{cell:>10.1f}" for cell in cells) + f"{ratio:>8}{same:>8}"


def _keep(rows: int, runs: Sequence[EngineRun]) -> None:
    """Replace what the file says of the engines that ran; what it says of others stays."""
    file = FOLDER / f"engines-{short(rows)}.jsonl"
    measured = {run.engine for run in runs}
    before = file.read_text(encoding="utf-8").splitlines()[1:] if file.exists() else []
    others = [run for run in map(json.loads, before) if run["engine"] not in measured]
    FOLDER.mkdir(exist_ok=True)
    lines = [{"machine": machine(), "versions": versions()}, *others, *map(asdict, runs)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    print(f"kept in {file}")


if __name__ == "__main__":
    if sys.argv[1:2] == [_WAY]:
        go_the_way(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
    else:
        main()
