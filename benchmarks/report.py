"""Tables and plots from `results/*.jsonl`: the tables in README.md between its markers, the plots as PNG.

python -m benchmarks.report [--plots]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.results import BYLEAVE, FOLDER, Run, median, ratios, read, short

README = Path(__file__).parent / "README.md"
PLOTS = Path(__file__).parent / "plots"
_BEGIN, _END = "<!-- results: written by `make bench-tables` -->", "<!-- end of results -->"
_ITEMS = ("prepare", "ingest", "release", "nightly", "intake", "drift", "what if")
_HEADS = ("by", "wall s", "CPU s", "peak MiB", "written MiB", "us a row", "times byleave's wall")
_BARS_FOR = {"one worker": "whole", "kept": "whole"}
"""Work that is held against byleave's own under another name."""


def write_tables() -> None:
    """Write the tables into README.md; a number of rows that was not measured has none."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    tables = "\n".join(line for file in _files() for line in _tables(file))
    README.write_text(f"{before}{_BEGIN}\n\n{tables}\n{_END}{after}", encoding="utf-8")


def _files() -> list[Path]:
    """The results, the fewest rows first."""
    found = [(runs[0].rows, file) for file in FOLDER.glob("[0-9]*.jsonl") if (runs := read(file))]
    return [file for _, file in sorted(found)]


def _tables(file: Path) -> Iterator[str]:
    runs = read(file)
    head = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
    versions = ", ".join(f"{name} {version}" for name, version in head["versions"].items())
    yield f"## {short(runs[0].rows)} rows\n\n{head['machine']}; {versions}.\n"
    for item in _ITEMS:
        of_item = [run for run in runs if run.item == item]
        if of_item:
            yield f"| {item} | {' | '.join(_HEADS)} |"
            yield f"|---|{'---|' * len(_HEADS)}"
            yield from _rows(of_item)
            yield ""


def _rows(runs: Sequence[Run]) -> Iterator[str]:
    """A line for each work and who did it: medians, and the ratio to byleave's run of the same round."""
    for what in dict.fromkeys(run.what for run in runs):
        for who in dict.fromkeys(run.who for run in runs if run.what == what):
            own = [run for run in runs if (run.what, run.who) == (what, who)]
            ours = [run for run in runs if run.what == _BARS_FOR.get(what, what) and run.who == BYLEAVE]
            cells = [what, _name(own[0]), *_medians(own), "" if who == BYLEAVE else _ratio(ours, own)]
            note = f" ({own[-1].note})" if own[-1].note else ""
            yield f"| {cells[0]}{note} | " + " | ".join(cells[1:]) + " |"


def _medians(runs: Sequence[Run]) -> list[str]:
    wall = median(run.wall_seconds for run in runs)
    return [
        f"{wall:.1f}",
        f"{median(run.cpu_seconds for run in runs):.1f}",
        f"{median(run.peak_bytes for run in runs) / 2**20:.0f}",
        f"{median(run.written_bytes for run in runs) / 2**20:.1f}",
        f"{wall / runs[0].rows * 1e6:.2f}",
    ]


def _name(run: Run) -> str:
    return f"{run.who}, from {short(run.extrapolated_from)}" if run.extrapolated_from else run.who


def _ratio(ours: Sequence[Run], theirs: Sequence[Run]) -> str:
    found = ratios([*ours, *theirs], theirs[0].who)
    if not found:
        return ""
    rounds = f" ({', '.join(f'{ratio:.2f}' for ratio in found)})" if len(found) > 1 else ""
    return f"{median(found):.2f}{rounds}"


def summary(runs: Sequence[Run]) -> str:
    """The ratios of runs that were just made, a line for each peer's work."""
    lines = []
    for item, what, who in dict.fromkeys((run.item, run.what, run.who) for run in runs if run.who != BYLEAVE):
        of_item = [run for run in runs if run.item == item]
        ours = [run for run in of_item if run.what == _BARS_FOR.get(what, what) and run.who == BYLEAVE]
        theirs = [run for run in of_item if (run.what, run.who) == (what, who)]
        lines.append(f"{item}, {what}: wall time of {who} over byleave's: {_ratio(ours, theirs)}")
    return "\n".join(lines)


def write_plots() -> None:
    """Draw time per row and peak memory over the number of rows, as far as they were measured."""
    import altair as alt

    points: list[dict[str, Any]] = []
    for file in _files():
        runs = [run for run in read(file) if run.item == "release" and not run.extrapolated_from]
        for what, who in dict.fromkeys((run.what, run.who) for run in runs):
            own = [run for run in runs if (run.what, run.who) == (what, who)]
            points.append(
                {
                    "rows": own[0].rows,
                    "work": f"{who}, {what}",
                    "us a row": median(run.wall_seconds for run in own) / own[0].rows * 1e6,
                    "peak GiB": median(run.peak_bytes for run in own) / 2**30,
                }
            )
    PLOTS.mkdir(exist_ok=True)
    for measure, name in (("us a row", "release-time.png"), ("peak GiB", "release-memory.png")):
        chart = (
            alt.Chart(alt.Data(values=points))
            .mark_line(point=True)
            .encode(
                x=alt.X("rows:Q", scale=alt.Scale(type="log"), axis=alt.Axis(format="~s")),
                y=alt.Y(f"{measure}:Q", scale=alt.Scale(type="log")),
                color="work:N",
            )
            .properties(width=480, height=300, title=f"Release: {measure}")
        )
        chart.save(str(PLOTS / name), scale_factor=2)


if __name__ == "__main__":
    write_tables()
    if sys.argv[1:] == ["--plots"]:
        write_plots()
