"""The version of an action's code: a digest of its source, not a number that someone forgets to raise."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import re
from importlib.metadata import version
from pathlib import Path

_OURS = ("pipelines", "transforms")
# Where rows are read and written, its version is an input: `created_by` in a Parquet file names Arrow's.
_TOOLS = ("pyarrow", "numpy")
# By whose data or grammar rows are read: their versions are a part of the code that imports them.
_READERS = ("confusable_homoglyphs", "http_sfv", "idna", "protego")


def toolchain() -> dict[str, str]:
    """The versions that the bytes of a blob depend on."""
    return {name: version(name) for name in _TOOLS}


@functools.cache
def _source(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _imports(path: Path) -> set[str]:
    """Modules of ours, and readers, that ``path`` imports, at its top or in a function.

    Parsing all sources took a third of a second of every run. A docstring that reads like an import can only
    name a module too many.
    """
    found = set()
    for package, names, modules in _IMPORT.findall(path.read_bytes().decode()):
        listed = [name.split()[0] for name in _ASIDE.sub("", names or modules).split(",") if name.strip()]
        found |= {package, *(f"{package}.{name}" for name in listed)} if package else {*listed}
    return {name for name in found if name.split(".")[0] in (*_OURS, *_READERS)}


_IMPORT = re.compile(r"^[ \t]*(?:from +([\w.]+) +import +(\([^)]*\)|.*)|import +(.*))", re.MULTILINE)
_ASIDE = re.compile(r"#.*|[()]")


def digest(module: str) -> str:
    """SHA-256 over the source of ``module``, of all of ours that it imports, of readers and the toolchain."""
    return _digest(module)


@functools.cache
def _digest(module: str) -> str:
    sources: dict[str, Path] = {}
    readers = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if (library := name.split(".")[0]) in _READERS:
            readers.add(library)
            continue
        path = _source(name)
        if name in sources or path is None:
            continue
        sources[name] = path
        todo.extend(_imports(path))
    sha256 = hashlib.sha256(repr(sorted(toolchain().items())).encode())
    for library in sorted(readers):
        sha256.update(f"\n{library} {version(library)}\n".encode())
    for name, path in sorted(sources.items()):
        sha256.update(f"\n{name}\n".encode() + path.read_bytes())
        # What a module reads from beside itself is part of it.
        for data in sorted(path.parent.glob("*.csv")):
            sha256.update(f"\n{data.name}\n".encode() + data.read_bytes())
    return sha256.hexdigest()
