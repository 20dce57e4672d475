/* The knock-out page's part in the browser: the history of changes, the estimate while a slider moves, and the rule
   that a late answer never replaces a newer one. Pure functions first; those that touch the page are at the end. */
(function () {
  "use strict";
  const written = () => window.crescope.text; /* loaded after this script */
  const none = () => window.dash_clientside.no_update;

  /* -- the history: {past: [now ...], now: {knock_outs: [[element, strength] ...], mode}, future: [now ...], seq} -- */
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  function strengthOf(now, element) {
    const found = now.knock_outs.find((pair) => pair[0] === element);
    return found ? found[1] : 1;
  }
  function withStrength(now, element, strength) {
    const at = now.knock_outs.findIndex((pair) => pair[0] === element);
    const pairs = now.knock_outs.map((pair) => pair.slice());
    if (strength >= 1) {
      if (at >= 0) pairs.splice(at, 1);
    } else if (at >= 0) {
      pairs[at][1] = strength;
    } else {
      pairs.push([element, strength]);
    }
    return { knock_outs: pairs, mode: now.mode };
  }
  /* The history after an action; the same object when nothing changes. */
  function step(history, action) {
    const { past, now, future, seq } = history;
    if (action.kind === "undo") {
      if (!past.length) return history;
      return { past: past.slice(0, -1), now: past[past.length - 1], future: [now].concat(future), seq: seq + 1 };
    }
    if (action.kind === "redo") {
      if (!future.length) return history;
      return { past: past.concat([now]), now: future[0], future: future.slice(1), seq: seq + 1 };
    }
    if (action.kind === "go") {
      const all = past.concat([now], future);
      if (!(action.at in all) || action.at === past.length) return history;
      return { past: all.slice(0, action.at), now: all[action.at], future: all.slice(action.at + 1), seq: seq + 1 };
    }
    let next = now;
    if (action.kind === "restore") next = { knock_outs: action.knock_outs, mode: now.mode };
    if (action.kind === "set") next = withStrength(now, action.element, action.strength);
    if (action.kind === "replace") next = { knock_outs: action.elements.map((e) => [e, 0]), mode: now.mode };
    if (action.kind === "mode") next = { knock_outs: now.knock_outs, mode: action.mode };
    if (same(next, now)) return history;
    return { past: past.concat([now]), now: next, future: [], seq: seq + 1 };
  }

  /* -- the estimate: single log2 fold changes, each in proportion to what was taken away, summed ----------------- */
  function additive(base, knockOuts) {
    const at = new Map(base.elements.map((element, k) => [element, k]));
    let log2 = 0;
    let changed = 0;
    let between = false;
    for (const [element, strength] of knockOuts) {
      if (!at.has(element)) continue;
      const single = base.single_log2[at.get(element)];
      log2 += single === null ? NaN : (1 - strength) * single;
      changed += 1;
      between = between || (strength > 0 && strength < 1);
    }
    return {
      log2: log2,
      fraction: Math.pow(2, log2) - 1,
      after: base.baseline + log2 / base.log2_per_unit,
      changed: changed,
      between: between,
    };
  }

  /* An answer is drawn only if it answers the newest change. */
  function isCurrent(answer, history) {
    return Boolean(answer && history && answer.seq === history.seq);
  }

  /* Changed elements that get a slider: the newest first to leave is the weakest effect, the one in focus has its own. */
  function pinned(base, knockOuts, focus, limit) {
    const size = new Map(base.elements.map((element, k) => [element, Math.abs(base.single_log2[k])]));
    return knockOuts
      .map((pair) => pair[0])
      .filter((element) => element !== focus && size.has(element))
      .sort((a, b) => size.get(b) - size.get(a))
      .slice(0, limit);
  }

  /* A row of a measured pair under no element: nothing to change. Such rows come after the elements. */
  const isPlace = (row) => row.strength === null;
  function rowsOf(base, knockOuts, context) {
    const strengths = new Map(knockOuts);
    return base.rows.map((row, k) => (isPlace(row) ? row : Object.assign({}, row, {
      strength: strengths.has(row.element_id) ? strengths.get(row.element_id) : 1,
      others: context ? context.others[k] : null,
      isWaiting: !context,
    })));
  }

  /* The scan's figures with what an answer changes put in. */
  function effectsWith(scan, answer, focus, pair) {
    const shapes = window.dash_clientside.knockoutMeasured.effectShapes(scan, focus, pair);
    const data = scan.effects.data.map(function (trace) {
      if (trace.name !== "changed now") return trace;
      const { symbol, ...marks } = answer.changed;
      return Object.assign({}, trace, marks, { marker: Object.assign({}, trace.marker, { symbol: symbol }) });
    });
    return Object.assign({}, scan.effects, { data: data, layout: Object.assign({}, scan.effects.layout, { shapes }) });
  }
  function attentionWith(scan, answer) {
    const data = scan.attention.data.map(function (trace) {
      if (trace.name === "after") return Object.assign({}, trace, { y: answer.attention.after });
      if (trace.name === "less" || trace.name === "more") return Object.assign({}, trace, answer.attention[trace.name]);
      return trace;
    });
    return Object.assign({}, scan.attention, { data: data });
  }

  /* -- the page ------------------------------------------------------------------------------------------------- */
  const set = (id, props) => window.dash_clientside.set_props(id, props);
  const trigger = () => window.dash_clientside.callback_context.triggered_id;
  /* A button that only appeared has not been pressed. */
  const pressed = () => Boolean((window.dash_clientside.callback_context.triggered[0] || {}).value);

  /* The elements of a preset: those of the screen, those under the pair told about, or the first k of a ranking. */
  function presetOf(name, values) {
    if (name === "positives") return values.base.presets.positives;
    if (name === "pair") {
      const pair = window.dash_clientside.knockoutMeasured.shown(values.base, values.focus, values.measured);
      return pair ? pair.element_ids : [];
    }
    return (values.base.presets.rankings[values.method] || []).slice(0, values.k || 0);
  }
  function actionOf(id, values) {
    if (id === "ko-undo" || id === "ko-redo") return { kind: id.slice(3) };
    if (id === "ko-reset") return { kind: "replace", elements: [] };
    if (id === "ko-mode") return { kind: "mode", mode: values.mode };
    if (id === "ko-slider") return { kind: "set", element: values.focus, strength: values.strength };
    if (id === "ko-table") {
      const element = values.doubled.rowId;
      return { kind: "set", element: element, strength: strengthOf(values.history.now, element) < 1 ? 1 : 0 };
    }
    if (id && id.type === "ko-slot") {
      return { kind: "set", element: values.slots[id.slot], strength: values.slotStrengths[id.slot] };
    }
    if (id && id.type === "ko-preset") return { kind: "replace", elements: presetOf(id.name, values) };
    if (id && id.type === "ko-step" && pressed()) return { kind: "go", at: id.at };
    if (id && id.type === "ko-restore" && pressed()) {
      const found = values.kept.snapshots.find((snapshot) => snapshot[0] === id.name);
      return found ? { kind: "restore", knock_outs: found[1].filter((pair) => pair[1] < 1) } : null;
    }
    if (id === "ko-preset-class" && values.chosenClass) {
      set("ko-preset-class", { value: null }); /* the same class can be taken again */
      return { kind: "replace", elements: values.base.presets.classes[values.chosenClass] };
    }
    return null;
  }

  function showEstimate(base, now) {
    const estimate = additive(base, now.knock_outs);
    const log2 = written().log2(estimate.log2);
    set("ko-after", { children: written().number(estimate.after) });
    set("ko-change", { children: written().percent(estimate.fraction) + " (log2 FC " + log2 + ")" });
    set("ko-independent", { children: "" });
    set("ko-kind", { children: "additive estimate" + (estimate.between ? ", interpolated" : "") });
    set("ko-result", { className: "ko-result ko-estimate" });
    set("ko-bar", { style: barStyle(estimate.fraction) });
  }
  function barStyle(fraction) {
    if (fraction === null || !isFinite(fraction)) return { width: 0 };
    const left = Math.max(0, Math.min(1, 1 + Math.min(0, fraction)));
    const width = Math.min(1, Math.abs(fraction));
    return { left: 50 * left + "%", width: 50 * width + "%" };
  }
  function showExact(answer) {
    set("ko-before", { children: answer.before });
    set("ko-after", { children: answer.after });
    set("ko-change", { children: answer.change });
    set("ko-independent", { children: answer.independent });
    set("ko-kind", { children: answer.kind });
    set("ko-result", { className: "ko-result ko-" + answer.look });
    set("ko-bar", { style: barStyle(answer.fraction) });
    set("ko-done", { children: answer.done });
  }
  /* The table is the slowest part to draw: it follows the numbers and figures, once for changes close together. */
  let filling = null;
  function fill(base, history, context, afterMs) {
    clearTimeout(filling);
    const rows = () => rowsOf(base, history.now.knock_outs, isCurrent(context, history) ? context : null);
    filling = setTimeout(() => set("ko-table", { rowData: rows() }), afterMs);
  }
  let asking = null;
  let painting = null;

  function slotsOf(id, slot) {
    return { type: id, slot: slot };
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.knockout = {
    /* for tests */
    step, additive, isCurrent, pinned, presetOf, rowsOf, strengthOf,

    act: function (strength, slotStrengths, presets, chosenClass, undo, redo, reset, mode, doubled, restored, steps,
      history, focus, measured, slots, base, k, method, kept) {
      const given = { strength, slotStrengths, chosenClass, mode, doubled };
      const values = Object.assign(given, { history, focus, measured, slots, base, k, method, kept });
      const action = actionOf(trigger(), values);
      if (!action || (action.kind === "set" && !base.elements.includes(action.element))) return none();
      const next = step(history, action);
      return next === history ? none() : next;
    },

    /* The element and the measured pair that a click or a row names; one of them alone keeps or drops the other. */
    choose: function (selected, clickedPoint, clickedPair, clickedModel, over, focus, measured, base) {
      const id = trigger();
      const clicks = { "ko-effects": clickedPoint, "ko-agreement": clickedPair, "ko-models": clickedModel };
      const chosen = window.dash_clientside.knockoutMeasured.chosen(id, {
        row: Array.isArray(selected) ? selected[0] : null,
        click: typeof id === "string" ? clicks[id] : null,
        isPressed: pressed(),
      }, focus, measured, base);
      if (!chosen) return [none(), none()];
      const [element, pair] = chosen;
      if (id !== "ko-table") set("ko-table", { scrollTo: { rowId: element || pair, rowPosition: "middle" } });
      return [element === focus ? none() : element, pair === measured ? none() : pair];
    },

    /* Sliders, their names and the table follow the history and the focus. */
    follow: function (history, focus, measured, base, context, slots) {
      const now = history.now;
      const chosen = pinned(base, now.knock_outs, focus, slots.length);
      const places = new Map(base.rows.map((row) => [row.element_id, row]));
      const name = (element) => {
        const row = places.get(element);
        if (!row) return measured ? "no element under the pair" : "choose an element";
        return row.element_class + " " + written().offset(row.distance_bp);
      };
      set("ko-slots", { data: slots.map((_, k) => chosen[k] || null) });
      slots.forEach(function (_, k) {
        const element = chosen[k];
        set(slotsOf("ko-slot-row", k), { style: { display: element ? "" : "none" } });
        if (!element) return;
        const value = strengthOf(now, element);
        set(slotsOf("ko-slot-name", k), { children: name(element), title: element });
        set(slotsOf("ko-slot-value", k), { children: written().strength(value) });
        set(slotsOf("ko-slot", k), { value: value });
      });
      const strength = strengthOf(now, focus);
      set("ko-focus-name", { children: name(focus), title: focus });
      set("ko-focus-value", { children: written().strength(strength) });
      set("ko-slider", { value: strength, disabled: !places.has(focus) });
      const row = focus || measured;
      if (places.has(row)) set("ko-table", { selectedRows: { ids: [row] } });
      const hidden = now.knock_outs.filter((pair) => pair[0] !== focus).length - chosen.length;
      set("ko-undo", { disabled: !history.past.length });
      set("ko-redo", { disabled: !history.future.length });
      set("ko-reset", { disabled: !now.knock_outs.length });
      set("ko-mode", { value: now.mode });
      fill(base, history, context, 200);
      const most = 300; /* as dashboard/state.py */
      const cut = now.knock_outs.length > most ? "; the address holds the first " + most : "";
      return hidden > 0 ? "and " + hidden + " more changed, in the table" + cut : "";
    },

    /* While a slider moves: the estimate, from what was loaded; no request. A slider that was set, not moved, tells
       the value it already has. */
    preview: function (moving, slotsMoving, value, slotValues, history, focus, slots, base, answer) {
      const id = trigger();
      const slot = id && id.type === "ko-slot" ? id.slot : null;
      const element = slot === null ? focus : slots[slot];
      const strength = slot === null ? moving : slotsMoving[slot];
      if (!element || strength === null || strength === undefined) return;
      if (strength !== (slot === null ? value : slotValues[slot])) {
        set(slot === null ? "ko-focus-value" : slotsOf("ko-slot-value", slot), { children: written().strength(strength) });
        showEstimate(base, withStrength(history.now, element, strength));
      } else if (isCurrent(answer, history)) {
        showExact(answer);
      }
    },

    /* On release the estimate stays until the exact answer comes. */
    expect: function (history, base, answer) {
      if (!history.seq) return;
      if (!isCurrent(answer, history) && base.mode === history.now.mode) showEstimate(base, history.now);
    },

    look: function (history, theme, last) {
      const look = { mode: history.now.mode, theme: theme === "dark" ? "dark" : "light" };
      return same(look, last) ? none() : look;
    },

    /* The numbers of a current answer; what follows from it is asked when nothing newer has come for a moment. */
    announce: function (answer, history) {
      if (!isCurrent(answer, history)) return;
      showExact(answer);
      clearTimeout(asking);
      asking = setTimeout(() => set("ko-ask", { data: { seq: answer.seq } }), 250);
    },

    /* The process that holds the models ended: say so, and ask the same again. */
    wait: function (waiting, history) {
      if (!isCurrent(waiting, history)) return;
      set("ko-kind", { children: waiting.text });
      set("ko-result", { className: "ko-result ko-estimate" });
      setTimeout(() => set("ko-again", { data: Date.now() }), 1000);
    },

    draw: function (answer, scan, focus, measured, history) {
      if (!isCurrent(answer, history) || !scan || scan.mode !== history.now.mode) return none();
      clearTimeout(painting); /* attention beside it waits for the main figure */
      painting = setTimeout(() => set("ko-attention", { figure: attentionWith(scan, answer) }), 120);
      return effectsWith(scan, answer, focus, measured);
    },

    rebase: function (scan, history, context) {
      if (!scan || scan.mode !== history.now.mode) return [none(), none()];
      fill(scan.base, history, context, 0);
      return [scan.base, scan.gene_text];
    },

    surround: function (context, history, base) {
      if (!isCurrent(context, history)) return none();
      fill(base, history, context, 0);
      return context.neighbours;
    },
  };

  /* -- cells of the table ----------------------------------------------------------------------------------------- */
  const SIGNS = { decrease: " \u25CF", increase: " \u25B2", "not significant": " \u25CB" };
  const size = (value) => (value === null || value === undefined ? -1 : Math.abs(value));
  window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, {
    koDistance: (params) => written().offset(params.value),
    koPercent: (params) => (isPlace(params.data) ? "" : written().percent(params.value)),
    koThree: (params) => (isPlace(params.data) ? "" : written().number(params.value)),
    koStrength: (params) => (isPlace(params.data) ? "no element" : written().strength(params.value)),
    koOthers: function (params) {
      if (isPlace(params.data)) return "";
      return params.data.strength === 0 ? "out" : params.data.isWaiting ? "\u2026" : written().percent(params.value);
    },
    koMeasured: function (params) {
      const { call, pair_ids } = params.data;
      const more = pair_ids.length > 1 ? " of " + pair_ids.length : "";
      return call ? written().percent(params.value) + SIGNS[call] + more : "not tested";
    },
    koByMagnitude: (a, b) => size(a) - size(b),
    koStrengthBar: function (params) {
      if (isPlace(params.data)) return { color: "var(--cs-faint-ink)" };
      const share = 100 * params.value;
      const bar = "linear-gradient(to right, var(--cs-accent) " + share + "%, var(--cs-hairline) " + share + "%)";
      return { background: bar + " 40px center / calc(100% - 52px) 5px no-repeat" };
    },
  });

  /* Every figure as a file: a button names the figure and the format. */
  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-ko-save]");
    if (!button) return;
    const [graph, format] = button.getAttribute("data-ko-save").split(":");
    const plot = document.querySelector("#" + graph + " .js-plotly-plot");
    if (plot) window.Plotly.downloadImage(plot, { format: format, scale: format === "png" ? 3 : 1, filename: button.getAttribute("data-ko-name") });
  });
})();
