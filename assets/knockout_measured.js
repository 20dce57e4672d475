/* Measured pairs on the knock-out page: which one is selected, what is said of it, and the ring around it.
   A pair is selected by itself (`pair` of the view), or it is the first of those over the element in focus. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const knockout = (crescope.knockout = crescope.knockout || {});
  const element = (type, props) => ({ namespace: "dash_html_components", type: type, props: props });
  const line = (text, className, title) => element("Div", { children: text, className: className, title: title });

  /* -- pure ------------------------------------------------------------------------------------------------------- */
  const pairOf = (base, id) => base.measured.find((pair) => pair.pair_id === id) || null;
  /* The measured pairs over an element, the strongest significant one first. */
  function over(base, focus) {
    const row = base.rows.find((one) => one.element_id === focus);
    return row ? row.pair_ids.map((id) => pairOf(base, id)) : [];
  }
  function shown(base, focus, selected) {
    return pairOf(base, selected) || over(base, focus)[0] || null;
  }

  /* The element in focus and the selected pair after a row was chosen; one of them alone keeps or drops the other. */
  function ofRow(row, now) {
    if (row.strength === null) return { element: "", pair: row.element_id };
    return { element: row.element_id, pair: row.element_id === now.element ? now.pair : "" };
  }
  /* The same after a click on a mark, whose custom data are an element, or an element and a pair; null = of another
     gene, or an element that only another model reads. */
  function ofMark(told, base) {
    if (told === null || told === undefined) return null;
    const [name, pair] = [].concat(told, "");
    if (pair) return { element: name, pair: pair };
    return base.elements.includes(name) ? { element: name, pair: "" } : null;
  }
  /* The next or the one before of the pairs in which the screen found a loss, along the genome. */
  function nextPositive(base, selected, by) {
    const found = base.measured.filter((pair) => pair.call === "decrease").sort((a, b) => a.distance_bp - b.distance_bp);
    if (!found.length) return null;
    const here = found.findIndex((pair) => pair.pair_id === selected);
    const next = here < 0 ? (by > 0 ? 0 : found.length - 1) : (here + by + found.length) % found.length;
    return found[next];
  }

  /* What is said of the pair, and whether the elements under it can be knocked out. */
  function tell(base, focus, selected) {
    const pair = shown(base, focus, selected);
    if (!pair) return { children: focus ? line("not tested by CRISPRi", "ko-faint") : "", canKnockOut: false };
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
    return { children: [choices(over(base, focus), pair)].concat(parts), canKnockOut: pair.is_read };
  }
  const marked = (pair) => (pair.call === "not significant" ? "" : "ko-significant");
  /* A button for each measured pair over the element, where there are several. */
  function choices(pairs, here) {
    if (pairs.length < 2) return element("Div", {});
    const buttons = pairs.map((pair) => element("Button", {
      "data-ko-pair": pair.pair_id,
      className: "ko-choice " + marked(pair) + (pair.pair_id === here.pair_id ? " ko-here" : ""),
      children: pair.measured,
      title: pair.place,
    }));
    return element("Div", { className: "ko-choices", children: [pairs.length + " tested places: "].concat(buttons) });
  }

  /* -- in the figures: `meta` of a layout holds a line and a ring, drawn nowhere -------------------------------------- */
  const ringAt = (ring, x, y) => Object.assign({}, ring, { xanchor: x, yanchor: y });
  const lineAt = (line, x) => Object.assign({}, line, { x0: x, x1: x });
  function focusShapes(meta, base, focus) {
    const at = base.elements.indexOf(focus);
    return at < 0 ? [] : [lineAt(meta.line, base.distance_bp[at])];
  }
  /* The line through both panels at the element in focus, and the ring around the pair told about. */
  function effectShapes(meta, base, focus, selected) {
    const pair = shown(base, focus, selected);
    let shapes = focusShapes(meta, base, focus);
    if (!shapes.length && pair) shapes = [lineAt(meta.line, pair.distance_bp)];
    return pair ? shapes.concat([ringAt(meta.ring, pair.distance_bp, pair.measured_percent)]) : shapes;
  }
  function agreementShapes(meta, base, focus, selected) {
    const pair = shown(base, focus, selected);
    if (!pair || pair.predicted_percent === null) return [];
    return [ringAt(meta.ring, pair.measured_percent, pair.predicted_percent)];
  }

  /* -- of this page ----------------------------------------------------------------------------------------------- */
  let told = "";
  knockout.tellPair = function () {
    const base = knockout.base(), { element: focus, pair } = crescope.view.state;
    const button = document.getElementById("ko-knock-pair");
    if (!base || !button) return;
    const said = tell(base, focus || "", pair || "");
    button.hidden = !said.canKnockOut;
    const text = crescope.view.page + JSON.stringify(said.children);
    if (text === told) return;
    told = text;
    window.dash_clientside.set_props("ko-measured-text", { children: said.children });
  };
  knockout.select = function (fields) {
    if (fields) crescope.view.change(fields);
  };
  Object.assign(knockout, { shown, ofRow, ofMark, nextPositive, tell, focusShapes, effectShapes, agreementShapes });
})();
