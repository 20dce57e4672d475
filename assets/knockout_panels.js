/* The tabs of the knock-out page in the browser: which is open, what it asks the server, snapshots, history, letters.
   Only the open tab asks; every answer carries its question and is drawn only while that is the newest. */
(function () {
  "use strict";
  const MOST_SNAPSHOTS = 8; /* as dashboard/state.py */
  const none = () => window.dash_clientside.no_update;
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const context = () => window.dash_clientside.callback_context;
  const pressed = () => Boolean((context().triggered[0] || {}).value);
  const themeName = (theme) => (theme === "dark" ? "dark" : "light");
  const hidden = { display: "none" };

  /* -- snapshots: {snapshots: [[name, [[element, strength] ...]] ...], compare: [A, B] or []} -------------------- */
  function cleanName(text, kept) {
    const clean = (text || "").replace(/[~*!]/g, " ").trim().slice(0, 24);
    if (clean) return clean;
    for (let k = 1; ; k += 1) {
      if (!kept.snapshots.some((snapshot) => snapshot[0] === "snapshot " + k)) return "snapshot " + k;
    }
  }
  function withSnapshot(kept, name, knockOuts) {
    const others = kept.snapshots.filter((snapshot) => snapshot[0] !== name);
    if (others.length >= MOST_SNAPSHOTS) return kept;
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

  /* -- the history in words ------------------------------------------------------------------------------------- */
  function describe(before, now, nameOf) {
    if (!before) return now.knock_outs.length ? now.knock_outs.length + " changed at the start" : "as measured";
    if (before.mode !== now.mode) return "mode " + now.mode;
    const was = new Map(before.knock_outs);
    const is = new Map(now.knock_outs);
    const moved = [...new Set([...was.keys(), ...is.keys()])].filter((e) => was.get(e) !== is.get(e));
    if (!now.knock_outs.length) return "reset";
    if (moved.length !== 1) return now.knock_outs.length + " elements changed";
    const strength = is.has(moved[0]) ? is.get(moved[0]) : 1;
    const what = strength === 0 ? "out" : strength === 1 ? "as measured" : "strength " + window.crescope.text.strength(strength);
    return nameOf(moved[0]) + " " + what;
  }

  const element = (type, props) => ({ namespace: "dash_html_components", type: type, props: props });

  /* -- figures -------------------------------------------------------------------------------------------------- */
  function plotOf(id) {
    return document.querySelector("#" + id + " .js-plotly-plot");
  }
  function withLine(answer, base, focus) {
    const at = base.elements.indexOf(focus);
    const x = base.distance_bp[at];
    const shapes = at < 0 ? [] : [Object.assign({}, answer.line, { x0: x, x1: x })];
    return Object.assign({}, answer.figure, { layout: Object.assign({}, answer.figure.layout, { shapes }) });
  }
  function ofAllGenes(all, history) {
    if (!all || all.ask.mode !== history.now.mode) return [none(), none()];
    return [all.figure || none(), all.text];
  }
  const high = (answer) => ({ height: answer.height + "px" });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.knockoutPanels = {
    /* for tests */
    cleanName, withSnapshot, withoutSnapshot, withSide, describe,

    open: function () {
      const id = context().triggered_id;
      return id && id.name && pressed() ? id.name : none();
    },
    show: function (panel, ids) {
      /* Figures that were hidden learn their size. */
      setTimeout(() => window.dispatchEvent(new Event("resize")), 0);
      return [
        ids.map((id) => (id.name === panel ? "ko-tab ko-here" : "ko-tab")),
        ids.map((id) => (id.name === panel ? {} : hidden)),
        "ko-page ko-on-" + panel,
      ];
    },

    ask: function (panel, answer, focus, theme, kept, method, run, history, models, pairs, bases, snapshots) {
      const names = ["models", "pairs", "bases", "snapshots"];
      const asks = names.map(none);
      if (!names.includes(panel) || !window.dash_clientside.knockout.isCurrent(answer, history)) return asks;
      const { mode, knock_outs } = history.now;
      const look = themeName(theme);
      const isRun = Boolean(run && run.element === focus && run.method === method);
      const wanted = {
        models: { mode, theme: look },
        pairs: { mode, theme: look, knock_outs },
        bases: { element: focus, method, theme: look, run: method === "mutagenesis" && isRun },
        snapshots: { mode, kept },
      }[panel];
      const last = { models, pairs, bases, snapshots }[panel];
      if (!same(wanted, last)) asks[names.indexOf(panel)] = wanted;
      return asks;
    },
    askAll: function (truth, history, theme, last) {
      const wanted = { mode: history.now.mode, theme: themeName(theme) };
      return truth === "all" && !same(wanted, last) ? wanted : none();
    },

    agree: function (scan, truth, history, all) {
      if (truth === "all") return ofAllGenes(all, history);
      if (!scan || scan.mode !== history.now.mode) return [none(), none()];
      return [scan.agreement, scan.agreement_text];
    },
    /* Apart from `agree`, which must not wait for all genes. */
    agreeAll: function (all, truth, history) {
      return truth === "all" ? ofAllGenes(all, history) : [none(), none()];
    },

    drawModels: function (answer, focus, ask, base) {
      if (!answer || !same(answer.ask, ask)) return [none(), none()];
      return [withLine(answer, base, focus), high(answer)];
    },
    drawPairs: function (answer, ask) {
      if (!answer || !same(answer.ask, ask)) return [none(), none(), none()];
      if (!answer.figure) return [none(), hidden, answer.text];
      return [answer.figure, high(answer), answer.text];
    },
    drawBases: function (answer, ask) {
      if (!answer || !same(answer.ask, ask)) return Array.from({ length: 6 }, none);
      const button = answer.is_waiting ? {} : hidden;
      if (!answer.figure) return [none(), answer.text, hidden, hidden, button, none()];
      return [answer.figure, answer.text, {}, {}, button, ask];
    },
    /* Apart from `drawBases`: letters do not wait for the names of sites. */
    nameSites: function (named, ask) {
      return named && same(named.ask, ask) ? named.figure : none();
    },
    run: function (clicks, focus, method) {
      return clicks ? { element: focus, method: method } : none();
    },

    /* All bases of the element, or the first view again. */
    zoom: function () {
      const plot = plotOf("ko-bases");
      if (!plot || !plot.layout || !plot.layout.xaxis) return;
      const axis = plot.layout.xaxis;
      const isOut = context().triggered_id === "ko-zoom-out";
      const range = isOut ? [axis.minallowed, axis.maxallowed] : plot.layout.meta;
      if (range) window.Plotly.relayout(plot, { "xaxis.range": range.slice() });
    },
    /* Letters while few bases are in view, bars when many are. */
    spell: function () {
      setTimeout(function () {
        const plot = plotOf("ko-bases");
        if (!plot || !plot._fullLayout || !plot._fullLayout.xaxis || !plot.data.length) return;
        const range = plot._fullLayout.xaxis.range;
        const areLetters = range[1] - range[0] < 1.5 * (plot.layout.meta[1] - plot.layout.meta[0]);
        const change = { letters: areLetters, bars: !areLetters };
        for (const [kind, visible] of Object.entries(change)) {
          const at = plot.data.map((trace, k) => k).filter((k) => (plot.data[k].name || "").startsWith(kind));
          if (at.length && (plot.data[at[0]].visible !== false) !== visible) {
            window.Plotly.restyle(plot, { visible: visible }, at);
          }
        }
      }, 0);
    },

    keep: function (clicks, forgets, sides, name, kept, history) {
      const id = context().triggered_id;
      if (!pressed()) return [none(), none()];
      if (id.type === "ko-forget") return [withoutSnapshot(kept, id.name), ""];
      if (id.type === "ko-side") return [withSide(kept, id.side, id.name), ""];
      const next = withSnapshot(kept, cleanName(name, kept), history.now.knock_outs);
      if (next === kept) return [none(), MOST_SNAPSHOTS + " are kept at most: forget one first"];
      set("ko-snapshot-name", { value: "" });
      return [next, ""];
    },
    list: function (children) {
      return children || none();
    },
    steps: function (history, panel, base) {
      if (panel !== "snapshots") return none();
      const places = new Map(base.rows.map((row) => [row.element_id, row]));
      const nameOf = function (one) {
        const row = places.get(one);
        return row ? row.element_class + " " + window.crescope.text.offset(row.distance_bp) : one;
      };
      const all = history.past.concat([history.now], history.future);
      const here = history.past.length;
      return all.map((step, k) => element("Button", {
        id: { type: "ko-step", at: k },
        className: "ko-step" + (k === here ? " ko-here" : k > here ? " ko-undone" : ""),
        children: describe(all[k - 1], step, nameOf) + (k > here ? " (undone)" : ""),
      })).reverse();
    },
  };
})();
