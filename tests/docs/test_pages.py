"""What holds for every page: links lead somewhere, decisions have their form, and errors their codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import ROOT, documents, read, table

from transforms.domain import errors

PAGES = [str(path.relative_to(ROOT)) for path in documents()]
DECISIONS = [page for page in PAGES if page.startswith("docs/decisions/")]


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    text = re.sub(r"(?ms)^```.*?^```$", "", path.read_text(encoding="utf-8"))
    headings = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", read(page)):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (ROOT / page).parent / name if name else ROOT / page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page: str) -> None:
    for name in re.findall(r"`((?:pipelines|transforms|sql|configs|docs|tests)/[\w./-]+)`", read(page)):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", DECISIONS)
def test_a_decision_says_its_context_its_choice_and_its_cost(page: str) -> None:
    text = read(page)
    assert re.match(rf"# {Path(page).name[:4]}: ", text)
    assert re.findall(r"(?m)^## (.*)$", text) == ["Context", "Choice", "Cost"]


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [Path(page).name[:4] for page in DECISIONS] == [f"{n + 1:04}" for n in range(len(DECISIONS))]


def test_exit_codes_are_those_of_the_tree_of_errors() -> None:
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, Exception)]
    stated = {int(row["code"]) for row in table(read("README.md"), "When something is wrong")}
    assert stated == {0, 2, 130} | {kind.exit_code for kind in kinds if hasattr(kind, "exit_code")}
