/* The label of a track is its handle: drag it to another place, press it for height, colour, scale, range and hiding;
   Alt with an arrow moves it too. All of it stands in the address (`order`, `looks`, `hidden`). */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const locus = (crescope.locus = crescope.locus || {});
  const SCALES = { signal: ["linear", "log"], links: ["root", "linear", "log", "rank"] };
  const SAYS = { linear: "linear", log: "log(1 + x)", root: "root (as by default)", rank: "rank" };
  const labels = {};

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  /* A unit may hold coloured signs, as plotly writes them. */
  function unitParts(text) {
    return text.split(/(<span style='color:#[0-9A-Fa-f]{6}'>[^<]*<\/span>)/).filter(Boolean).map(function (piece) {
      const match = /^<span style='color:(#[0-9A-Fa-f]{6})'>([^<]*)<\/span>$/.exec(piece);
      const made = element("span", "", match ? match[2] : piece);
      if (match) made.style.color = match[1];
      return made;
    });
  }
  function show() {
    const parts = locus.parts();
    if (!parts || !locus.meta) return;
    const focused = parts.labels.contains(document.activeElement) ? document.activeElement.dataset.band : "";
    parts.labels.replaceChildren();
    if (locus.meta.isSimulated) parts.labels.appendChild(element("div", "cs-label-simulated", "simulated data"));
    locus.meta.bands.forEach(function (band) {
      const { top, bottom } = locus.edges(band), handle = element("button", "cs-label");
      handle.dataset.band = band.id;
      handle.style.top = top + "px";
      handle.style.height = bottom - top + "px";
      handle.classList.toggle("cs-flat", bottom - top < 26);
      handle.setAttribute("aria-haspopup", "dialog");
      handle.setAttribute("aria-label", "track " + band.title + ": height, colour, scale, order");
      handle.title = band.title + " — drag to move, press for height, colour, scale and range";
      const title = element("span", "cs-label-title", band.title), unit = element("span", "cs-label-unit");
      if (band.colour) title.style.setProperty("--cs-track", band.colour);
      unit.replaceChildren(...unitParts(band.unit));
      handle.append(title, unit);
      labels[band.id] = unit;
      parts.labels.appendChild(handle);
    });
    const again = focused && parts.labels.querySelector('[data-band="' + CSS.escape(focused) + '"]');
    if (again) again.focus();
  }
  document.addEventListener("crescope:locus-drawn", show);
  locus.unitText = function (id, text) {
    if (labels[id] && labels[id].textContent !== text) labels[id].textContent = text;
  };

  /* -- order ------------------------------------------------------------------------------------------------------ */
  const order = () => locus.meta.bands.map((band) => band.id);
  function moveTo(id, place) {
    const rest = order().filter((name) => name !== id);
    rest.splice(Math.max(0, Math.min(place, rest.length)), 0, id);
    crescope.view.change({ order: rest });
  }
  document.addEventListener("keydown", function (event) {
    const handle = event.target.closest && event.target.closest(".cs-label");
    if (!handle || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    moveTo(handle.dataset.band, order().indexOf(handle.dataset.band) + (event.key === "ArrowUp" ? -1 : 1));
  }, true);

  document.addEventListener("crescope:locus-built", function (built) {
    const column = built.detail.labels;
    let held = null;
    column.addEventListener("pointerdown", function (pointer) {
      const handle = pointer.target.closest(".cs-label");
      if (!handle || pointer.button) return;
      held = { handle: handle, y: pointer.clientY, moved: false };
    });
    column.addEventListener("pointermove", function (pointer) {
      if (!held) return;
      const dy = pointer.clientY - held.y;
      if (!held.moved && Math.abs(dy) < 5) return;
      if (!held.moved) column.setPointerCapture(pointer.pointerId);
      held.moved = true;
      held.handle.classList.add("cs-dragged");
      held.handle.style.transform = "translateY(" + dy + "px)";
    });
    const drop = function (pointer) {
      if (!held) return;
      const { handle, moved } = held;
      held = null;
      if (!moved) return;
      handle.classList.remove("cs-dragged");
      handle.style.transform = "";
      handle.dataset.justMoved = "yes";
      setTimeout(() => delete handle.dataset.justMoved, 50);
      const y = pointer.clientY - column.getBoundingClientRect().top;
      const others = locus.meta.bands.filter((band) => band.id !== handle.dataset.band);
      const place = others.filter((band) => (locus.edges(band).top + locus.edges(band).bottom) / 2 < y).length;
      moveTo(handle.dataset.band, place);
    };
    column.addEventListener("pointerup", drop);
    column.addEventListener("pointercancel", () => { held = null; });
    column.addEventListener("click", function (event) {
      const handle = event.target.closest(".cs-label");
      if (handle && !handle.dataset.justMoved) openMenu(handle);
    });
  });

  /* -- the menu of a track ---------------------------------------------------------------------------------------- */
  const looks = () => crescope.view.get("looks") || [];
  const lookOf = (id) => (looks().find((one) => one[0] === id) || [id]).slice(1);
  function withLook(id, sign, value) {
    const parts = lookOf(id).filter((part) => (sign === ":" ? !part.includes(":") : part[0] !== sign));
    if (value) parts.push(value);
    const rest = looks().filter((one) => one[0] !== id);
    crescope.view.change({ looks: parts.length ? rest.concat([[id].concat(parts)]) : rest });
  }
  function row(menu, name, control) {
    const label = element("label", "cs-track-row");
    label.append(element("span", "", name), control);
    menu.appendChild(label);
    return control;
  }
  function input(type, value, changed, more) {
    const made = Object.assign(element("input"), Object.assign({ type: type, value: value }, more));
    made.addEventListener("change", () => changed(made.value));
    return made;
  }
  function openMenu(handle) {
    closeMenu();
    const id = handle.dataset.band, band = locus.band(id), parts = lookOf(id);
    const menu = element("div", "cs-track-menu");
    menu.setAttribute("role", "dialog");
    menu.setAttribute("aria-label", "track " + band.title);
    menu.appendChild(element("div", "cs-track-title", band.title));
    const edges = locus.edges(band), height = Math.round(edges.bottom - edges.top);
    const px = input("range", height, (value) => withLook(id, "h", "h" + value), { min: 16, max: 240, step: 4 });
    row(menu, "height", px);
    if (band.colour) {
      row(menu, "colour", input("color", band.colour.toLowerCase(), (value) => withLook(id, "c", "c" + value.slice(1).toUpperCase())));
    }
    const kind = band.links ? "links" : band.scale !== undefined && isSignal(band) ? "signal" : "";
    if (kind) {
      scaleRow(menu, id, band, kind);
      rangeRow(menu, id, parts);
    }
    buttons(menu, id, band);
    const rect = handle.getBoundingClientRect();
    menu.style.left = rect.right + 4 + "px";
    document.body.appendChild(menu);
    menu.style.top = Math.max(60, Math.min(rect.top, window.innerHeight - menu.offsetHeight - 8)) + "px";
    menu.returnTo = handle;
    menu.querySelector("input, select, button").focus();
  }
  /* A signal has a range that follows the view or was fixed; peaks, domains and genes have none. */
  const isSignal = (band) => Boolean(band.group) || band.note.includes("fixed") || band.scale === "log";
  function scaleRow(menu, id, band, kind) {
    const select = element("select");
    SCALES[kind].forEach(function (name) {
      select.appendChild(Object.assign(element("option", "", kind === "signal" && name === "linear" ? "linear (as by default)" : SAYS[name]), { value: name }));
    });
    select.value = band.scale;
    const first = SCALES[kind][0];
    select.addEventListener("change", () => withLook(id, "s", select.value === first && kind === "links" ? "" : "s" + select.value));
    row(menu, "scale", select);
  }
  function rangeRow(menu, id, parts) {
    const fixed = parts.find((part) => part.includes(":")), [low, high] = fixed ? fixed.split(":") : ["", ""];
    const both = element("span", "cs-track-range");
    const ends = [low, high].map((value, k) => input("number", value, tell, { step: "any", placeholder: k ? "to" : "from" }));
    ends.forEach((end, k) => end.setAttribute("aria-label", k ? "upper end of the range" : "lower end of the range"));
    function tell() {
      const values = ends.map((end) => (end.value === "" ? NaN : Number(end.value)));
      if (values.every(Number.isNaN)) return withLook(id, ":", "");
      if (values.some(Number.isNaN)) return null;
      if (!(values[0] < values[1])) return crescope.notice("a range from " + values[0] + " to " + values[1] + " is none; wanted the smaller number first");
      return withLook(id, ":", values.map(crescope.view.number).join(":"));
    }
    both.append(...ends);
    row(menu, "range", both);
    menu.appendChild(element("div", "cs-inspect-faint", "empty: the range follows the view"));
  }
  function buttons(menu, id, band) {
    const line = element("div", "cs-track-buttons");
    const button = function (text, title, act) {
      const made = element("button", "cs-tool", text);
      made.title = title;
      made.addEventListener("click", act);
      line.appendChild(made);
    };
    button("↑", "move up", () => moveTo(id, order().indexOf(id) - 1));
    button("↓", "move down", () => moveTo(id, order().indexOf(id) + 1));
    button("hide", "hide this track; the menus above the figure bring it back", function () {
      closeMenu();
      locus.hide(id, Boolean(band.links));
    });
    button("reset", "as by default", () => { withoutLook(id); closeMenu(); });
    menu.appendChild(line);
  }
  function withoutLook(id) {
    const order = (crescope.view.get("order") || []).filter((name) => name !== id);
    crescope.view.change({ looks: looks().filter((one) => one[0] !== id), order: order });
  }
  function closeMenu() {
    document.querySelectorAll(".cs-track-menu").forEach(function (menu) {
      const back = menu.contains(document.activeElement) && document.querySelector('.cs-label[data-band="' + CSS.escape(menu.returnTo.dataset.band) + '"]');
      menu.remove();
      if (back) back.focus();
    });
  }
  document.addEventListener("pointerdown", function (event) {
    if (!event.target.closest(".cs-track-menu, .cs-label")) closeMenu();
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && document.querySelector(".cs-track-menu")) {
      event.stopPropagation();
      closeMenu();
    }
  }, true);
})();
