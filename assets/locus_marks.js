/* Over the drawing: the crosshair with a value in every band, what is selected or highlighted, the stretch that is being
   drawn, notes of bands; and what a click meant. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const locus = (crescope.locus = crescope.locus || {});
  const layer = function (name) {
    const parts = locus.parts();
    if (!parts[name]) {
      parts[name] = parts[name === "marks" || name === "ruler" ? "ride" : "over"].appendChild(document.createElement("div"));
      parts[name].className = "cs-layer cs-layer-" + name;
    }
    return parts[name];
  };
  const part = function (className, text) {
    const made = document.createElement("div");
    made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  /* -- notes at the right of the bands, badges, the caption ------------------------------------------------------- */
  const notes = {};
  function frameTexts() {
    const parts = locus.parts();
    if (!parts || !locus.meta) return;
    const under = layer("notes");
    under.replaceChildren();
    under.appendChild(part("cs-caption", locus.meta.caption));
    locus.meta.bands.forEach(function (band) {
      const { top, bottom } = locus.edges(band);
      const note = (notes[band.id] = part("cs-note-right", band.note));
      note.style.top = top + "px";
      under.appendChild(note);
      if (band.foot) {
        const foot = part("cs-note-right cs-foot", band.foot);
        foot.style.top = bottom + "px";
        under.appendChild(foot);
      }
      if (band.badge) {
        const badge = part("cs-band-badge", band.badge);
        badge.style.top = (top + bottom) / 2 + "px";
        under.appendChild(badge);
      }
    });
  }
  locus.noteText = function (id, text) {
    if (notes[id] && notes[id].textContent !== text) notes[id].textContent = text;
  };
  document.addEventListener("crescope:locus-drawn", frameTexts);

  /* -- the ruler: numbers at the lines of the grid ---------------------------------------------------------------- */
  function ruler() {
    if (!locus.parts() || !locus.meta) return;
    const step = locus.step(), { start, end } = locus.view, line = layer("ruler"), texts = [];
    const [unit, size] = step >= 1e5 ? ["Mb", 1e6] : step >= 100 ? ["kb", 1e3] : ["", 1];
    for (let base = Math.ceil(start / step) * step; base <= end; base += step) {
      const px = locus.px(base);
      if (px < 24 || px > locus.width() - 24) continue; /* a number is whole or not there */
      const text = part("cs-tick", (base / size).toLocaleString("en-US", { maximumFractionDigits: 6 }) + (unit && " " + unit));
      text.style.transform = "translateX(" + px.toFixed(1) + "px) translateX(-50%)";
      texts.push(text);
    }
    line.replaceChildren(...texts);
  }
  ["crescope:locus-moved", "crescope:locus-drawn"].forEach((name) => document.addEventListener(name, ruler));

  /* -- the crosshair ---------------------------------------------------------------------------------------------- */
  function nearestProbe(bp) {
    const probes = locus.meta.probes;
    let low = 0, high = probes.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (probes[middle] < bp) low = middle + 1;
      else high = middle;
    }
    return low && bp - probes[low - 1] < probes[low] - bp ? low - 1 : low;
  }
  locus.crosshair = function (x) {
    const parts = locus.parts();
    if (!parts || !locus.meta) return;
    const cross = layer("hover");
    const probes = locus.meta.probes;
    const at = x === null || !probes.length ? -1 : nearestProbe(locus.bp(x)), px = at < 0 ? 0 : locus.px(probes[at]);
    const isSeen = at >= 0 && Math.abs(px - x) <= 60;
    cross.style.opacity = isSeen ? 1 : 0; /* not `hidden`: a layer that stays costs no drawing */
    if (!isSeen) return;
    if (cross.childElementCount !== locus.meta.bands.length + 1) {
      cross.replaceChildren(part("cs-cross-line"), ...locus.meta.bands.map(() => part("cs-cross-value")));
    }
    const isLeft = px > 0.6 * locus.width();
    cross.firstChild.style.transform = "translateX(" + px + "px)";
    cross.firstChild.dataset.place = crescope.text.place(locus.meta.chrom, probes[at], probes[at] + 1);
    locus.meta.bands.forEach(function (band, k) {
      const value = cross.children[k + 1], { top, bottom } = locus.edges(band);
      const words = band.words[band.says[at]];
      if (value.textContent !== words) value.textContent = words;
      value.style.transform = "translate(" + (isLeft ? px - 6 : px + 6) + "px," + (top + bottom) / 2 + "px) translate(" + (isLeft ? "-100%" : "0") + ",-50%)";
    });
  };
  document.addEventListener("crescope:locus-moved", () => locus.crosshair(null));
  document.addEventListener("crescope:locus-drawn", () => layer("hover").replaceChildren());

  /* -- the stretch of a drag -------------------------------------------------------------------------------------- */
  locus.stretch = function (from, to, kind) {
    const drag = layer("drag");
    drag.hidden = from === null;
    if (from === null) return;
    drag.style.left = Math.min(from, to) + "px";
    drag.style.width = Math.abs(to - from) + "px";
    drag.dataset.says = crescope.text.distance(Math.abs(locus.bp(to) - locus.bp(from)));
    drag.dataset.kind = kind;
  };

  /* -- what is selected and highlighted: of the view, nothing else ------------------------------------------------ */
  let answered = null; /* place of the selection, when it is not in the drawing */
  locus.selectedPlace = function () {
    const { element, pair } = crescope.view.state, marks = locus.meta.marks;
    const [table, id] = pair ? [marks.pairs, pair] : [marks.elements, element];
    if (!id) return null;
    const k = table ? table.id.indexOf(id) : -1;
    if (k >= 0) return { start: table.start[k], end: table.end[k], y: pair ? table.y[k] : null };
    return answered && answered[0] === locus.meta.chrom ? { start: answered[1], end: answered[2], y: null } : null;
  };
  locus.answeredPlace = function (place) {
    answered = place;
    showMarks();
  };
  function box(start, end, className) {
    const made = part(className), left = locus.px(start), right = locus.px(end);
    made.style.left = left + "px";
    made.style.width = Math.max(1, right - left) + "px";
    return made;
  }
  function showMarks() {
    if (!locus.parts() || !locus.meta) return;
    const marks = layer("marks");
    marks.replaceChildren();
    (crescope.view.state.highlights || []).forEach(function (text) {
      const place = crescope.text.parse(text);
      if (!place || place.chrom !== locus.meta.chrom || place.end < locus.view.start || place.start > locus.view.end) return;
      const mark = box(place.start, place.end, "cs-highlight"), close = document.createElement("button");
      Object.assign(close, { className: "cs-unhighlight", textContent: "×", title: "remove the mark of " + text });
      close.setAttribute("aria-label", "remove the mark of " + text);
      close.dataset.unhighlight = text;
      mark.appendChild(close);
      marks.appendChild(mark);
    });
    const selected = locus.selectedPlace();
    if (!selected || selected.end < locus.view.start || selected.start > locus.view.end) return;
    marks.appendChild(box(selected.start, selected.end, "cs-selected"));
    const middle = (selected.start + selected.end) / 2;
    marks.appendChild(box(middle, middle, "cs-selected-middle"));
    const band = locus.band("crispr");
    if (selected.y === null || !band) return;
    const { split, bottom } = locus.edges(band), [low, high] = band.range, ring = part("cs-ring");
    ring.style.left = locus.px(middle) + "px";
    ring.style.top = bottom - ((selected.y - low) / (high - low)) * (bottom - split) + "px";
    marks.appendChild(ring);
  }
  ["crescope:locus-moved", "crescope:locus-drawn", "crescope:view"].forEach((name) => document.addEventListener(name, showMarks));

  locus.highlight = function (start, end) {
    const text = crescope.text.place(locus.meta.chrom, start, Math.max(end, start + 2));
    crescope.view.change({ highlights: (crescope.view.state.highlights || []).concat([text]) });
  };

  /* -- what a click meant: the nearest mark ----------------------------------------------------------------------- */
  locus.select = function (kind, id) {
    const { element, pair, gene } = crescope.view.state;
    if (kind === "gene") return id === gene ? null : crescope.view.change({ gene: id, pair: "", knock_outs: [] }, true);
    if (kind === "element") return crescope.view.change({ element: id === element && !pair ? "" : id, pair: "" });
    return crescope.view.change({ element: "", pair: id === pair ? "" : id });
  };
  locus.clicked = function (pointer) {
    const name = pointer.target.closest("[data-gene]") || hitName(pointer);
    if (name) return locus.select("gene", name.dataset.gene);
    const rect = locus.parts().frame.getBoundingClientRect();
    const x = pointer.clientX - rect.left, y = pointer.clientY - rect.top;
    const band = locus.meta.bands.find((one) => y >= locus.edges(one).top && y <= locus.edges(one).bottom);
    if (!band) return null;
    const found = band.id === "genes" ? nearestGene(x, y, band)
      : (band.id === "crispr" && nearestPair(x, y, band)) || nearestArc(x, y, band) || nearestElement(x);
    return found ? locus.select(...found) : letGo();
  };
  /* The frame holds the pointer: names under it are asked for. */
  function hitName(pointer) {
    const under = document.elementsFromPoint(pointer.clientX, pointer.clientY);
    return under.find((one) => one.dataset && one.dataset.gene);
  }
  /* A click on nothing lets go. */
  function letGo() {
    const { element, pair } = crescope.view.state;
    if (element || pair) crescope.view.change({ element: "", pair: "" });
  }
  function nearestGene(x, y, band) {
    const genes = locus.meta.names, { top, bottom } = locus.edges(band), row = (bottom - top) / genes.n_rows;
    let best = 12, found = null;
    genes.name.forEach(function (name, k) {
      const left = locus.px(genes.start[k]), right = locus.px(genes.end[k]);
      const dx = x < left ? left - x : x > right ? x - right : 0;
      const distance = Math.hypot(dx, Math.abs(top + (genes.row[k] + 0.5) * row - y));
      if (distance < best) [best, found] = [distance, ["gene", name]];
    });
    return found;
  }
  function nearestPair(x, y, band) {
    const pairs = locus.meta.marks.pairs;
    if (!pairs) return null;
    const { split, bottom } = locus.edges(band), [low, high] = band.range;
    let best = 12, found = null;
    pairs.id.forEach(function (id, k) {
      const dx = locus.px((pairs.start[k] + pairs.end[k]) / 2) - x;
      const dy = bottom - ((pairs.y[k] - low) / (high - low)) * (bottom - split) - y;
      const distance = Math.hypot(dx, dy);
      if (distance < best) [best, found] = [distance, ["pair", id]];
    });
    return found;
  }
  function nearestElement(x) {
    const elements = locus.meta.marks.elements;
    let best = 8, found = null;
    elements.id.forEach(function (id, k) {
      const left = locus.px(elements.start[k]), right = locus.px(elements.end[k]);
      const outside = x < left ? left - x : x > right ? x - right : 0;
      const distance = outside || Math.min(0.5, Math.abs((left + right) / 2 - x) / 1e4);
      if (distance < best) [best, found] = [distance, ["element", id]];
    });
    return found;
  }
  function nearestArc(x, y, band) {
    const { top, split } = locus.edges(band);
    if (y > split) return null;
    let best = 9, found = null;
    band.upper.forEach(function (index) {
      const trace = locus.figure.data[index];
      const xs = crescope.plot.values(trace.x), ys = crescope.plot.values(trace.y);
      for (let k = 0; k < xs.length; k++) {
        if (!trace.customdata[k] || !(ys[k] >= 0)) continue;
        const dx = Math.abs(locus.px(xs[k]) - x);
        if (dx >= best) continue;
        const distance = Math.hypot(dx, split - (ys[k] / 1.06) * (split - top) - y);
        if (distance < best) [best, found] = [distance, ["element", trace.customdata[k]]];
      }
    });
    return found;
  }
})();
