/* The locus page in the browser: what its exchanges ask and draw, its controls, places to go to, and its files. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const locus = (crescope.locus = crescope.locus || {});
  const NONE = "none"; /* in methods and hidden: really none; an empty list means the default ones */
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const isHere = () => Boolean(locus.root());

  /* -- asking ----------------------------------------------------------------------------------------------------- */
  document.addEventListener("DOMContentLoaded", function () {
    const hooks = crescope.exchange.hooks;
    hooks.locus = {
      /* A place inside what is loaded needs no new drawing. */
      mayAsk: function (question, last) {
        crescope.plot.ready(); /* beside the server's work */
        if (!last) return true;
        const rest = (one) => JSON.stringify(Object.assign({}, one, { locus: "", width: Math.round(one.width / 50) }));
        return rest(question) !== rest(last) || !locus.isLoaded(crescope.text.parse(question.locus));
      },
      draw: function (id, shown) {
        crescope.plot.note(id, shown, "locus");
        locus.draw(shown);
        return true;
      },
    };
    hooks["locus-table"] = {
      /* The table is not drawn by Plotly: only its file is kept. */
      draw: function (id, shown) {
        crescope.plot.note(id, shown, "locus-table");
        return true;
      },
      apply: () => chooseRow(),
    };
    hooks["locus-inspector"] = {
      apply: function (reply) {
        row = reply.data.row || "";
        locus.answeredPlace(reply.data.place);
        chooseRow();
      },
    };
    crescope.plot.saving["locus-figure"] = async function (id) {
      const reply = await crescope.exchange.once("locus-file", { theme: "light" });
      const root = locus.root(), figure = reply.shown[id].figure;
      return { data: figure.data, layout: Object.assign({}, figure.layout, { width: root.clientWidth, height: root.clientHeight + 30 }) };
    };
  });

  /* The first figure is asked for by the address, while Dash is still being set up. */
  if (location.pathname === "/locus") {
    const isWide = window.innerWidth >= 1200; /* as shell.css: the inspector stands beside, or is folded */
    const width = window.innerWidth - 68 - (isWide ? 300 + 32 : 40);
    const question = { query: location.search, theme: document.documentElement.dataset.mantineColorScheme || "light", width: width };
    const headers = { "Content-Type": "application/json" };
    document.addEventListener("DOMContentLoaded", () => { crescope.exchange.early.locus = asked; });
    const asked = fetch("/ask/locus-early", { method: "POST", headers: headers, body: JSON.stringify(question) }).then((reply) => reply.json());
    asked.then(() => crescope.plot.ready()).catch(() => null); /* the page asks for itself then, and says what is wrong */
  }

  /* -- the row of the table that is selected ---------------------------------------------------------------------- */
  let row = "", touched = 0;
  ["pointerdown", "keydown"].forEach((name) => document.addEventListener(name, function (event) {
    if (event.target.closest && event.target.closest("#locus-table")) touched = Date.now();
  }, true));
  function chooseRow() {
    if (!document.getElementById("locus-table")) return;
    const chosen = row ? { ids: [row] } : [];
    window.dash_clientside.set_props("locus-table", Object.assign({ selectedRows: chosen }, row ? { scrollTo: { rowId: row } } : {}));
  }

  /* -- controls --------------------------------------------------------------------------------------------------- */
  function defaults() {
    const toolbar = document.getElementById("locus-toolbar");
    return toolbar ? JSON.parse(toolbar.dataset.defaults) : null;
  }
  const orNone = (chosen, first) => (same(chosen, first) ? [] : chosen.length ? chosen : [NONE]);
  locus.hide = function (id, isMethod) {
    const all = defaults();
    if (!all) return;
    const now = (name, first) => {
      const given = crescope.view.get(name) || [];
      return given.length ? given.filter((one) => one !== NONE) : first;
    };
    if (isMethod) {
      const methods = now("methods", all.methods).filter((one) => one !== id);
      window.dash_clientside.set_props("locus-methods", { value: methods });
    } else {
      const hidden = now("hidden", all.hidden).concat([id]);
      window.dash_clientside.set_props("locus-tracks", { value: all.bands.filter((one) => !hidden.includes(one)) });
    }
  };
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    locus: {
      controlled: function (methods, tracks, scale, top, threshold) {
        const all = defaults();
        if (!all || !isHere()) return;
        const hidden = all.bands.filter((one) => !tracks.includes(one));
        crescope.view.change({
          methods: orNone(all.known.filter((one) => methods.includes(one)), all.methods),
          hidden: orNone(hidden, all.hidden),
          scale: scale,
          top: Math.round(top),
          threshold: Math.round(threshold * 100) / 10000,
        });
      },
      /* A row that was selected from elsewhere comes back as an echo: no one pressed it. */
      rowChosen: function (rows) {
        if (!rows || !rows.length || !rows[0].element_id || Date.now() - touched > 1500) return;
        const chosen = rows[0];
        if (row === chosen.kind + " " + chosen.element_id) return;
        row = chosen.kind + " " + chosen.element_id;
        locus.select(chosen.kind, chosen.element_id);
      },
      /* The page was laid out: the box of the place, and the name. */
      opened: function () {
        makePlaceBox();
        return window.dash_clientside.no_update;
      },
    },
  });

  /* -- the place, as one writes it -------------------------------------------------------------------------------- */
  function makePlaceBox() {
    const slot = document.getElementById("locus-place-slot");
    if (!slot || slot.firstChild) return;
    const box = document.createElement("input");
    Object.assign(box, { id: "locus-place", type: "text", spellcheck: false, autocomplete: "off", maxLength: 120 });
    box.setAttribute("aria-label", "place in view: type another and press Enter");
    box.title = "the place in view; type another and press Enter";
    box.addEventListener("keydown", function (event) {
      event.stopPropagation();
      if (event.key === "Enter") {
        crescope.goTo(box.value).then((went) => { if (went) box.blur(); });
      } else if (event.key === "Escape") {
        tellPlace();
        box.blur();
      }
    });
    box.addEventListener("focus", () => box.select());
    box.addEventListener("blur", tellPlace);
    slot.appendChild(box);
    tellPlace();
  }
  function tellPlace() {
    const box = document.getElementById("locus-place");
    if (!box || document.activeElement === box) return;
    const text = locus.meta && locus.parts() ? locus.placeText() : crescope.view.state.locus || "";
    if (box.value !== text) box.value = text;
    const gene = document.getElementById("locus-gene");
    if (gene) gene.textContent = crescope.view.state.gene || "no gene";
  }
  document.addEventListener("crescope:locus-moved", tellPlace);
  document.addEventListener("crescope:view", tellPlace);

  /* -- places to go to -------------------------------------------------------------------------------------------- */
  function around(start, end, least) {
    const margin = Math.max((end - start) * 0.15, ((least || 0) - (end - start)) / 2, 100);
    locus.moveTo(start - margin, end + margin);
    locus.commit();
  }
  function positives() {
    const pairs = locus.meta.marks.pairs;
    if (!pairs) return [];
    const mark = locus.band("crispr");
    return pairs.id.map((id, k) => ({ id: id, start: pairs.start[k], end: pairs.end[k], is: pairs.found[k] }))
      .filter((pair) => pair.is && mark !== null).sort((a, b) => a.start - b.start);
  }
  const JUMPS = {
    gene: function () {
      const genes = locus.meta.names, k = genes ? genes.name.indexOf(crescope.view.state.gene) : -1;
      if (k >= 0) around(genes.start[k], genes.end[k], 5000);
      else say("the gene is not in what is loaded: search for it");
    },
    positives: function () {
      const found = positives();
      if (!found.length) return say("no CRISPRi positive of this gene to show");
      const tss = locus.meta.tss;
      const ends = found.flatMap((pair) => [pair.start, pair.end]).concat(tss === null ? [] : [tss]);
      around(Math.min(...ends), Math.max(...ends), 20000);
    },
    selected: function () {
      const selected = locus.selectedPlace();
      if (selected) around(selected.start, selected.end, 5000);
      else say("nothing is selected");
    },
    whole: () => crescope.goTo(crescope.view.state.gene || crescope.view.state.locus),
    back: () => step(-1),
    next: () => step(1),
  };
  const say = (text) => crescope.notice(text, "news");
  /* Along a pasted list where there is one, else along the positives of the gene. */
  function step(by) {
    const walk = crescope.view.state.walk || [];
    if (walk.length) {
      const here = walk.indexOf(crescope.view.state.gene);
      const next = walk[(here + by + walk.length) % walk.length];
      return crescope.goTo(next);
    }
    const found = positives();
    if (!found.length) return say("neither a list to walk nor a CRISPRi positive of this gene");
    const here = found.findIndex((pair) => pair.id === crescope.view.state.pair);
    const next = found[here < 0 ? (by > 0 ? 0 : found.length - 1) : (here + by + found.length) % found.length];
    const width = locus.view.end - locus.view.start, middle = (next.start + next.end) / 2;
    if (middle < locus.view.start || middle > locus.view.end) locus.moveTo(middle - width / 2, middle + width / 2);
    locus.settle();
    return crescope.view.change({ pair: next.id, element: "", locus: locus.placeText() });
  }
  locus.jump = (name) => isHere() && locus.meta && JUMPS[name]();

  /* -- buttons and keys ------------------------------------------------------------------------------------------- */
  const MOVES = {
    "pan-left": () => locus.shift(-0.5), "pan-right": () => locus.shift(0.5),
    "zoom-in": () => { locus.zoom(0.5); locus.commit(); }, "zoom-out": () => { locus.zoom(2); locus.commit(); },
  };
  const KEYS = { g: "gene", p: "positives", e: "selected", b: "back", n: "next", w: "whole" };
  document.addEventListener("click", function (event) {
    document.querySelectorAll("details.cs-folded[open]").forEach(function (open) {
      if (!open.contains(event.target) || event.target.closest(".cs-menu-item")) open.removeAttribute("open");
    });
    if (!isHere()) return;
    const lit = event.target.closest("[data-unhighlight]");
    if (lit) {
      crescope.view.change({ highlights: crescope.view.state.highlights.filter((one) => one !== lit.dataset.unhighlight) });
      return;
    }
    const chosen = event.target.closest("[data-select]");
    if (chosen) locus.select(chosen.dataset.select, chosen.dataset.id);
    const jump = event.target.closest("[data-jump]");
    if (jump) locus.jump(jump.dataset.jump);
    const button = event.target.closest("button[id]");
    if (button && MOVES[button.id] && locus.meta) MOVES[button.id]();
  });
  document.addEventListener("keydown", function (event) {
    if (!isHere() || event.metaKey || event.ctrlKey || event.altKey || !KEYS[event.key]) return;
    if (event.target.closest("input, textarea, select, [contenteditable], [role=slider], .ag-root, .cs-track-menu")) return;
    event.preventDefault();
    locus.jump(KEYS[event.key]);
  });
})();
