"""The drift as a page: numbers, both charts, and how it was made, in one file.

It has no script and loads nothing, so that it opens anywhere: without a network, in a mail, under any content
policy. What a cell of a chart stands for is told when the mouse is over it, by SVG's own `title`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from xml.etree import ElementTree

from pipelines.drift import Drift, percent
from pipelines.pictures import charts
from pipelines.pictures.matrix import matrix

_SVG = "http://www.w3.org/2000/svg"

_STYLE = """
body { margin: 2.5rem auto; max-width: 76rem; padding: 0 1.5rem; color: #1a1a1a; background: #fff;
  font: 16px/1.5 'Liberation Sans', Arial, Helvetica, sans-serif; }
h1 { margin: 0; font-size: 1.8rem; } h2 { margin: 2.5rem 0 .25rem; font-size: 1.2rem; }
p { margin: .25rem 0; color: #555; } footer { margin-top: 3rem; font-size: .8rem; overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: 1rem 3rem; margin: 1.5rem 0; }
dt { color: #555; font-size: .85rem; } dd { margin: 0; font-size: 1.6rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { font-weight: normal; color: #555; font-size: .85rem; border-bottom: 1px solid #ccc; }
th, td { padding: .2rem 1.2rem .2rem 0; text-align: right; }
th:first-child, td:first-child { text-align: left; }
i { display: inline-block; width: .8em; height: .8em; margin-right: .6em; }
figure { margin: 0; overflow-x: auto; } svg { display: block; max-width: 100%; height: auto; }
.mark-text { pointer-events: none; }
"""


def html(drift: Drift, dataset: str, ledger: str) -> str:
    """The page; ``drift`` has the tables by direction, license and month."""
    title = escape(f"License drift of {dataset}")
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            f"<h1>{title}</h1>\n<p>{escape(str(drift.span).capitalize())}</p>",
            *_numbers(drift),
            *_table(drift),
            *_figures(drift),
            f"<footer><p>Read from the license ledger {escape(ledger)} by byleave.</p></footer>",
            "</body>\n</html>\n",
        ]
    )


def png(drift: Drift, dataset: str) -> bytes:
    """Both charts as PNG, under the numbers that matter."""
    subtitle = [str(drift.span).capitalize(), drift.summary]
    drawn = [charts.titled(chart, title, told) for title, told, chart in _charts(drift)]
    return charts.png(f"License drift of {dataset}", subtitle, drawn)


def _numbers(drift: Drift) -> Iterator[str]:
    yield "<dl>"
    for name, number in (
        ("items known on both days", f"{drift.items:,}"),
        (
            "with another license",
            f"{drift.license_changed:,} ({percent(drift.license_changed / drift.items)})",
        ),
        ("with another visibility", f"{drift.visibility_changed:,}"),
    ):
        yield f"<div><dt>{name}</dt><dd>{number}</dd></div>"
    yield "</dl>"


def _table(drift: Drift) -> Iterator[str]:
    yield "<table>\n<tr><th>direction</th><th>items</th><th>share</th><th>owners</th></tr>"
    for row in drift.tables["direction"].to_pylist():
        color = charts.COLORS[row["direction"]]
        yield (
            f'<tr><td><i style="background:{color}"></i>{escape(row["direction"].replace("_", " "))}</td>'
            f"<td>{row['items']:,}</td><td>{percent(row['share'])}</td><td>{row['owners']:,}</td></tr>"
        )
    yield "</table>\n<p>An owner whose items went different ways counts in each direction.</p>"


def _figures(drift: Drift) -> Iterator[str]:
    for number, (title, told, chart) in enumerate(_charts(drift)):
        yield f"<h2>{escape(title)}</h2>\n<p>{escape(told)}</p>"
        yield f"<figure>{_with_titles(_with_own_ids(charts.svg(chart), number))}</figure>"


def _charts(drift: Drift) -> Iterator[tuple[str, str, charts.Chart]]:
    """Each chart with its title and what is to be said of it."""
    span, grid = drift.span, matrix(drift.tables["license"].to_pylist())
    told = "Items, from row to column; darker is more (logarithmic). The most open license comes first."
    if grid.summed:
        told += f" Other: {grid.summed} licenses that changed less."
    yield "Which licenses became which", told, charts.matrix_chart(grid, span.from_date, span.to_date)
    months = [row for row in drift.tables["month"].to_pylist() if row["direction"] != "same"]
    if months:
        line = charts.timeline_chart(months, span.from_date, span.to_date, charts.width_pixels(grid))
        told = "Items by the month in which their license changed, or was first seen to have changed."
        yield "When", told, line
    else:
        yield "When", "", charts.sentence("No license changed between the two days.")


def _with_titles(svg: str) -> str:
    """The SVG with a `title` in each mark that has a description, which browsers show under the mouse."""
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)
    for mark in root.iter(f"{{{_SVG}}}path"):
        if told := mark.get("aria-label"):
            ElementTree.SubElement(mark, f"{{{_SVG}}}title").text = told
    return ElementTree.tostring(root, encoding="unicode")


def _with_own_ids(svg: str, number: int) -> str:
    """The SVG with ids that no other figure of the page has, and that do not tell what was drawn before."""
    own: dict[str, str] = {}
    return re.sub(r"\bclip\d+\b", lambda found: own.setdefault(found[0], f"clip{number}-{len(own)}"), svg)
