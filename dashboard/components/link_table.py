"""The table of elements x methods under the locus figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
from dash.development.base_component import Component

from cre_core.evaluation.methods import ATTENTION_IS, method_of

# The grid takes the page's own colours, so light and dark follow by themselves.
_THEME = (
    "themeQuartz.withParams({backgroundColor: 'var(--cs-background)', foregroundColor: 'var(--cs-ink)',"
    " borderColor: 'var(--cs-hairline)', headerBackgroundColor: 'var(--cs-band)', accentColor: 'var(--cs-accent)',"
    " headerTextColor: 'var(--cs-faint-ink)', fontSize: 12, rowHeight: 24, headerHeight: 26, spacing: 4,"
    " wrapperBorder: false, columnBorder: false, selectedRowBackgroundColor: 'var(--cs-chosen)'})"
)
_NUMBER = "csNumber(params.value)"  # of assets/text.js
# A score of a predicted knock-out is the share of expression lost; shown as the change, as CRISPRi is.
_LOST = "params.value == null ? '' : csPercent(-params.value)"
_DISTANCE = "csOffset(params.value)"
_ELEMENT = "csElement(params.value, params.data.chrom, params.data.start, params.data.end)"
_YES_NO = "params.value == null ? '' : params.value ? 'yes' : 'no'"
# Of several pairs at one element the strongest significant one stands for all: their number is told.
_MEASURED = (
    "params.value == null ? '' : csPercent(params.value) + ' '"
    " + (params.data.measured_call == 'decrease' ? '●' : params.data.measured_call == 'increase' ? '▲' : '○')"
    " + (params.data.pair_ids.length > 1 ? ' 1 of ' + params.data.pair_ids.length : '')"
)
_MEASURED_TIP = (
    "measured change of expression; where several pairs overlap the element, the strongest significant one"
)


def link_grid(grid_id: str) -> Component:
    """The empty grid; rows and columns come by callback."""
    return dag.AgGrid(
        id=grid_id,
        rowData=[],
        columnDefs=[],
        columnSize="responsiveSizeToFit",
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "minWidth": 66,
            "suppressHeaderMenuButton": True,
            "wrapHeaderText": True,
            "autoHeaderHeight": True,
        },
        getRowId="params.data.kind + ' ' + params.data.element_id",  # as `row_id` has it
        dashGridOptions={
            "theme": {"function": _THEME},
            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
            "suppressFieldDotNotation": True,
            "animateRows": False,
            "suppressNoRowsOverlay": True,  # the title above says what is missing, or that it is being loaded
        },
        csvExportParams={"fileName": "links.csv"},
        className="cs-link-grid",
        style={"width": "100%"},
    )


def columns(methods: Mapping[str, str], assays: Mapping[str, str], *, sort_by: str) -> list[dict[str, Any]]:
    """Column definitions.

    Args:
      methods: method -> title.
      assays: column -> title of the counts.
      sort_by: the column sorted at first, largest first.
    """
    definitions: list[dict[str, Any]] = [
        {
            "field": "element_id",
            "headerName": "element",
            "minWidth": 198,
            "pinned": "left",
            "valueFormatter": {"function": _ELEMENT},
        },
        _number("tss_distance_bp", "distance", _DISTANCE),
        {"field": "element_class", "headerName": "class"},
        *[_number(column, title, _NUMBER) for column, title in assays.items()],
        *[_score(method, title) for method, title in methods.items()],
        {**_number("measured_fraction", "CRISPRi", _MEASURED), "headerTooltip": _MEASURED_TIP, "minWidth": 118},
        _number("power_at_25", "power at 25 %", _NUMBER),
    ]
    for definition in definitions:
        if definition["field"] == sort_by:
            definition["sort"] = "desc"
    return definitions


def row_id(kind: str, identity: str) -> str:
    """The id of a row: an element and a tested place may go by the same text."""
    return f"{kind} {identity}"


def rows(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows for the grid: what is not a number becomes empty."""
    return [{name: None if value != value else value for name, value in record.items()} for record in records]


def _score(method: str, title: str) -> dict[str, Any]:
    known = method_of(method)
    column = _number(method, title, _LOST if known.is_signed else _YES_NO if known.is_yes_no else _NUMBER)
    return {**column, "headerTooltip": f"{title}: {ATTENTION_IS}"} if known.reads_attention else column


def _number(field: str, title: str, formatter: str) -> dict[str, Any]:
    return {
        "field": field,
        "headerName": title,
        "headerTooltip": title,
        # The longest word of a title, and the sort arrow beside it, stay on one line.
        "minWidth": max(66, 8 * max(len(word) for word in title.split()) + 22),
        "type": "rightAligned",
        "valueFormatter": {"function": formatter},
    }
