/* The y ranges follow the view: a band is stretched in place, which costs no redrawing; and the note at its right says
   the range, what it leaves out, and how many of the links in view have an arc (figures/locus/scales.py writes the same
   for files). */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const locus = (crescope.locus = crescope.locus || {});
  const BACK = { linear: (y) => y, log: (y) => Math.pow(10, y) - 1, root: (y) => Math.sign(y) * y * y };
  const cache = new WeakMap(); /* trace -> its numbers */

  function numbers(trace) {
    if (!cache.has(trace)) cache.set(trace, { x: crescope.plot.values(trace.x), y: crescope.plot.values(trace.y) });
    return cache.get(trace);
  }
  /* Largest sizes in view: of everything, and of what the range does not leave out. */
  function tops(band) {
    const { start, end } = locus.view;
    let all = 0, kept = 0;
    band.traces.forEach(function (index) {
      const { x, y } = numbers(locus.figure.data[index]);
      for (let k = 0; k < x.length; k++) {
        const size = Math.abs(y[k]);
        if (!(size > all || size > kept) || x[k] < start || x[k] > end) continue;
        if (size > all) all = size;
        const isOut = band.leftOut && x[k] >= band.leftOut[0] - 600 && x[k] <= band.leftOut[1] + 600;
        if (!isOut && size > kept) kept = size;
      }
    });
    return { all: all, kept: kept || all };
  }

  function stretch(band, low, high) {
    const id = band.axis.replace("yaxis", "y"), plot = locus.parts().plot;
    const layer = plot.querySelector(".subplot.x" + id + " .scatterlayer");
    if (!layer) return;
    const [from, to] = band.range, { split, bottom } = locus.edges(band), length = bottom - split;
    const scale = (to - from) / (high - low), shift = length - (length * (to - low)) / (high - low);
    layer.setAttribute("transform", "matrix(1,0,0," + scale + ",0," + shift + ")");
  }

  function follow() {
    const meta = locus.meta, parts = locus.parts();
    if (!meta || !parts || !parts.plot._fullLayout) return;
    const largest = {}, own = {};
    meta.bands.filter((band) => band.group).forEach(function (band) {
      own[band.id] = tops(band);
      largest[band.group] = Math.max(largest[band.group] || 0, own[band.id].kept);
    });
    meta.bands.forEach(function (band) {
      let says = band.note;
      if (band.group) {
        const top = largest[band.group], isSigned = band.range[0] < 0, high = 1.02 * (top || 1);
        stretch(band, isSigned ? -high : 0, high);
        says = rangeText(band, top, isSigned);
        const above = own[band.id].all;
        if (band.leftOut && above > top * 1.001) {
          says += " · own promoter " + crescope.text.number(BACK[band.scale](above)) + band.unitOfRange + " left out";
        }
      }
      if (band.links) says = (band.group ? [says] : fixedPart(band)).concat([counted(band)]).join(" · ");
      locus.noteText(band.id, says);
    });
  }
  function rangeText(band, top, isSigned) {
    const scale = band.scale === "log" ? ", log(1 + x)" : "";
    return (isSigned ? "±" : "0 – ") + crescope.text.number(BACK[band.scale](top)) + band.unitOfRange + scale;
  }
  /* A note of a fixed range without its count, which is of the first view. */
  const fixedPart = (band) => band.note.split(" · ").slice(0, -1);
  function counted(band) {
    const { x, counted, says } = band.links, { start, end } = locus.view;
    let all = 0, some = 0;
    for (let k = 0; k < x.length; k++) {
      if (x[k] < start || x[k] >= end) continue;
      all += 1;
      some += counted[k];
    }
    return some + " of " + all + " " + says;
  }
  document.addEventListener("crescope:locus-settled", follow);
})();
