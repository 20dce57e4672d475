"""The table of a gene's elements with their strengths; beside it the sliders and the selected measured pair."""

from __future__ import annotations

from typing import Any

import dash_ag_grid as dag
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import data

LARGEST_FIRST = ["desc", "asc"]  # at the first click on a column of effects
SLOTS = 12  # sliders beside the one in focus: the changed elements; the others are in the table


def table(identity: str) -> Component:
    """The grid: a row per element, the strongest predicted effect first; assets/knockout_table.js fills it in.

    A row: element_id, place, distance_bp, element_class, strength (None = a measured pair under no element), single
    (fraction), others (fraction, None = already out or not computed yet), measured (fraction, None = not tested),
    call, pair_ids (measured pairs over it), attention.
    """
    return dag.AgGrid(
        id=identity,
        rowData=[],
        columnDefs=_columns(),
        getRowId="params.data.element_id",
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "suppressMovable": True,
            "suppressHeaderMenuButton": True,
        },
        dashGridOptions={
            "rowHeight": 27,
            "headerHeight": 28,
            "animateRows": False,
            "suppressNoRowsOverlay": True,
            "suppressCellFocus": False,
            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
        },
        rowClassRules={"ko-changed": "params.data.strength !== null && params.data.strength < 1"},
        className="ag-theme-quartz ko-grid",
        style={"height": "100%", "width": "100%"},
    )


def _columns() -> list[dict[str, Any]]:
    def formatted(function: str) -> dict[str, str]:
        return {"function": f"{function}(params)"}

    return [
        {"field": "place", "headerName": "element", "minWidth": 176, "flex": 3, "tooltipField": "element_id"},
        {"field": "distance_bp", "headerName": "distance", "minWidth": 82, "flex": 1, "type": "rightAligned",
         "valueFormatter": formatted("koDistance"), "comparator": {"function": "koByMagnitude"},
         "headerTooltip": "element centre to the TSS, + = downstream in the gene's direction"},
        {"field": "element_class", "headerName": "class", "minWidth": 70, "flex": 1},
        {"field": "strength", "headerName": "strength s", "minWidth": 94, "flex": 1,
         "valueFormatter": formatted("koStrength"), "cellStyle": formatted("koStrengthBar"),
         "headerTooltip": "1 = as measured, 0 = knocked out; click a row to get its slider"},
        {"field": "single", "headerName": "alone", "minWidth": 76, "flex": 1, "type": "rightAligned",
         "valueFormatter": formatted("koPercent"), "comparator": {"function": "koByMagnitude"}, "sort": "desc",
         "sortingOrder": LARGEST_FIRST, "cellClass": "ko-strong",
         "headerTooltip": "predicted, only this element knocked out"},
        {"field": "others", "headerName": "with others", "minWidth": 82, "flex": 1, "type": "rightAligned",
         "valueFormatter": formatted("koOthers"),
         "headerTooltip": "predicted, knocked out on top of what is changed now; out = already out"},
        {"field": "measured", "headerName": "measured", "minWidth": 110, "flex": 1, "type": "rightAligned",
         "valueFormatter": formatted("koMeasured"), "comparator": {"function": "koByMagnitude"},
         "sortingOrder": LARGEST_FIRST,
         "cellClassRules": {"ko-significant": "params.data.call == 'decrease' || params.data.call == 'increase'"},
         "headerTooltip": "CRISPRi of the tested places over it, the strongest significant one first; of 2 = two "
         "places; ● decrease ▲ increase ○ not significant"},
        {"field": "attention", "headerName": "attention", "minWidth": 72, "flex": 1, "type": "rightAligned",
         "valueFormatter": formatted("koThree"),
         "headerTooltip": "as measured; a weight of the model, not an effect"},
    ]  # fmt: skip


def slider(identity: str | dict[str, Any]) -> Component:
    """One slider from out to as measured; it tells its value while dragged, and once more on release."""
    return dcc.Slider(
        id=identity,  # type: ignore[arg-type]
        min=0,
        max=1,
        step=0.01,
        value=1,
        marks=None,
        updatemode="mouseup",
        allow_direct_input=False,
        className="ko-slider",
    )


def sliders() -> Component:
    """The slider in focus, the measured pair over it, and one slider for each changed element, at most SLOTS."""
    slots = [
        html.Div(
            [
                html.Span(className="ko-slot-name"),
                slider({"type": "ko-slot", "slot": slot}),
                html.Span(className="ko-slot-value"),
            ],
            className="ko-slot",
            hidden=True,
            **data(ko_slot=str(slot)),
        )
        for slot in range(SLOTS)
    ]
    focus = html.Div(
        [
            html.Span(className="ko-slot-name"),
            slider("ko-slider"),
            html.Span(className="ko-slot-value"),
        ],
        className="ko-slot ko-focus",
    )
    knock_out = html.Button(
        "knock out",
        id="ko-knock-pair",
        className="ko-button",
        hidden=True,
        title="exactly the elements under this pair",
        **data(ko_preset="pair"),
    )
    measured = html.Div([html.Div(id="ko-measured-text"), knock_out], className="ko-measured")
    return html.Div([focus, measured, *slots, html.Div(id="ko-more", className="ko-faint")], className="ko-sliders")
