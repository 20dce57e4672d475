"""A figure's place on a page, and the buttons that save it: assets/plot.js draws there, and saves what it drew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import data

FORMS = {"svg": "picture, light", "png": "picture, light", "tsv": "its numbers", "csv": "its numbers"}
Zooms = Literal["", "yes", "page"]


def figure(
    identity: str, *, height_px: int | None = None, zooms: Zooms = "", more: Sequence[Component] = ()
) -> Component:
    """The place of a figure, empty until something is shown there, with its buttons.

    Args:
      identity: of the figure.
      height_px: None = as high as its place.
      zooms: whether the wheel and a double click zoom: `` = no; `yes` = as Plotly does; `page` = as the page's own
        script does.
      more: what stands beside the buttons.
    """
    style = {"height": f"{height_px}px" if height_px else "100%"}
    place = html.Div(id=identity, className="cs-figure", style=style, **data(zooms=zooms))
    return html.Div([place, save_buttons(identity), *more], className="cs-figure-room")


def save_buttons(identity: str) -> Component:
    """Buttons that save what is shown, as a picture or as data."""
    buttons = [
        html.Button(form.upper(), title=f"save as {form.upper()}: {what}", **data(save=f"{identity}:{form}"))
        for form, what in FORMS.items()
    ]
    return html.Div(buttons, className="cs-save")
