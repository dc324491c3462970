"""What a worker gets from `--setup_file=./setup.py` is all that it needs, and is byleave as it is here."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from pipelines import code
from pipelines.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dataflow")]

ROOT = Path(__file__).parents[2]
STEPS = sorted(f"pipelines.steps.{path.stem}" for path in (ROOT / "pipelines" / "steps").glob("[a-z]*.py"))


def elsewhere(program: Path, *words: str, folder: Path) -> str:
    """What ``program`` prints when it is run in ``folder``, with nothing of this checkout in its reach."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(program), *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_holds_what_runs_and_nothing_that_tests(archive: Path) -> None:
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    tops = {name.split("/")[0] for name in names if name}
    assert not tops & {"tests", "benchmarks", "docs"}
    here = [
        *ROOT.glob("pipelines/**/*.py"),
        *ROOT.glob("transforms/**/*.py"),
        *ROOT.glob("transforms/**/*.csv"),
    ]
    data = [*ROOT.glob("sql/**/*.sql"), *ROOT.glob("configs/**/*.toml")]
    assert {str(path.relative_to(ROOT)) for path in (*here, *data)} <= names


def test_what_is_installed_is_ours_alone(worker: Path, tmp_path: Path) -> None:
    (site,) = worker.parents[1].glob("lib/python*/site-packages")
    packages = {path.name for path in site.iterdir() if path.is_dir() and not path.name.endswith("dist-info")}
    assert packages - {"__pycache__"} == {"pipelines", "transforms"}
    where = elsewhere(worker, "-c", "import pipelines; print(pipelines.__file__)", folder=tmp_path)
    assert where.startswith(str(site))


def test_actions_have_the_keys_that_they_have_here(worker: Path, tmp_path: Path) -> None:
    program = (
        "import json, sys; from pipelines import code; "
        "print(json.dumps([code.toolchain(), {name: code.digest(name) for name in sys.argv[1:]}]))"
    )
    modules = [*STEPS, "pipelines.gate"]
    toolchain, digests = json.loads(elsewhere(worker, "-c", program, *modules, folder=tmp_path))
    assert toolchain == code.toolchain()
    assert digests == {name: code.digest(name) for name in modules}


def test_it_cuts_the_release_that_is_cut_here(
    worker: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    byleave = worker.parent / "byleave"
    elsewhere(byleave, "synth", "world", "--rows", "3000", "--seed", "11", folder=tmp_path)
    photos = [f"world/manifest/{path.name}" for path in sorted((tmp_path / "world" / "manifest").iterdir())]
    snapshot, days = "world/licenses/2025-06-01.parquet", ["--observed-on", "2025-06-01"]

    def commands(store: str) -> list[list[str]]:
        lists = ("world/opt-outs/2025-06-10.txt", "--received-on", "2025-06-10")
        return [
            ["init", store, "--dataset", "yfcc100m", "--buckets", "8"],
            ["ingest", "manifest", store, *photos, "--format", "yfcc100m", "--snapshot", "a"],
            ["ingest", "licenses", store, snapshot, *days],
            ["ingest", "opt-outs", store, *lists],
            ["release", "cut", store, "--policy", "research", "--version", "1"],
            ["sql", store, "--file", "sql/stats/licenses.sql", "--json"],
            ["release", "show", store, "--json"],
        ]

    shown = [elsewhere(byleave, *words, folder=tmp_path) for words in commands("there")]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        for words in commands("here"):
            capsys.readouterr()
            with pytest.raises(SystemExit) as left:
                main(words)
            assert not left.value.code
    ours = json.loads(capsys.readouterr().out)
    theirs = json.loads(shown[-1])
    assert theirs["digest"] == ours["digest"]
    assert theirs["counts"]["kept"] > 0
    memos = [sorted(p.name for p in (tmp_path / s / "memo").rglob("*.json")) for s in ("there", "here")]
    assert memos[0] == memos[1]
    assert memos[0]
