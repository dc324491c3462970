"""The digest of an action's code follows every source that the action can reach, and no other."""

from __future__ import annotations

import concurrent.futures
import gc
import json
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from pipelines import code

ROOT = Path(__file__).parents[1]
STEPS = sorted(f"pipelines.steps.{path.stem}" for path in (ROOT / "pipelines" / "steps").glob("[a-z]*.py"))

# Runs over a copy of the sources. Answers, for a module: which of our files its import loads, and after an
# edit of which files its digest is another one.
PROGRAM = """
import importlib, json, sys
from pathlib import Path
root, asked, edits = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
sys.path.insert(0, str(root))
from pipelines import code
assert Path(code.__file__).is_relative_to(root)

def digest():
    code._digest.cache_clear()
    return code.digest(asked)

before = digest()
importlib.import_module(asked)
ours = [m for name, m in sys.modules.items() if name.split(".")[0] in ("pipelines", "transforms")]
# A package's own file holds words, not code.
loaded = sorted(str(Path(m.__file__).relative_to(root)) for m in ours if not hasattr(m, "__path__"))
loaded.remove("pipelines/code.py")
changed = {}
for edit in edits if edits is not None else loaded:
    file = root / edit
    sound = file.read_bytes() if file.exists() else None
    file.write_bytes((sound or b"") + b"# another line\\n")
    changed[edit] = digest() != before
    file.write_bytes(sound) if sound is not None else file.unlink()
assert digest() == before
print(json.dumps({"digest": before, "loaded": loaded, "changed": changed}))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    for package in ("pipelines", "transforms"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def ask(root: Path, module: str, edits: list[str] | None = None) -> dict[str, Any]:
    # Nothing compiled is left behind: a source that changes back within its second would meet it.
    command = [sys.executable, "-B", "-c", PROGRAM, str(root), module, json.dumps(edits)]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    answer: dict[str, Any] = json.loads(found.stdout)
    return answer


@pytest.mark.parametrize(
    ("module", "reaches"),
    [
        ("pipelines.steps.cut", "transforms/domain/reasons.py"),
        ("pipelines.steps.partition", "transforms/formats/yfcc100m.py"),
        ("pipelines.gate", "transforms/domain/targets.py"),
    ],
)
def test_an_edit_of_any_source_that_an_action_loads_is_another_digest(
    copy: Path, module: str, reaches: str
) -> None:
    answer = ask(copy, module)
    assert reaches in answer["loaded"]
    assert [file for file, changed in answer["changed"].items() if not changed] == []


def test_what_a_step_reads_from_beside_a_source_counts_and_what_it_cannot_reach_does_not(copy: Path) -> None:
    beside = ["transforms/domain/cc_tools.csv", "transforms/domain/new_table.csv"]
    beyond = [
        "pipelines/cli.py",
        "pipelines/catalog/queries.py",
        "transforms/synth/truth.py",
        "transforms/unheard_of.py",
    ]
    answer = ask(copy, "pipelines.steps.join", [*beside, *beyond])
    assert answer["changed"] == dict.fromkeys(beside, True) | dict.fromkeys(beyond, False)


def test_the_digest_is_of_the_sources_and_not_of_where_they_lie(copy: Path) -> None:
    assert ask(copy, "pipelines.steps.merge", [])["digest"] == code.digest("pipelines.steps.merge")


def test_threads_may_ask_at_once() -> None:
    """Workers do, when a stage begins; and whenever memory is swept, another thread may have its turn."""
    expected = [code.digest(step) for step in STEPS]

    def give_way(phase: str, info: dict[str, int]) -> None:
        time.sleep(0)

    before = gc.get_threshold()
    gc.callbacks.append(give_way)
    gc.set_threshold(200)
    try:
        for _ in range(2):
            code._digest.cache_clear()
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                assert list(pool.map(code.digest, STEPS)) == expected
    finally:
        gc.callbacks.remove(give_way)
        gc.set_threshold(*before)


def test_each_step_has_its_own_digest() -> None:
    digests = {step: code.digest(step) for step in STEPS}
    assert len({*digests.values()}) == len(STEPS) >= 7


def test_a_version_of_the_tools_is_part_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code._digest.__wrapped__("pipelines.steps.cut")
    assert code._digest.__wrapped__("pipelines.steps.cut") == before
    monkeypatch.setattr(code, "toolchain", lambda: {"pyarrow": "1", "numpy": "1"})
    assert code._digest.__wrapped__("pipelines.steps.cut") != before


def test_the_toolchain_is_what_writes_the_bytes() -> None:
    import numpy
    import pyarrow

    assert code.toolchain() == {"numpy": numpy.__version__, "pyarrow": pyarrow.__version__}


def test_a_version_of_what_rows_are_read_by_is_part_of_the_code_that_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads, does_not = "pipelines.steps.aliases", "transforms.domain.reasons"
    before = {step: code._digest.__wrapped__(step) for step in (reads, does_not)}
    monkeypatch.setattr(code, "version", lambda name: "0" if name == "idna" else version(name))
    assert code._digest.__wrapped__(reads) != before[reads]
    assert code._digest.__wrapped__(does_not) == before[does_not]
