"""What the program can write by itself: `docs/cli.md` and the transcript in README.md."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pages import ROOT


@pytest.fixture
def hold(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """A function that fails if a page is not the text that it should be; with `--write` it makes it so."""

    def held(path: Path, text: str) -> None:
        found = path.read_text(encoding="utf-8") if path.exists() else ""
        if found != text and request.config.getoption("--write"):
            path.write_text(text, encoding="utf-8")
            found = text
        assert found == text, f"{path.relative_to(ROOT)} is not current: make docs"

    return held
