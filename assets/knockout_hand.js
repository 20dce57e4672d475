/* Moving the effects figure by hand and keys, as on the locus page: the wheel zooms at the cursor, a drag moves, a
   double click zooms in (with Shift out), a click takes the nearest mark, and the view never leaves what the model reads. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const knockout = (crescope.knockout = crescope.knockout || {});
  const FIGURE = "ko-effects";
  const CLICK_PX = 4, MARK_PX = 12, LEAST_BP = 500, TWICE_MS = 400;

  /* -- pure ------------------------------------------------------------------------------------------------------- */
  /* A range of distances inside the limits, and no narrower than LEAST_BP. */
  function clamped(range, limits) {
    const width = Math.max(LEAST_BP, Math.min(range[1] - range[0], limits[1] - limits[0]));
    const middle = (range[0] + range[1]) / 2;
    const low = Math.max(limits[0], Math.min(middle - width / 2, limits[1] - width));
    return [low, low + width];
  }
  const zoomed = (range, factor, at) => [at - (at - range[0]) * factor, at + (range[1] - at) * factor];
  const shifted = (range, bp) => [range[0] + bp, range[1] + bp];
  /* The custom data of the mark nearest to a point, within MARK_PX; a mark {x, y, foot, told} reaches from its foot to
     y, all in px. undefined = none. */
  function nearest(marks, x, y) {
    let best = MARK_PX, found;
    marks.forEach(function (mark) {
      const low = Math.min(mark.y, mark.foot), high = Math.max(mark.y, mark.foot);
      const dy = y < low ? low - y : y > high ? y - high : 0;
      const distance = Math.hypot(mark.x - x, dy) + Math.min(1, Math.abs(mark.y - y) / 1e4);
      if (distance < best) [best, found] = [distance, mark.told];
    });
    return found;
  }

  /* -- the figure ------------------------------------------------------------------------------------------------- */
  const plotNow = function () {
    const plot = crescope.plot && crescope.plot.plotOf(FIGURE);
    return plot && plot._fullLayout && plot._fullLayout.xaxis ? plot : null;
  };
  const axisOf = (plot) => plot._fullLayout.xaxis;
  const limitsOf = (axis) => [axis.minallowed, axis.maxallowed];
  let wanted = null, moving = null;
  const rangeNow = (plot) => wanted || axisOf(plot).range.slice();
  function moveTo(plot, range) {
    wanted = clamped(range, limitsOf(axisOf(plot)));
    if (moving) return;
    moving = requestAnimationFrame(function () {
      const next = wanted;
      moving = wanted = null;
      window.Plotly.relayout(plot, { "xaxis.range": next });
    });
  }
  /* A figure of the same gene, drawn anew, stays where the person had moved it. */
  knockout.keepRange = function (figure) {
    const plot = plotNow();
    if (!plot || plot.layout.uirevision !== figure.layout.uirevision) return;
    figure.layout.xaxis = Object.assign({}, figure.layout.xaxis, { range: axisOf(plot).range.slice() });
  };
  function marksOf(plot) {
    return plot._fullData.flatMap(function (trace) {
      if (!trace.customdata || trace.visible !== true) return [];
      const x = axisOf(plot), y = plot._fullLayout[trace.yaxis.replace("y", "yaxis")];
      const isBar = trace.name.startsWith("predicted");
      return Array.from(trace.x, function (value, k) {
        const top = y._offset + y.d2p(trace.y[k]);
        return { x: x._offset + x.d2p(value), y: top, foot: isBar ? y._offset + y.d2p(0) : top, told: trace.customdata[k] };
      });
    });
  }

  /* -- by hand ---------------------------------------------------------------------------------------------------- */
  const MOVES = {
    "pan-left": (range) => shifted(range, -0.5 * (range[1] - range[0])),
    "pan-right": (range) => shifted(range, 0.5 * (range[1] - range[0])),
    "zoom-in": (range) => zoomed(range, 0.5, (range[0] + range[1]) / 2),
    "zoom-out": (range) => zoomed(range, 2, (range[0] + range[1]) / 2),
  };
  const isInside = (event) => event.target.closest && event.target.closest("#" + FIGURE);
  function pointOf(plot, event) {
    const box = plot.getBoundingClientRect(), axis = axisOf(plot);
    const x = event.clientX - box.left, y = event.clientY - box.top;
    return { x: x, y: y, bp: axis.p2d(x - axis._offset), isOnPlot: x >= axis._offset && x <= axis._offset + axis._length };
  }
  document.addEventListener("wheel", function (event) {
    const plot = isInside(event) && plotNow();
    if (!plot) return;
    const range = rangeNow(plot), width = range[1] - range[0];
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      moveTo(plot, shifted(range, (event.deltaX / axisOf(plot)._length) * width));
    } else if (crescope.plot.takesWheel(event)) {
      event.preventDefault();
      const steps = Math.max(-400, Math.min(400, event.deltaY * (event.deltaMode === 1 ? 33 : 1)));
      const at = range[0] + ((pointOf(plot, event).x - axisOf(plot)._offset) / axisOf(plot)._length) * width;
      moveTo(plot, zoomed(range, Math.pow(1.0018, steps), at));
    }
  }, { passive: false });
  /* Plotly lays a sheet over the page while the button is down: no click or double click of the browser's comes here. */
  let pressed = null, clicked = null;
  const isNear = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) <= CLICK_PX;
  document.addEventListener("pointerdown", function (event) {
    pressed = !event.button && isInside(event) && plotNow() ? event : null;
  }, true);
  document.addEventListener("pointerup", function (event) {
    const down = pressed, plot = plotNow();
    pressed = null;
    if (!down || !plot || !isNear(event, down)) return;
    const { x, y, bp, isOnPlot } = pointOf(plot, event);
    if (!isOnPlot) return;
    const isSecond = clicked && event.timeStamp - clicked.timeStamp < TWICE_MS && isNear(event, clicked);
    clicked = isSecond ? null : event;
    if (isSecond) return moveTo(plot, zoomed(rangeNow(plot), event.shiftKey ? 2 : 0.5, bp));
    const told = nearest(marksOf(plot), x, y);
    if (told === undefined) knockout.select({ element: "", pair: "" });
    else knockout.clickedMark(told);
  }, true);
  document.addEventListener("click", function (event) {
    const button = event.target.closest("button[id]"), plot = plotNow();
    if (button && MOVES[button.id] && plot) moveTo(plot, MOVES[button.id](rangeNow(plot)));
  });

  /* -- by keys ---------------------------------------------------------------------------------------------------- */
  const KEYS = { n: 1, b: -1 };
  document.addEventListener("keydown", function (event) {
    const base = knockout.base && knockout.base(), by = KEYS[event.key];
    if (!by || !base || !plotNow() || event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], [role=slider], .ag-root")) return;
    event.preventDefault();
    const next = knockout.nextPositive(base, crescope.view.get("pair"), by);
    if (!next) return crescope.notice("no CRISPRi positive of this gene", "news");
    const plot = plotNow(), range = rangeNow(plot);
    if (next.distance_bp < range[0] || next.distance_bp > range[1]) {
      moveTo(plot, shifted(range, next.distance_bp - (range[0] + range[1]) / 2));
    }
    knockout.clickedMark([next.element_ids[0] || "", next.pair_id]);
  });
  Object.assign(knockout, { clamped, zoomed, nearest });
})();
