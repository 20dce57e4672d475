/* The figures of the knock-out page. The server draws them with nothing changed and nothing selected; what a change
   moves and what is selected is put in here: into a new figure before it is drawn, into a drawn one as new values of
   the few traces and shapes that differ. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const knockout = (crescope.knockout = crescope.knockout || {});
  const EFFECTS = "ko-effects", ATTENTION = "ko-attention", AGREEMENT = "ko-agreement", MODELS = "ko-models";
  const ATTENTION_MS = 120; /* attention beside it waits for the main figure */

  /* -- pure: what differs, by the name of a trace ------------------------------------------------------------------ */
  /* The exact answer to what is changed now: the crosses and rings on the zero line. */
  function effectTraces(answer) {
    if (!answer) return {};
    const { symbol, ...marks } = answer.changed;
    return { "changed now": Object.assign({}, marks, { "marker.symbol": symbol }) };
  }
  function attentionTraces(answer) {
    if (!answer) return {};
    const { after, less, more } = answer.attention;
    return { after: { y: after }, less: less, more: more };
  }
  /* A figure with some values of its traces, and its shapes, replaced. */
  function dressed(figure, traces, shapes) {
    const data = figure.data.map(function (trace) {
      const { "marker.symbol": symbol, ...values } = traces[trace.name] || {};
      const marker = symbol === undefined ? {} : { marker: Object.assign({}, trace.marker, { symbol: symbol }) };
      return Object.assign({}, trace, values, marker);
    });
    return Object.assign({}, figure, { data: data, layout: Object.assign({}, figure.layout, shapes ? { shapes: shapes } : {}) });
  }

  /* -- what each figure shows now --------------------------------------------------------------------------------- */
  const NOW = {};
  function selection(shapesOf) {
    return function (meta) {
      const base = knockout.base(), { element, pair } = crescope.view.state;
      return base && meta ? shapesOf(meta, base, element || "", pair || "") : [];
    };
  }
  NOW[EFFECTS] = { traces: effectTraces, shapes: selection((...given) => knockout.effectShapes(...given)) };
  NOW[ATTENTION] = { traces: attentionTraces, shapes: null };
  NOW[AGREEMENT] = { traces: () => ({}), shapes: selection((...given) => knockout.agreementShapes(...given)) };
  NOW[MODELS] = { traces: () => ({}), shapes: selection((meta, base, focus) => knockout.focusShapes(meta, base, focus)) };
  function differs(id, meta) {
    const { traces, shapes } = NOW[id];
    return { traces: traces(knockout.answer()), shapes: shapes && shapes(meta) };
  }

  /* -- drawing ---------------------------------------------------------------------------------------------------- */
  const drawn = {}; /* figure -> text of what differed when it was drawn last */
  const meta = {}; /* figure -> meta of its layout */
  async function draw(id, shown, exchange) {
    const figure = shown.figure;
    if (!figure) return crescope.plot.show(id, shown, exchange);
    meta[id] = figure.layout.meta;
    const now = differs(id, meta[id]);
    const whole = dressed(figure, now.traces, now.shapes);
    if (id === EFFECTS) knockout.keepRange(whole);
    drawn[id] = JSON.stringify(now);
    await crescope.plot.show(id, Object.assign({}, shown, { figure: whole }), exchange);
    return paintOne(id);
  }
  function paintOne(id) {
    const plot = crescope.plot.plotOf(id);
    if (!plot || !plot.data || drawn[id] === undefined) return;
    const now = differs(id, meta[id]), text = JSON.stringify(now);
    if (text === drawn[id]) return;
    const before = JSON.parse(drawn[id]);
    drawn[id] = text;
    const layout = now.shapes && !knockout.same(now.shapes, before.shapes) ? { shapes: now.shapes } : {};
    const moved = Object.keys(now.traces).filter((name) => !knockout.same(now.traces[name], before.traces[name]));
    if (!moved.length) {
      if (layout.shapes) window.Plotly.relayout(plot, layout);
      return;
    }
    const at = moved.map((name) => plot.data.findIndex((trace) => trace.name === name));
    const values = {};
    moved.forEach(function (name, k) {
      Object.entries(now.traces[name]).forEach(function ([key, value]) {
        values[key] = values[key] || moved.map(() => undefined);
        values[key][k] = value;
      });
    });
    window.Plotly.update(plot, values, layout, at);
  }
  let painting = null;
  /* After an answer or a selection. */
  knockout.paint = function () {
    [EFFECTS, AGREEMENT, MODELS].forEach(paintOne);
    clearTimeout(painting);
    painting = setTimeout(() => paintOne(ATTENTION), ATTENTION_MS);
  };
  knockout.forgetFigures = () => Object.keys(drawn).forEach((id) => delete drawn[id]);

  /* -- the exchanges: a figure's files come from the exchange that knows what is changed ----------------------------- */
  const FIGURES = { "knockout-effects": "knockout-effects-file", "knockout-attention": "knockout-attention-file",
    "knockout-agreement": "knockout-agreement", "knockout-models": "knockout-models" };
  document.addEventListener("DOMContentLoaded", function () {
    Object.entries(FIGURES).forEach(function ([name, file]) {
      crescope.exchange.hooks[name] = {
        mayAsk: () => name !== "knockout-models" || Boolean(knockout.answer()),
        draw: function (id, shown) {
          draw(id, shown, file);
          return true;
        },
      };
    });
    Object.keys(NOW).forEach(function (id) {
      crescope.plot.saving[id] = async function () {
        const figure = await crescope.plot.inLight(id), now = differs(id, figure.layout.meta);
        return dressed(figure, now.traces, now.shapes);
      };
    });
    [AGREEMENT, MODELS].forEach(function (id) {
      crescope.plot.on(id, "click", (click) => knockout.clickedMark(click.points[0] && click.points[0].customdata));
    });
  });
  /* A mark was clicked: the selection follows, and the table's row comes into view. */
  knockout.clickedMark = function (told) {
    const fields = knockout.base() ? knockout.ofMark(told, knockout.base()) : null;
    if (!fields) return;
    knockout.select(fields);
    knockout.scrollToRow();
  };
  Object.assign(knockout, { effectTraces, attentionTraces, dressed });
})();
