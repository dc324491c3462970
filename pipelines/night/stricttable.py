"""A table of a TOML file, read strictly: each key is asked for once, and what is left over is a fault."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from transforms.domain.errors import ConfigError
from transforms.domain.texts import did_you_mean, shown

_Value = TypeVar("_Value")


class StrictTable:
    """Hands out a table's values. A fault is noted with its path, and reading goes on with a stand-in.

    Attributes:
        folder: what paths in the file are relative to.
    """

    def __init__(self, tree: dict[str, Any], path: str, place: str, folder: Path, faults: list[str]) -> None:
        self.folder = folder
        self._tree = tree
        self._path = path
        self._place = place
        self._faults = faults
        self._known: dict[str, None] = {}

    def fault(self, key: str, words: str) -> None:
        """Note what is wrong with the value of ``key``; with the table itself if it is empty."""
        path = ".".join(part for part in (self._path, key) if part)
        self._faults.append(f"{self._place} > {path}: {words}" if path else f"{self._place}: {words}")

    def has(self, key: str) -> bool:
        """Whether the key is there; it may be."""
        self._known[key] = None
        return key in self._tree

    def end(self) -> None:
        """Everything that may stand in the table was asked for: what else stands there is a fault."""
        for key in self._tree:
            if key not in self._known:
                near = did_you_mean(key, self._known) or f" There are: {', '.join(self._known)}."
                self.fault("", f"unknown key {shown(key)}.{near}")

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty; without a default it must be stated."""
        value = self._get(key, default)
        if value is None:
            return ""
        if not isinstance(value, str) or not value:
            self.fault(key, f"{shown(value)} is not a text")
            return ""
        return value

    def choice(self, key: str, names: tuple[str, ...], default: str | None = None) -> str:
        """One of ``names``."""
        value = self.text(key, default)
        if value and value not in names:
            near = did_you_mean(value, names) or f" It is one of {', '.join(map(shown, names))}."
            self.fault(key, f"unknown value {shown(value)}.{near}")
        return value

    def switch(self, key: str, default: bool) -> bool:
        """True or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            self.fault(key, f"{shown(value)} is neither true nor false")
        return value is True

    def number(
        self, key: str, default: float, *, above: float | None = None, most: float | None = None
    ) -> float:
        """A number from 0, or ``above`` it, up to ``most``."""
        value = self._get(key, default)
        least = 0 if above is None else above
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.fault(key, f"{shown(value)} is not a number")
        elif not (value > least if above is not None else value >= least) or (
            most is not None and value > most
        ):
            upper = "" if most is None else f", at most {most:g}"
            self.fault(
                key, f"{value} is out of range: {'above' if above is not None else 'from'} {least:g}{upper}"
            )
        else:
            return float(value)
        return default

    def location(self, key: str, *, local: bool = False) -> str:
        """A URL, or a path, made absolute."""
        value = self.text(key)
        if "://" in value:
            if local:
                self.fault(key, f"{shown(value)} is not a file of this machine")
            return value
        return os.path.normpath(self.folder.absolute() / value) if value else ""

    def checked(self, key: str, read: Callable[[str], _Value]) -> _Value | None:
        """What ``read`` makes of a text; None, and its fault noted, if it raises."""
        value = self.text(key)
        try:
            return read(value) if value else None
        except ConfigError as error:
            for line in str(error).splitlines():
                self.fault(key, line)
            return None

    def table(self, key: str) -> StrictTable:
        """The table of this name; an empty one if there is none."""
        value = self._get(key, {})
        return self._below(key, value)

    def tables(self, key: str) -> Iterator[StrictTable]:
        """The tables of an array of tables."""
        values = self._get(key, [])
        if not isinstance(values, list):
            self.fault(key, f"is not a list of tables; write each as [[{key}]]")
            return
        for number, value in enumerate(values):
            yield self._below(f"{key}[{number}]", value)

    def _below(self, key: str, value: object) -> StrictTable:
        if not isinstance(value, dict):
            self.fault(key, f"{shown(value)} is not a table; write it as [{key}]")
            value = {}
        path = ".".join(part for part in (self._path, key) if part)
        return StrictTable(value, path, self._place, self.folder, self._faults)

    def _get(self, key: str, default: object) -> Any:
        self._known[key] = None
        value = self._tree.get(key, default)
        if value is None:
            self.fault(key, "is missing, and has no default")
        return value
