/* Names of genes: laid out anew whenever the view moves, so that each stays beside its gene. The rows are the
   drawing's; in a row nothing overlaps, and who has the first claim to room stands first in the list (figures/locus/
   genes.py, `lay_out`, does the same for files). */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const locus = (crescope.locus = crescope.locus || {});
  const CHARACTER_PX = 6.3, GAP_PX = 5, ROOM_PX = 8;

  /* Left edge of each name in px, null where it has no room. `px`: bp -> px of a frame `width` px wide. */
  function laidOut(genes, px, width) {
    const taken = new Map(); /* row -> [[left, right] ...] of bodies and names */
    const bodies = genes.name.map((_, k) => [px(genes.start[k]), px(genes.end[k])]);
    const isIn = (body) => body[1] > 0 && body[0] < width;
    const room = (row) => taken.get(row) || taken.set(row, []).get(row);
    bodies.forEach((body, k) => { if (isIn(body)) room(genes.row[k]).push([body[0], body[1], k]); });
    return genes.name.map(function (name, k) {
      const body = bodies[k];
      if (!isIn(body)) return null;
      const size = (name.length + 2) * CHARACTER_PX, others = room(genes.row[k]);
      const middle = (Math.max(body[0], 0) + Math.min(body[1], width)) / 2;
      const choices = [];
      if (body[1] + GAP_PX + size <= width) choices.push(body[1] + GAP_PX);
      if (body[0] - GAP_PX - size >= 0) choices.push(body[0] - GAP_PX - size);
      /* One that fills the view has its name in the middle of what is seen of it, over its own line. */
      if (!choices.length) choices.push(Math.max(0, Math.min(width - size, middle - size / 2)));
      const left = choices.find((at) => others.every(([from, to, owner]) =>
        owner === k || at + size + ROOM_PX <= from || to + ROOM_PX <= at));
      if (left === undefined) return null;
      others.push([left, left + size, -1 - k]);
      return left;
    });
  }
  locus.laidOut = laidOut;

  function show() {
    const parts = locus.parts(), band = locus.band("genes");
    if (!parts) return;
    const layer = parts.names || (parts.names = parts.ride.appendChild(document.createElement("div")));
    layer.className = "cs-names";
    layer.replaceChildren();
    if (!band || !locus.meta.names) return;
    const genes = locus.meta.names, edges = locus.edges(band), row = (edges.bottom - edges.top) / genes.n_rows;
    const places = laidOut(genes, locus.px, locus.width());
    let hidden = 0;
    places.forEach(function (left, k) {
      const isIn = genes.end[k] > locus.view.start && genes.start[k] < locus.view.end;
      if (left === null) {
        hidden += isIn ? 1 : 0;
        return;
      }
      const name = document.createElement("button");
      const arrow = { "+": [genes.name[k] + " ›"], "-": ["‹ " + genes.name[k]] }[genes.strand[k]] || [genes.name[k]];
      name.textContent = arrow[0];
      name.className = "cs-gene" + (genes.name[k] === genes.chosen ? " cs-chosen" : genes.is_modelled[k] ? "" : " cs-unknown");
      name.title = genes.is_modelled[k] ? "show its links" : "show its measured pairs; no model knows it";
      name.dataset.gene = genes.name[k];
      name.tabIndex = -1;
      name.style.transform = "translate(" + left.toFixed(1) + "px," + (edges.top + (genes.row[k] + 0.5) * row - 8).toFixed(1) + "px)";
      layer.appendChild(name);
    });
    locus.unitText("genes", hidden ? hidden + " name" + (hidden > 1 ? "s" : "") + " hidden" : "arrow: TSS and strand");
  }
  document.addEventListener("crescope:locus-moved", show);
})();
