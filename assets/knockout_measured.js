/* Measured pairs on the knock-out page: which one is selected, what is said of it, and the ring around it.
   A pair is selected by itself (the Store ko-measured), or it is the first of those over the element in focus. */
(function () {
  "use strict";
  const none = () => window.dash_clientside.no_update;
  const element = (type, props) => ({ namespace: "dash_html_components", type: type, props: props });
  const line = (text, className, title) => element("Div", { children: text, className: className, title: title });

  const pairOf = (base, id) => base.measured.find((pair) => pair.pair_id === id) || null;
  /* The measured pairs over an element, the strongest significant one first. */
  function over(base, focus) {
    const row = base.rows.find((one) => one.element_id === focus);
    return row ? row.pair_ids.map((id) => pairOf(base, id)) : [];
  }
  function shown(base, focus, measured) {
    return pairOf(base, measured) || over(base, focus)[0] || null;
  }

  /* The element in focus and the selected pair after a click or a row; null = nothing to follow. */
  function chosen(id, given, focus, measured, base) {
    if (id && id.type === "ko-over") return given.isPressed ? [focus, id.pair] : null;
    if (id === "ko-table") {
      if (!given.row) return null;
      const name = given.row.element_id;
      if (given.row.strength === null) return ["", name];
      return [name, name === focus ? measured : ""];
    }
    const point = given.click && given.click.points.length ? given.click.points[0].customdata : null;
    if (point === null || point === undefined) return null; /* a pair of another gene */
    const [name, pair] = [].concat(point, "");
    if (pair) return [name, pair];
    return base.elements.includes(name) ? [name, ""] : null; /* another model may read more */
  }

  /* The text, and the style of the button that knocks out what lies under the pair. */
  function tell(focus, measured, base) {
    const hidden = { display: "none" };
    const pair = shown(base, focus, measured);
    if (!pair) return [focus ? line("not tested by CRISPRi", "ko-faint") : "", hidden];
    const others = over(base, focus);
    const number = (text, className) => element("Span", { children: text, className: "ko-effect " + className });
    const label = (text) => element("Span", { children: text });
    const numbers = [label("measured"), number(pair.measured, marked(pair))];
    if (pair.predicted) numbers.push(label("predicted"), number(pair.predicted, ""));
    const parts = [
      element("Div", { children: numbers, className: "ko-both" }),
      line(pair.experiment, "ko-side-text"),
      line(pair.words + " \u00B7 " + pair.p_adjusted, "ko-faint"),
      line(pair.power + " \u00B7 " + pair.distance, "ko-faint"),
      line(pair.place, "ko-faint"),
      line(pair.reference, "ko-faint ko-cut", pair.reference),
    ];
    return [[choices(others, pair)].concat(parts), pair.is_read ? {} : hidden];
  }
  const marked = (pair) => (pair.call === "not significant" ? "" : "ko-significant");
  /* A button for each measured pair over the element, where there are several. */
  function choices(pairs, here) {
    if (pairs.length < 2) return element("Div", {});
    const buttons = pairs.map((pair) => element("Button", {
      id: { type: "ko-over", pair: pair.pair_id },
      className: "ko-choice " + marked(pair) + (pair.pair_id === here.pair_id ? " ko-here" : ""),
      children: pair.measured,
      title: pair.place,
    }));
    return element("Div", { className: "ko-choices", children: [pairs.length + " tested places: "].concat(buttons) });
  }

  /* -- in the figures ---------------------------------------------------------------------------------------------- */
  const ringAt = (ring, x, y) => Object.assign({}, ring, { xanchor: x, yanchor: y });

  /* The line through both panels at the element in focus, and the ring around the pair told about. */
  function effectShapes(scan, focus, measured) {
    const pair = shown(scan.base, focus, measured);
    const at = scan.base.elements.indexOf(focus);
    const x = at >= 0 ? scan.base.distance_bp[at] : pair ? pair.distance_bp : null;
    const shapes = x === null ? [] : [Object.assign({}, scan.focus_line, { x0: x, x1: x })];
    return pair ? shapes.concat([ringAt(scan.rings.effects, pair.distance_bp, pair.measured_percent)]) : shapes;
  }
  function agreementShapes(scan, focus, measured) {
    const pair = shown(scan.base, focus, measured);
    if (!pair || pair.predicted_percent === null) return [];
    return [ringAt(scan.rings.agreement, pair.measured_percent, pair.predicted_percent)];
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.knockoutMeasured = {
    shown, chosen, tell, effectShapes, agreementShapes,

    /* The scatter may hold every pair of every gene: only its ring is drawn anew. */
    mark: function (figure, focus, measured, scan, history) {
      if (!figure || !scan || scan.mode !== history.now.mode) return none();
      const shapes = agreementShapes(scan, focus, measured);
      setTimeout(function () {
        const plot = document.querySelector("#ko-agreement .js-plotly-plot");
        if (plot && plot.layout) window.Plotly.relayout(plot, { shapes: shapes });
      }, 0);
      return none();
    },
  };
})();
