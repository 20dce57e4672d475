/* The knock-out page in the browser: what its Dash components tell, what its buttons do, and what follows when the view
   changes. The view (crescope.view) is the one truth; knockout_*.js hold a topic each. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const knockout = (crescope.knockout = crescope.knockout || {});
  const isHere = () => Boolean(document.getElementById("ko-page"));

  /* -- everything follows the view -------------------------------------------------------------------------------- */
  let page = -1;
  document.addEventListener("crescope:view", function (event) {
    if (location.pathname !== "/knockout") return;
    const isNewPage = page !== crescope.view.page;
    page = crescope.view.page;
    knockout.followHistory(event.detail.before, isNewPage);
    if (isNewPage) forget();
    else knockout.render(200);
  });
  function forget() {
    knockout.forgetAnswers();
    knockout.forgetTable();
    knockout.forgetFigures();
    crescope.exchange.kept.mutagenesis = undefined;
  }
  /* `fillMs`: the table follows so much later. */
  knockout.render = function (fillMs) {
    if (!isHere()) return;
    knockout.showNumbers();
    knockout.followTabs();
    knockout.followSliders();
    knockout.tellPair();
    knockout.paint();
    knockout.fillTable(fillMs);
    const { past, now, future } = knockout.history();
    disable("ko-undo", !past.length);
    disable("ko-redo", !future.length);
    disable("ko-reset", !now.knock_outs.length);
    window.dash_clientside.set_props("ko-mode", { value: now.mode });
    followLinks();
  };
  /* Links to the same view under another model. */
  function followLinks() {
    document.querySelectorAll("a[data-ko-model]").forEach(function (link) {
      const state = Object.assign({}, crescope.view.state, { model: link.dataset.koModel });
      link.setAttribute("href", "/knockout?" + crescope.view.written(state));
    });
  }
  document.addEventListener("crescope:answered", () => requestAnimationFrame(followLinks));
  function disable(id, is) {
    const button = document.getElementById(id);
    if (button) button.disabled = is;
  }

  /* -- buttons ---------------------------------------------------------------------------------------------------- */
  let top = { k: null, method: null };
  const STEPS = {
    "ko-undo": () => knockout.act({ kind: "undo" }),
    "ko-redo": () => knockout.act({ kind: "redo" }),
    "ko-reset": () => knockout.act({ kind: "replace", elements: [] }),
  };
  document.addEventListener("click", function (event) {
    const button = event.target.closest("button"), base = knockout.base();
    if (!button || !base || !isHere()) return;
    if (STEPS[button.id]) STEPS[button.id]();
    const { koPreset: preset, koPair: pair } = button.dataset, { element, pair: selected } = crescope.view.state;
    if (preset) knockout.act({ kind: "replace", elements: knockout.presetOf(preset, base, { element, pair: selected, ...top }) });
    if (pair) knockout.select({ pair: pair });
  });

  /* -- what Dash components tell: each hands one thing to a plain function ------------------------------------------- */
  const triggered = () => window.dash_clientside.callback_context.triggered_id;
  function setStrength(element, strength) {
    const base = knockout.base();
    if (base && base.elements.includes(element)) knockout.act({ kind: "set", element: element, strength: strength });
  }
  function preview(slot, element, strength) {
    if (!element || strength === null || strength === undefined) return;
    knockout.labelSlot(slot, strength);
    knockout.preview(element, strength);
  }
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    knockout: {
      slid: (strength) => setStrength(crescope.view.get("element"), strength),
      sliding: (strength) => preview(null, crescope.view.get("element"), strength),
      slotSlid: function (strengths) {
        const id = triggered();
        if (id) setStrength(knockout.pinOf(id.slot), strengths[id.slot]);
      },
      slotSliding: function (strengths) {
        const id = triggered();
        if (id) preview(id.slot, knockout.pinOf(id.slot), strengths[id.slot]);
      },
      modeChosen: (mode) => knockout.act({ kind: "mode", mode: mode }),
      classChosen: function (name) {
        const base = knockout.base();
        if (!name || !base) return;
        window.dash_clientside.set_props("ko-preset-class", { value: null }); /* the same class can be taken again */
        knockout.act({ kind: "replace", elements: base.presets.classes[name] });
      },
      topChosen: function (k, method) {
        top = { k: k, method: method };
      },
      rowChosen: function (rows) {
        if (rows && rows.length) knockout.select(knockout.ofRow(rows[0], { element: crescope.view.get("element"), pair: crescope.view.get("pair") }));
      },
      rowDoubled: function (doubled) {
        const element = doubled && doubled.rowId;
        if (element) setStrength(element, knockout.strengthOf(knockout.now(), element) < 1 ? 1 : 0);
      },
      truthChosen: (truth) => crescope.view.change({ truth: truth }),
      methodChosen: (method) => crescope.view.change({ base_method: method }),
      /* The page was laid out. */
      opened: function () {
        knockout.render(0);
        return window.dash_clientside.no_update;
      },
    },
  });
})();
