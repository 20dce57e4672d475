/* The tabs of the knock-out page: which is open, snapshots, the list of the history, letters of bases. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const knockout = (crescope.knockout = crescope.knockout || {});
  const most = () => ((crescope.about || {}).view || {}).most || {};

  /* -- pure: snapshots {snapshots: [[name, [[element, strength] ...]] ...], compare: [A, B] or []} ----------------- */
  function cleanName(text, kept) {
    const clean = (text || "").replace(/[~*!]/g, " ").trim().slice(0, most().name);
    if (clean) return clean;
    for (let k = 1; ; k += 1) {
      if (!kept.snapshots.some((snapshot) => snapshot[0] === "snapshot " + k)) return "snapshot " + k;
    }
  }
  function withSnapshot(kept, name, knockOuts) {
    const others = kept.snapshots.filter((snapshot) => snapshot[0] !== name);
    if (others.length >= most().snapshots) return kept;
    return { snapshots: others.concat([[name, knockOuts]]), compare: kept.compare };
  }
  function withoutSnapshot(kept, name) {
    const compare = kept.compare.map((chosen) => (chosen === name ? "" : chosen));
    return {
      snapshots: kept.snapshots.filter((snapshot) => snapshot[0] !== name),
      compare: compare.some(Boolean) ? compare : [],
    };
  }
  /* A second press on a side takes the choice back. */
  function withSide(kept, side, name) {
    const compare = [kept.compare[0] || "", kept.compare[1] || ""];
    compare[side] = compare[side] === name ? "" : name;
    return { snapshots: kept.snapshots, compare: compare.some(Boolean) ? compare : [] };
  }

  /* -- which tab is open ------------------------------------------------------------------------------------------ */
  let open = "";
  knockout.followTabs = function () {
    const panel = crescope.view.get("panel"), page = document.getElementById("ko-page");
    if (!page) return;
    page.dataset.panel = panel;
    page.querySelectorAll("[data-ko-tab]").forEach((tab) => tab.setAttribute("aria-selected", String(tab.dataset.koTab === panel)));
    page.querySelectorAll("[data-ko-body]").forEach((body) => { body.hidden = body.dataset.koBody !== panel; });
    if (panel !== open) requestAnimationFrame(() => window.dispatchEvent(new Event("resize"))); /* hidden figures learn their size */
    open = panel;
    if (panel === "snapshots") listSteps();
  };

  /* -- snapshots and history -------------------------------------------------------------------------------------- */
  const kept = () => ({ snapshots: crescope.view.get("snapshots"), compare: crescope.view.get("compare") });
  function keepSnapshot() {
    const box = document.getElementById("ko-snapshot-name"), before = kept();
    const next = withSnapshot(before, cleanName(box.value, before), knockout.now().knock_outs);
    const text = next === before ? most().snapshots + " are kept at most: forget one first" : "";
    document.getElementById("ko-keep-text").textContent = text;
    if (next === before) return;
    window.dash_clientside.set_props("ko-snapshot-name", { value: "" });
    crescope.view.change(next);
  }
  const SNAPSHOT = {
    "side-0": (name) => crescope.view.change(withSide(kept(), 0, name)),
    "side-1": (name) => crescope.view.change(withSide(kept(), 1, name)),
    forget: (name) => crescope.view.change(withoutSnapshot(kept(), name)),
    restore: function (name) {
      const found = kept().snapshots.find((snapshot) => snapshot[0] === name);
      if (found) knockout.act({ kind: "restore", knock_outs: found[1].filter((pair) => pair[1] < 1) });
    },
  };
  function listSteps() {
    const place = document.getElementById("ko-steps"), base = knockout.base();
    if (!place || !base) return;
    const { past, now, future } = knockout.history(), all = past.concat([now], future), here = past.length;
    const buttons = all.map(function (step, k) {
      const button = document.createElement("button");
      button.className = "ko-step" + (k === here ? " ko-here" : k > here ? " ko-undone" : "");
      button.dataset.koStep = k;
      const words = knockout.describe(all[k - 1], step, (element) => knockout.nameOf(base, element));
      button.textContent = words + (k > here ? " (undone)" : "");
      return button;
    });
    place.replaceChildren(...buttons.reverse());
  }

  /* -- bases: letters while few are in view, bars when many are ---------------------------------------------------- */
  function spell() {
    const plot = crescope.plot.plotOf("ko-bases");
    if (!plot || !plot._fullLayout || !plot._fullLayout.xaxis || !plot.data.length) return;
    const range = plot._fullLayout.xaxis.range;
    const areLetters = range[1] - range[0] < 1.5 * (plot.layout.meta[1] - plot.layout.meta[0]);
    const change = { letters: areLetters, bars: !areLetters };
    for (const [kind, visible] of Object.entries(change)) {
      const at = plot.data.map((trace, k) => k).filter((k) => (plot.data[k].name || "").startsWith(kind));
      if (at.length && (plot.data[at[0]].visible !== false) !== visible) window.Plotly.restyle(plot, { visible: visible }, at);
    }
  }
  /* All bases of the element, or the first view again. */
  function zoomBases(view) {
    const plot = crescope.plot.plotOf("ko-bases");
    if (!plot || !plot.layout || !plot.layout.xaxis) return;
    const axis = plot.layout.xaxis, range = view === "all" ? [axis.minallowed, axis.maxallowed] : plot.layout.meta;
    if (range) window.Plotly.relayout(plot, { "xaxis.range": range.slice() });
  }
  const BASES_OF = ["study", "biosample", "gene", "model", "element", "base_method"];
  let lettered = null; /* the question whose letters are drawn */
  const isLettered = (question) => Boolean(lettered) && BASES_OF.concat(["theme"]).every((name) => question[name] === lettered[name]);
  document.addEventListener("DOMContentLoaded", function () {
    const hooks = crescope.exchange.hooks, isAnswered = () => Boolean(knockout.answer());
    hooks["knockout-pairs"] = { mayAsk: isAnswered };
    hooks["knockout-snapshots"] = { mayAsk: isAnswered };
    hooks["knockout-bases"] = {
      mayAsk: isAnswered,
      apply: function (reply, question) {
        const { isWaiting, hasFigure } = reply.data;
        document.getElementById("ko-run-bases").hidden = !isWaiting;
        document.getElementById("ko-zooms").hidden = !hasFigure;
        lettered = hasFigure ? question : null;
        crescope.exchange.check();
      },
      draw: drawBases("knockout-bases"),
    };
    hooks["knockout-sites"] = { mayAsk: isLettered, isWanted: isLettered, draw: drawBases("knockout-sites") };
    crescope.plot.on("ko-bases", "relayout", spell);
  });
  const drawBases = (name) => function (id, shown) {
    crescope.plot.show(id, shown, name).then(spell);
    return true;
  };

  /* -- buttons ---------------------------------------------------------------------------------------------------- */
  const PRESSED = {
    koTab: (name) => crescope.view.change({ panel: name }),
    koSnapshot: (what, button) => SNAPSHOT[what](button.dataset.name),
    koStep: (at) => knockout.act({ kind: "go", at: Number(at) }),
    koBases: zoomBases,
  };
  const BY_ID = {
    "ko-keep": keepSnapshot,
    "ko-run-bases": () => crescope.exchange.keep({ mutagenesis: crescope.view.get("element") }),
  };
  document.addEventListener("click", function (event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (BY_ID[button.id]) BY_ID[button.id]();
    Object.entries(PRESSED).forEach(([name, press]) => name in button.dataset && press(button.dataset[name], button));
  });
  Object.assign(knockout, { cleanName, withSnapshot, withoutSnapshot, withSide });
})();
