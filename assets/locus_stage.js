/* The stage of the locus figure: a drawing three views wide, moved under a fixed frame. Moving costs no redrawing;
   zooming stretches what is there at once and draws it anew when the hand rests. Outside of what is loaded the ground
   says so, and the view never leaves the chromosome. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const locus = (crescope.locus = crescope.locus || {});
  const WIDE = 3; /* views that a drawing is wide */
  const REDRAW_MS = 70; /* of rest after a zoom */
  const text = () => crescope.text;

  locus.root = () => document.getElementById("locus-figure");
  locus.meta = null; /* of the figure that is drawn */
  locus.figure = null;
  locus.view = { chrom: "", start: 0, end: 1 };
  locus.px = (bp) => ((bp - locus.view.start) / (locus.view.end - locus.view.start)) * locus.width();
  locus.bp = (px) => locus.view.start + (px / locus.width()) * (locus.view.end - locus.view.start);
  /* Size of the frame, px; read when it may have changed, not at every step of a move. */
  let size = { width: 1, height: 1 };
  function measure() {
    const { frame } = parts();
    size = { width: frame.clientWidth || 1, height: frame.clientHeight || 1 };
  }
  locus.width = () => size.width;
  /* Top and bottom of a band, px from the top of the frame. */
  locus.edges = function (band) {
    const height = size.height - locus.meta.top - BOTTOM_PX;
    const y = (paper) => locus.meta.top + (1 - paper) * height;
    return { top: y(band.to), split: y(band.split), bottom: y(band.from) };
  };
  locus.band = (id) => locus.meta && locus.meta.bands.find((band) => band.id === id);
  locus.placeText = () => text().place(locus.view.chrom, locus.view.start, locus.view.end);

  /* -- parts of the page ------------------------------------------------------------------------------------------ */
  const BOTTOM_PX = 4;
  const make = function (className, parent) {
    const part = document.createElement("div");
    part.className = className;
    parent.appendChild(part);
    return part;
  };
  function parts() {
    const root = locus.root();
    return root && root.crescopeParts;
  }
  locus.parts = parts;
  function build(root) {
    if (root.crescopeParts) return;
    const labels = make("cs-labels", root), frame = make("cs-frame", root);
    make("cs-unloaded", frame).textContent = "not loaded";
    const loaded = make("cs-loaded", frame), stage = make("cs-stage", frame), plot = make("cs-plot", stage);
    const ride = make("cs-over cs-ride", frame), over = make("cs-over", frame); /* what moves with the drawing, and what does not */
    frame.tabIndex = 0;
    frame.setAttribute("role", "application");
    frame.setAttribute("aria-label", "tracks along the chromosome: arrows move, plus and minus zoom, ? lists all keys");
    root.crescopeParts = { root, labels, frame, loaded, stage, plot, ride, over };
    document.dispatchEvent(new CustomEvent("crescope:locus-built", { detail: root.crescopeParts }));
  }

  /* -- the view, always inside the chromosome and the limits ------------------------------------------------------ */
  function clamped(start, end) {
    const meta = locus.meta;
    let width = Math.max(meta.least, Math.min(end - start, meta.most, meta.size));
    const middle = (start + end) / 2;
    let first = Math.round(middle - width / 2);
    width = Math.round(width);
    first = Math.max(0, Math.min(first, meta.size - width));
    return { chrom: meta.chrom, start: first, end: first + width };
  }
  /* Move there; the drawing follows at once. */
  locus.moveTo = function (start, end) {
    if (!locus.meta) return;
    locus.view = clamped(start, end);
    place();
    if (isFar()) restage();
  };
  locus.shift = function (share) {
    const width = locus.view.end - locus.view.start;
    locus.moveTo(locus.view.start + share * width, locus.view.end + share * width);
    locus.commit();
  };
  locus.zoom = function (factor, at) {
    const { start, end } = locus.view;
    const fixed = at === undefined ? (start + end) / 2 : at;
    locus.moveTo(fixed - (fixed - start) * factor, fixed + (end - fixed) * factor);
  };
  /* The view is told to the page, the address and the server when the hand rests. */
  let committing = null;
  locus.commit = function (afterMs) {
    clearTimeout(committing);
    const tell = function () {
      if (!locus.meta || !parts()) return;
      if (laid.start !== locus.view.start) lay();
      locus.settle();
      const change = () => crescope.view.change({ locus: locus.placeText() });
      clearTimeout(staging);
      if (isFar()) redraw().then(change);
      else change();
    };
    /* First the pixels, then what follows from them. */
    if (afterMs) committing = setTimeout(tell, afterMs);
    else requestAnimationFrame(() => { committing = setTimeout(tell, 0); });
  };

  /* -- the drawing under the view --------------------------------------------------------------------------------- */
  let drawn = { start: 0, end: 1, width: 1 }; /* what the stage holds: bp, and px of its drawing */
  /* Names, numbers and marks ride along; they are laid out anew when the scale changed, and else a few times a second. */
  const LAY_MS = 120;
  let laid = { start: 0, scale: 0 }, laying = null;
  function lay() {
    clearTimeout(laying);
    laying = null;
    laid = { start: locus.view.start, scale: locus.width() / (locus.view.end - locus.view.start) };
    parts().ride.style.transform = "";
    document.dispatchEvent(new CustomEvent("crescope:locus-moved"));
  }
  function place() {
    const { stage, loaded, ride } = parts();
    const scale = locus.width() / (locus.view.end - locus.view.start);
    const stretch = (scale * (drawn.end - drawn.start)) / drawn.width;
    stage.style.transform = "translateX(" + (drawn.start - locus.view.start) * scale + "px) scaleX(" + stretch + ")";
    const [first, last] = locus.meta.loaded;
    loaded.style.transform = "translateX(" + (first - locus.view.start) * scale + "px) scaleX(" + (last - first) * scale + ")";
    if (Math.abs(scale / laid.scale - 1) > 1e-9) return lay();
    ride.style.transform = "translateX(" + (laid.start - locus.view.start) * scale + "px)";
    if (laid.start !== locus.view.start) laying = laying || setTimeout(() => parts() && lay(), LAY_MS);
  }
  /* What should be drawn: the view and as much to each side. */
  function wanted() {
    const width = locus.view.end - locus.view.start, spare = ((WIDE - 1) / 2) * width;
    return { start: locus.view.start - spare, end: locus.view.end + spare, width: WIDE * locus.width() };
  }
  function isFar() {
    const [first, last] = locus.meta.loaded, width = locus.view.end - locus.view.start;
    const left = locus.view.start < drawn.start && drawn.start > first;
    const right = locus.view.end > drawn.end && drawn.end < last;
    const stretch = (locus.width() * (drawn.end - drawn.start)) / (width * drawn.width);
    return left || right || Math.abs(stretch - 1) > 0.002;
  }
  let staging = null;
  function restage(now) {
    clearTimeout(staging);
    staging = setTimeout(redraw, now ? 0 : REDRAW_MS);
  }
  async function redraw() {
    const plot = parts() && parts().plot;
    if (!plot || !plot._fullLayout) return;
    const next = wanted();
    const change = { "xaxis.range": [next.start, next.end], "xaxis.dtick": grid().dtick };
    if (Math.abs(next.width - drawn.width) > 1) change.width = next.width;
    await window.Plotly.relayout(plot, change);
    drawn = next;
    place();
    locus.settle();
  }
  /* Lines of the grid at round places, about eight in view; the ruler's numbers stand at the same. */
  locus.step = function () {
    const rough = ((locus.view.end - locus.view.start) / locus.width()) * 125, power = Math.pow(10, Math.floor(Math.log10(rough)));
    return Math.max(1, [1, 2, 5, 10].find((times) => times * power >= rough) * power);
  };
  const grid = () => ({ tickmode: "linear", tick0: 0, dtick: locus.step() });
  /* After a rest: ranges and counts are of what is in view now. */
  locus.settle = () => document.dispatchEvent(new CustomEvent("crescope:locus-settled"));

  /* A whole new drawing. */
  locus.draw = async function (shown) {
    const root = locus.root();
    if (!root) return;
    build(root);
    const Plotly = await crescope.plot.ready();
    if (locus.root() !== root) return;
    const figure = shown.figure, meta = figure.layout.meta;
    const asked = text().parse(crescope.view.state.locus);
    locus.figure = figure;
    locus.meta = readable(meta);
    const is = asked && asked.chrom === meta.chrom ? asked : { start: meta.view[0], end: meta.view[1] };
    locus.view = clamped(is.start, is.end);
    root.style.setProperty("--cs-height", height(meta.height));
    measure();
    const { plot } = parts(), next = wanted();
    const traces = figure.data.filter((trace) => trace.meta !== "names");
    await Plotly.react(plot, traces, layoutOf(figure.layout, next), { staticPlot: true, displayModeBar: false });
    drawn = next;
    document.dispatchEvent(new CustomEvent("crescope:locus-drawn"));
    place();
    lay();
    locus.settle();
  };
  function readable(meta) {
    const numbers = (part) => Object.fromEntries(Object.entries(part).map(([name, value]) =>
      [name, value && value.bdata !== undefined ? crescope.plot.values(value) : value]));
    const bands = meta.bands.map((band) => Object.assign(numbers(band), { links: band.links && numbers(band.links) }));
    const marks = Object.fromEntries(Object.entries(meta.marks).map(([kind, table]) => [kind, numbers(table)]));
    return Object.assign({}, numbers(meta), { bands, marks, names: meta.names && numbers(meta.names) });
  }
  const height = (natural) =>
    "max(" + Math.round(0.66 * natural) + "px, min(" + Math.round(1.15 * natural) + "px, calc(100vh - 310px)))";
  /* The figure is whole by itself; here the page draws labels, names, caption and marks. */
  function layoutOf(layout, next) {
    const clear = "rgba(0,0,0,0)";
    const xaxis = Object.assign({}, layout.xaxis, { range: [next.start, next.end], title: undefined, showticklabels: false }, grid());
    const shapes = (layout.shapes || []).filter((shape) => shape.name !== "highlight" && shape.name !== "selected");
    return Object.assign({}, layout, {
      width: next.width, height: size.height, autosize: false, annotations: [], shapes: shapes,
      margin: { l: 0, r: 0, t: layout.meta.top, b: BOTTOM_PX, autoexpand: false },
      paper_bgcolor: clear, plot_bgcolor: clear, xaxis: xaxis, meta: null,
    });
  }
  /* The window changed its size. */
  locus.resized = function () {
    if (!locus.meta || !parts()) return;
    const plot = parts().plot;
    measure();
    if (plot._fullLayout && plot._fullLayout.height !== size.height) window.Plotly.relayout(plot, { height: size.height });
    place();
    lay();
    restage(true);
    document.dispatchEvent(new CustomEvent("crescope:locus-drawn"));
  };
  window.addEventListener("resize", () => locus.root() && locus.resized());

  /* -- what needs the server -------------------------------------------------------------------------------------- */
  /* Whether a place is drawn well by what is loaded: signal is binned for the drawn width. */
  locus.isLoaded = function (place) {
    const meta = locus.meta;
    if (!meta || !place || meta.chrom !== place.chrom) return false;
    const width = place.end - place.start, first = meta.view[1] - meta.view[0];
    if (width > 2.4 * first || (width < 0.4 * first && width > 300)) return false;
    return place.start >= meta.loaded[0] - 1 && place.end <= meta.loaded[1] + 1;
  };
  /* The address, the search box or the inspector named another place. */
  document.addEventListener("crescope:view", function () {
    if (!locus.meta || !locus.root()) return;
    const asked = text().parse(crescope.view.state.locus);
    if (!asked || (asked.chrom === locus.view.chrom && asked.start === locus.view.start && asked.end === locus.view.end)) return;
    if (asked.chrom !== locus.meta.chrom) return;
    locus.moveTo(asked.start, asked.end);
    locus.settle();
  });
})();
