"""``make demo``: the whole way in a minute, by the commands that a user would type.

Makes a synthetic manifest, takes it in, cuts a release; then licenses change and people opt out, and a second
release is cut. What changed is told by ``release diff``, and how licenses drifted by ``drift``. Then people
say more, for some purposes and of pictures that show them, and a release for face detection is cut.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROWS = 1_000_000


def main(folder: str) -> None:
    """Run the demo in ``folder``, which is made anew."""
    root = Path(folder)
    shutil.rmtree(root, ignore_errors=True)
    world, store = root / "world", root / "store"
    for command in (
        f"synth {world} --rows {ROWS} --seed 2014",
        f"init {store} --dataset yfcc100m --buckets 64",
        f"ingest manifest {store} {world}/manifest/* --format yfcc100m --snapshot 2014-05",
        f"ingest licenses {store} {world}/licenses/2025-06-01.parquet --observed-on 2025-06-01",
        f"ingest opt-outs {store} {world}/opt-outs/2025-06-10.txt --received-on 2025-06-10",
        f"release cut {store} --policy configs/policies/research.toml --version 2025.6.0",
        f"ingest licenses {store} {world}/licenses/2026-11-01.parquet --observed-on 2026-11-01",
        f"ingest opt-outs {store} {world}/opt-outs/2026-11-10.* --received-on 2026-11-10",
        f"release cut {store} --policy configs/policies/research.toml --version 2026.11.0",
        f"release diff {store} 2025.6.0 2026.11.0",
        f"drift {store} --from 2025-06-01 --to 2026-11-01 --html {root}/drift.html",
        f"ingest aliases {store} {world}/leave/aliases.csv --observed-on 2026-11-15",
        f"ingest opt-outs {store} {world}/leave/opt-outs.csv --received-on 2026-11-15",
        f"ingest consents {store} {world}/leave/consents.csv --received-on 2026-11-15",
        f"ingest detections {store} {world}/leave/detections.csv --format csv --observed-on 2026-11-15",
        f"release cut {store} --policy configs/policies/face-detection.toml --version 2026.11.1"
        " --as-of 2026-11-20",
    ):
        _run(command, root)
    _check(world, store)


def _run(command: str, root: Path) -> None:
    print(f"\n$ byleave {command}", flush=True)
    words = [word for each in shlex.split(command) for word in _expand(each)]
    subprocess.run([sys.executable, "-m", "pipelines.cli", *words], check=True)


def _expand(word: str) -> list[str]:
    """What a shell would make of ``word``."""
    return [str(path) for path in sorted(Path().glob(word))] if "*" in word else [word]


def _check(world: Path, store: Path) -> None:
    """Hold the later releases to the answers that the generator counted for itself."""
    expected = json.loads((world / "expected.json").read_text())
    for version, policy, answers in (
        ("2026.11.0", "research", expected["releases"]),
        ("2026.11.1", "face-detection", expected["leave"]),
    ):
        answer = next(e for e in answers if (e["policy"], e["as_of"]) == (policy, "2026-11-20"))
        shown = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "release", "show", str(store), version, "--json"],
            check=True,
            capture_output=True,
            text=True,
        )
        counts = json.loads(shown.stdout)["counts"]
        if (counts["kept"], counts["first_reason"]) != (answer["kept"], answer["first_reason"]):
            sys.exit(f"release {version} holds {counts}; the generator counted {answer}")
    print(f"\nkept and left out by reason: as the generator counted them. The store stays in {store}")


if __name__ == "__main__":
    main(sys.argv[1])
