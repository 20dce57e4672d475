"""Pages: a folder each, with `page.py` and one file per panel or tab.

`page.py` holds `PAGE = Page(...)`; a line in `dashboard.app.PAGES` puts it on the rail. A package of another lab adds
a page through the entry point group `crescope.pages`, which names such a `Page`.

A panel or tab is one file with its layout, its `Exchange` (what it needs of the view) and its answer, a plain
function of a `Question`; see `dashboard.components.exchange`. What a page finds in the frame (components/shell.py):

  Store "view"   {"state": state.to_dict(), "query": state.to_query()}, part of every page (`shell.page` adds it). In
                 the browser it is `crescope.view` (assets/view.js): `change({gene: "MYC"})` changes it, and the
                 address, and asks whatever needs the changed field.
  Store "theme"  "light" or "dark"; an exchange that needs `theme` is asked anew when it changes.
  Div "notice"   one line for the person; a CreError raised in an answer shows there, and the last good view stays.
  Buttons "pan-left", "pan-right", "zoom-in", "zoom-out"   belong to the page that has them; the keyboard clicks them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dash import Dash
from dash.development.base_component import Component

if TYPE_CHECKING:
    from dashboard.services.library import Library


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
      path: its address, for example `/locus`.
      title: its name on the rail.
      icon: name of a file in assets/icons, without .svg.
      layout: from the library and the address' parameters to the page: `state, notices = read_view(query)`, then
        `return shell.page(state, main, inspector=..., footer=..., notices=notices, exchanges=[...])`. A CreError
        raised there shows as one line, and the last good view stays.
      register: joins ids and exchanges to plain functions, once.
      shows_gene: whether a gene found by the search box may be opened here.
    """

    path: str
    title: str
    icon: str
    layout: Callable[..., Component]
    register: Callable[[Dash, Library], None]
    shows_gene: bool = False

    @property
    def name(self) -> str:
        """What it is told apart by: its address."""
        return self.path
