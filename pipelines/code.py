"""The version of an action's code: a digest of its source, not a number that someone forgets to raise."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import threading
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


def _source(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _imports(path: Path) -> set[str]:
    """Modules of ours, and readers, that ``path`` imports, at its top or in a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.split(".")[0] in (*_OURS, *_READERS)}


# Python 3.11 counts how deep a syntax tree is for all threads at once: two that parse make each other fail.
_PARSING = threading.Lock()


def digest(module: str) -> str:
    """SHA-256 over the source of ``module``, of all of ours that it imports, of readers and the toolchain."""
    with _PARSING:
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
