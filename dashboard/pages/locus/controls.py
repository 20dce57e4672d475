"""The row above the locus figure: place, moves, methods, tracks, links, scale, files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from cre_core.evaluation.methods import method_title
from dashboard.components.attributes import data
from dashboard.pages.locus.bands import band_titles, hidden_bands, shown_methods
from dashboard.pages.locus.figure import FIGURE_ID
from dashboard.pages.locus.table import TABLE_ID
from dashboard.services.links import default_methods, methods_of
from dashboard.services.locus import first_hidden
from dashboard.state import ViewState

if TYPE_CHECKING:
    from cre_core.data.study import Study

SCALES = {"group": "group", "auto": "auto", "log": "log"}
MOVES = (
    ("pan-left", "←", "pan left (← or [)"),
    ("zoom-out", "−", "zoom out (−)"),
    ("zoom-in", "+", "zoom in (+)"),
    ("pan-right", "→", "pan right (→ or ])"),
)


def toolbar(study: Study, state: ViewState) -> Component:
    """The row; assets/locus.js fills the place and hears the buttons."""
    known = methods_of(study, biosample=state.biosample)
    bands, hidden = band_titles(study, state.biosample), hidden_bands(study, state)
    first = first_hidden(study, state.biosample)
    defaults = {"methods": default_methods(known), "known": known, "hidden": first, "bands": list(bands)}
    methods = {method: method_title(method) for method in known}
    return html.Div(
        [
            html.Span(html.B(state.gene or "no gene", id="locus-gene"), className="cs-locus-name"),
            html.Span(id="locus-place-slot", className="cs-place"),
            *[_button(*move) for move in MOVES],
            _folded("Go to", _jumps()),
            html.Span(className="cs-spacer"),
            _folded("Methods", _checks("locus-methods", methods, list(shown_methods(study, state)))),
            _folded("Tracks", _checks("locus-tracks", bands, [name for name in bands if name not in hidden])),
            _folded("Links", _link_controls(state)),
            dmc.SegmentedControl(
                id="locus-scale",
                size="xs",
                value=state.scale,
                data=[{"value": value, "label": label} for value, label in SCALES.items()],
            ),
            _folded("Save", _files()),
        ],
        className="cs-toolbar",
        id="locus-toolbar",
        **data(defaults=json.dumps(defaults)),
    )


def _button(identity: str, text: str, title: str) -> Component:
    return html.Button(text, id=identity, title=title, className="cs-tool", **{"aria-label": title})  # type: ignore[arg-type]


def _folded(title: str, content: Component) -> Component:
    """Controls behind a button: always part of the page, shown when asked for."""
    identity = f"locus-open-{title.lower().replace(' ', '-')}"
    summary = html.Summary(title, className="cs-tool", id=identity)
    return html.Details([summary, html.Div(content, className="cs-fold-out")], className="cs-folded")


def _jumps() -> Component:
    """Places that one press leads to; assets/locus.js knows where they are."""
    rows = (
        ("gene", "the gene", "g"),
        ("positives", "all its CRISPRi positives", "p"),
        ("selected", "what is selected", "e"),
        ("back", "previous positive, or name of the list", "b"),
        ("next", "next positive, or name of the list", "n"),
        ("whole", "the first view of the gene", "w"),
    )
    return html.Div(
        [
            html.Button([html.Span(text), html.Kbd(key)], className="cs-menu-item", **data(jump=name))
            for name, text, key in rows
        ]
    )


def _checks(identity: str, titles: Mapping[str, str], value: Sequence[str]) -> Component:
    boxes = [dmc.Checkbox(label=title, value=name, size="xs", mb=6) for name, title in titles.items()]
    return dmc.CheckboxGroup(boxes, id=identity, value=list(value))


def _link_controls(state: ViewState) -> Component:
    return html.Div(
        [
            html.Div("Arcs per method, strongest first", className="cs-inspect-faint"),
            dmc.Slider(
                id="locus-top", value=state.top, min=0, max=300, step=1, w=230, mb=18, updatemode="mouseup",
                thumbLabel="arcs per method",
            ),
            html.Div("Least score, % of the gene's largest", className="cs-inspect-faint"),
            dmc.Slider(
                id="locus-threshold", value=round(100 * state.threshold), min=0, max=100, w=230, updatemode="mouseup",
                thumbLabel="least score, per cent of the largest",
            ),
        ]
    )  # fmt: skip


def _files() -> Component:
    rows = (
        (f"{FIGURE_ID}:svg", "figure as SVG, light"),
        (f"{FIGURE_ID}:png", "figure as PNG, light"),
        (f"{TABLE_ID}:tsv", "table as TSV"),
        (f"{TABLE_ID}:csv", "table as CSV"),
    )
    items = [html.Button(text, className="cs-menu-item", **data(save=name)) for name, text in rows]
    items.append(html.Button("this view as a file", className="cs-menu-item", id="view-save"))
    items.append(html.Button("open a view file …", className="cs-menu-item", id="view-open"))
    return html.Div(items)
