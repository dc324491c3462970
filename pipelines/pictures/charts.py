"""Charts of drift, drawn by altair without a browser and without a network. The only import of altair.

The same drift gives the same bytes: the font comes with the renderer, and no time zone or locale is asked.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from pipelines.pictures.matrix import MIXED, Cell, Matrix

COLORS = {
    "relaxation": "#0072B2",
    "version_change": "#56B4E9",
    "jurisdiction_change": "#009E73",
    "incomparable": "#CC79A7",
    "restriction": "#E69F00",
    "withdrawn": "#D55E00",
    "unknown": "#767676",
    "same": "#D8D8D8",
    MIXED: "#B8A99A",
}
"""Each direction's color, everywhere: Okabe and Ito's palette, which the color-blind can tell apart."""

Chart = alt.Chart

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"

_FAINTEST = 0.3  # of the cell with the fewest changes, so that it is still seen to be one
_SCALE = 2
_ROW_PIXELS = 27
_NARROWEST_PIXELS = 44
_CHARACTER_PIXELS = 6.2
_TIMELINE_PIXELS = 640
_INK, _BLACK, _WHITE = "#1a1a1a", "#000000", "#ffffff"
_MOST_LABELED_MONTHS = 36
_MOST_MONTHS = 600


def matrix_chart(matrix: Matrix, from_date: str, to_date: str) -> alt.Chart:
    """Rows are what licenses were, columns what they became; color is the direction, and darker is more."""
    values = [_cell(cell) for cell in matrix.cells]
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X(
            "to:N",
            sort=list(matrix.licenses),
            scale=alt.Scale(domain=list(matrix.licenses)),
            axis=alt.Axis(orient="top", labelAngle=-40, title=f"license on {to_date}"),
        ),
        y=alt.Y(
            "from:N",
            sort=list(matrix.licenses),
            scale=alt.Scale(domain=list(matrix.licenses)),
            axis=alt.Axis(title=f"license on {from_date}"),
        ),
        description="told:N",
    )
    cells = base.mark_rect(stroke="white", strokeWidth=1).encode(
        color=_color(cell.direction for cell in matrix.cells),
        opacity=alt.Opacity("opacity:Q", scale=None, legend=None),
    )
    numbers = base.mark_text(fontSize=10.5, aria=False).encode(
        text=alt.Text("items:Q", format=",.0f"), color=alt.Color("ink:N", scale=None)
    )
    return (cells + numbers).properties(
        width=_column_pixels(matrix) * len(matrix.licenses),
        height=_ROW_PIXELS * len(matrix.licenses),
        view=alt.ViewConfig(fill="#FAFAFA"),
    )


def width_pixels(matrix: Matrix) -> int:
    """How wide a chart beside the matrix's is best drawn."""
    return max(_TIMELINE_PIXELS, _column_pixels(matrix) * len(matrix.licenses))


def _column_pixels(matrix: Matrix) -> int:
    """Wide enough for the longest number."""
    characters = max((len(f"{cell.items:,}") for cell in matrix.cells), default=1)
    return max(_NARROWEST_PIXELS, round(characters * _CHARACTER_PIXELS) + 12)


def timeline_chart(
    rows: Iterable[Mapping[str, Any]], from_date: str, to_date: str, width: int = _TIMELINE_PIXELS
) -> alt.Chart:
    """Items by the month in which their license changed, stacked by direction, of `drift_by_month`.

    Every month between the two days has its place, whether something changed in it or not; of more than 50
    years, only those in which something did.
    """
    values = [
        {
            "month": f"{row['month']:%Y-%m}",
            "direction": row["direction"],
            "place": list(COLORS).index(row["direction"]),
            "items": row["items"],
            "told": f"{row['month']:%Y-%m}, {row['direction']}: {row['items']:,} items"
            f" of {row['owners']:,} owners",
        }
        for row in rows
        if row["direction"] != "same"
    ]
    months = _months(from_date, to_date)
    if len(months) > _MOST_MONTHS:
        months = sorted({value["month"] for value in values})
    return (
        alt.Chart(alt.Data(values=values))
        .mark_bar(cornerRadius=1)
        .encode(
            x=alt.X(
                "month:O",
                scale=alt.Scale(domain=months),
                axis=alt.Axis(title="month", labelAngle=-40, values=_labeled(months)),
            ),
            y=alt.Y(
                "items:Q",
                stack="zero",
                axis=alt.Axis(format=",.0f", title="items", tickCount=5, tickMinStep=1, grid=True),
            ),
            color=_color(value["direction"] for value in values),
            order=alt.Order("place:Q"),
            description="told:N",
        )
        .properties(width=max(width, 3 * len(months)), height=220)
    )


def svg(chart: alt.Chart) -> str:
    """The chart as SVG."""
    sink = io.StringIO()
    _finished(chart).save(sink, format="svg")
    return sink.getvalue()


def png(title: str, subtitle: Sequence[str], charts: Sequence[alt.Chart]) -> bytes:
    """The charts below each other under a title, as PNG at twice the size."""
    heading = alt.TitleParams(title, subtitle=list(subtitle), anchor="start", frame="bounds", offset=24)
    picture = alt.vconcat(*charts, spacing=36, title=heading).resolve_scale(color="independent")
    sink = io.BytesIO()
    _finished(picture).save(sink, format="png", scale_factor=_SCALE)
    return sink.getvalue()


def titled(chart: alt.Chart, title: str, subtitle: str) -> alt.Chart:
    """The chart under a title of its own."""
    return chart.properties(
        title=alt.TitleParams(title, subtitle=subtitle, anchor="start", frame="group", fontSize=14, offset=12)
    )


def sentence(text: str) -> alt.Chart:
    """What is said where there is nothing to draw."""
    return (
        alt.Chart(alt.Data(values=[{"text": text}]))
        .mark_text(align="left", fontSize=14, color=_INK)
        .encode(text="text:N", x=alt.value(0))
        .properties(width=_TIMELINE_PIXELS, height=40)
    )


def _finished(chart: Any) -> Any:
    """The chart with byleave's font and lines."""
    return (
        chart.configure(font=FONT, background="white", padding=20)
        .configure_view(stroke=None)
        .configure_axis(
            grid=False, gridColor="#EAEAEA", domain=False, ticks=False, labelFontSize=11, labelLimit=260,
            titleFontSize=12, titlePadding=12, titleFontWeight="normal", titleColor="#555555",
            labelColor=_INK,
        )
        .configure_axisY(labelPadding=8)
        .configure_title(fontSize=20, subtitleFontSize=13, subtitleColor="#555555", subtitlePadding=6)
        .configure_legend(title=None, labelFontSize=11, symbolType="square", symbolSize=130, offset=24)
    )  # fmt: skip


def _color(directions: Iterable[str]) -> alt.Color:
    """Directions in their colors, the legend only of those that occur."""
    found = set(directions)
    domain = [direction for direction in COLORS if direction in found]
    colors = [COLORS[direction] for direction in domain]
    label = alt.Legend(labelExpr="replace(datum.label, '_', ' ')", title=None)
    return alt.Color("direction:N", scale=alt.Scale(domain=domain, range=colors), legend=label)


def _cell(cell: Cell) -> dict[str, Any]:
    opacity = 1.0 if cell.direction == "same" else _FAINTEST + (1 - _FAINTEST) * cell.strength
    owners = "" if cell.owners is None else f" of {cell.owners:,} owners"
    return {
        "from": cell.license_from,
        "to": cell.license_to,
        "direction": cell.direction,
        "items": cell.items,
        "opacity": round(opacity, 4),
        "ink": _ink(COLORS[cell.direction], opacity),
        "told": f"{cell.license_from} to {cell.license_to}, {cell.direction.replace('_', ' ')}:"
        f" {cell.items:,} items{owners}",
    }


def _ink(color: str, opacity: float) -> str:
    """What reads better on ``color`` over white; by the contrast of WCAG 2, one of the two is above 4.5."""
    channels = [int(color[place : place + 2], 16) / 255 * opacity + 1 - opacity for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return _BLACK if (luminance + 0.05) ** 2 > 1.05 * 0.05 else _WHITE


def _months(from_date: str, to_date: str) -> list[str]:
    first, last = (datetime.date.fromisoformat(day) for day in (from_date, to_date))
    places = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{place // 12:04d}-{place % 12 + 1:02d}" for place in places]


def _labeled(months: Sequence[str]) -> list[str]:
    """The months that are written at the axis: all, or one of each year where they are many."""
    return list(months) if len(months) <= _MOST_LABELED_MONTHS else [m for m in months if m.endswith("-01")]
