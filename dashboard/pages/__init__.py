"""Pages: a layout and thin callbacks.

A page is a module with
  PATH    its address, for example "/locus"
  TITLE   its name on the rail
  ICON    name of a file in assets/icons, without .svg
  layout(library: Library, **query: str) -> Component
          the page from the address: `state, notices = read_view(query)`, and
          `return shell.page(state, main, inspector=..., footer=..., notices=notices)`.
          A CreError raised here shows as one line, and the last good view stays.
  register(app: Dash, library: Library) -> None
          joins ids to plain functions, once.

What a page finds in the frame (ids; see components/shell.py):
  Store "view"   {"state": state.to_dict(), "query": state.to_query()}, part of every page (`shell.page` adds it).
                 A page's callbacks write it (`shell.view_data(state)`); the address follows by itself, so that a
                 reload gives the same view. Read it with State("view", "data") and `read_view(data["state"])`.
  Store "theme"  "light" or "dark": Input of every figure callback.
  Store "go"     write an address here (allow_duplicate=True) to open it; or give a part an `href` as html.A.
  Div "notice"   write `notice.line(text)` here (allow_duplicate=True); an error raised in any callback does so alone.
  Buttons "pan-left", "pan-right", "zoom-in", "zoom-out"   belong to the page that has them; the keyboard clicks them.
"""
