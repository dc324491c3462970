"""byleave as a worker has it: its sdist, installed in an environment of its own with the `dataflow` extra."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from support import tools

ROOT = Path(__file__).parents[2]
_BUILDERS = ("build", "setuptools>=77", "wheel", "pip")


def dependencies() -> Path:
    """The Python of an environment with all that byleave needs on Dataflow, and without byleave.

    Versions are those of the environment that runs the tests, wherever that has a package too: the keys of
    actions depend on some of them.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dataflow"], *_BUILDERS]
    here = {d.metadata["Name"].lower(): d.version for d in distributions()}
    pinned = sorted(
        f"{n}=={v}" for n, v in here.items() if n not in ("byleave", "pip", "setuptools", "wheel")
    )
    key = hashlib.sha256("\n".join([sys.version, *wanted, *pinned]).encode()).hexdigest()[:12]

    def install(staging: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", str(staging)], check=True)
        (staging / "constraints.txt").write_text("\n".join(pinned))
        # The folder gets another name when it is whole: nothing is run by a path that is written down in it.
        pip = [
            str(staging / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        tools.build([*pip, "--constraint", str(staging / "constraints.txt"), *wanted])

    return tools.installed(f"dataflow-{key}", install) / "bin" / "python"


def sdist(folder: Path) -> Path:
    """The sdist of this checkout's tracked files, built in ``folder``."""
    sources = folder / "checkout"
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(listed, cwd=ROOT, text=True).split("\0")[:-1]:
        if (ROOT / name).is_file():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            (sources / name).write_bytes((ROOT / name).read_bytes())
    built = folder / "dist"
    build = [str(dependencies()), "-m", "build", "--no-isolation", "--sdist", "--outdir", str(built)]
    tools.build([*build, str(sources)])
    (found,) = built.glob("*.tar.gz")
    return found


def installed(archive: Path, folder: Path) -> Path:
    """The Python of a new environment in ``folder`` into which ``archive`` was installed."""
    base = dependencies()
    subprocess.run([str(base), "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (packages,) = base.parents[1].glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(f"{packages}\n")
    python = folder / "bin" / "python"
    pip = [str(base), "-m", "pip", f"--python={python}", "install", "--quiet", "--disable-pip-version-check"]
    # Nothing is fetched: an archive that asks for more than the environment has is refused.
    tools.build([*pip, "--no-index", "--no-build-isolation", str(archive)])
    return python
