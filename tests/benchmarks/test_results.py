"""Figures, how they are kept, and the tables that are written of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import report, results
from benchmarks.measure import Figures, measure, size_of
from benchmarks.results import BYLEAVE, Results, read

FIGURES = Figures(2.0, 3.0, 1 << 20, 5)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (results, report):
        monkeypatch.setattr(module, "FOLDER", tmp_path)
    return tmp_path


def test_figures_of_a_process_and_its_children(tmp_path: Path) -> None:
    busy = "x = bytearray(100_000_000)\nfor _ in range(3_000_000): pass"
    words = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}]); print('done')"
    words += f"; open({str(tmp_path / 'out')!r}, 'w').write('x' * 1000)"
    found = measure([sys.executable, "-c", words], tmp_path)
    assert found.printed == "done\n"
    assert found.written_bytes == size_of(tmp_path) == 1000
    assert found.peak_bytes > 100_000_000
    assert 0.05 < found.cpu_seconds < found.wall_seconds + 1


def test_memory_of_the_one_who_measures_does_not_count() -> None:
    held = b"x" * 300_000_000
    found = measure([sys.executable, "-c", "import time; time.sleep(0.3)"])
    assert found.peak_bytes < 100_000_000 < len(held)


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(SystemExit, match="ended with 3\nno"):
        measure([sys.executable, "-c", "import sys; print('no', file=sys.stderr); sys.exit(3)"])


def test_measuring_an_item_again_replaces_its_runs_and_no_others(folder: Path) -> None:
    first = Results(1000)
    first.add("ingest", "plain", BYLEAVE, FIGURES)
    first.add("release", "whole", BYLEAVE, FIGURES)
    file = first.write(["ingest", "release"])
    again = Results(1000)
    run = again.add("release", "whole", BYLEAVE, Figures(4.0, 3.0, 1, 5))
    again.write(["release"])
    assert read(file) == [first.runs[0], run]


def test_keeping_one_item_keeps_what_made_the_others(folder: Path) -> None:
    first = Results(1000)
    first.add("ingest", "plain", BYLEAVE, FIGURES)
    file = first.write(["ingest"])
    file.write_text(file.read_text().replace('"python"', '"peer": "7", "python"'))
    again = Results(1000)
    again.add("ingest", "plain", BYLEAVE, FIGURES)
    again.add("drift", "by license", BYLEAVE, FIGURES)
    again.write(["drift"])
    assert [run.item for run in read(file)] == ["ingest", "drift"]
    assert '"peer": "7"' in file.read_text()


@pytest.mark.parametrize(("text", "number"), [("300k", 300_000), ("10M", 10_000_000), ("7", 7)])
def test_a_number_of_rows_is_read_and_written_alike(text: str, number: int) -> None:
    assert results.rows(text) == number
    assert results.short(number) == text


def test_time_of_a_sample_is_extrapolated_and_its_memory_is_not(folder: Path) -> None:
    run = Results(1000).add("release", "whole", "beam", FIGURES, sample=100)
    assert (run.wall_seconds, run.cpu_seconds, run.peak_bytes) == (20.0, 30.0, 1 << 20)
    assert run.extrapolated_from == 100


def test_ratios_are_of_runs_of_one_round(folder: Path) -> None:
    measured = Results(1000)
    for place, (ours, theirs) in enumerate(((1, 3), (2, 2), (4, 2)), start=1):
        measured.add("release", "whole", BYLEAVE, Figures(ours, 1, 1), round=place)
        measured.add("release", "whole", "duckdb", Figures(theirs, 1, 1), round=place)
        measured.add("release", "kept", "duckdb", Figures(theirs / 2, 1, 1), round=place)
    summary = report.summary(measured.runs).splitlines()
    assert summary[0].endswith("duckdb over byleave's: 1.00 (3.00, 1.00, 0.50)")
    assert summary[1].endswith("duckdb over byleave's: 0.50 (1.50, 0.50, 0.25)")


def test_tables_replace_what_stood_between_the_markers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = folder / "README.md"
    monkeypatch.setattr(report, "README", readme)
    readme.write_text(f"before\n{report._BEGIN}\nold\n{report._END}\nafter\n")
    measured = Results(2_000_000)
    measured.add("release", "whole", BYLEAVE, FIGURES)
    measured.add("release", "whole", "beam", Figures(1.0, 1.0, 1), sample=100_000)
    measured.write(["release"])
    report.write_tables()
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text  # noqa: PT018
    assert "## 2M rows" in text
    assert "| whole | byleave | 2.0 | 3.0 | 1 | 0.0 | 1.00 |  |" in text
    assert "| whole | beam, from 100k | 20.0 | 20.0 | 0 | 0.0 | 10.00 | 10.00 |" in text
    report.write_tables()
    assert readme.read_text() == text
