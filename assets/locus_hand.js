/* The hand on the locus figure: drag moves, the wheel zooms at the cursor, a drag on the ruler opens that stretch, with
   Shift a drag marks one; a click takes the nearest mark. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const locus = (crescope.locus = crescope.locus || {});
  const CLICK_PX = 4;
  const WHEEL_REST_MS = 110;

  document.addEventListener("crescope:locus-built", function (event) {
    const { frame } = event.detail;
    const at = (pointer) => pointer.clientX - frame.getBoundingClientRect().left;
    const isRuler = (pointer) => pointer.clientY - frame.getBoundingClientRect().top < (locus.meta ? locus.meta.top : 0);
    let held = null;

    frame.addEventListener("pointerdown", function (pointer) {
      if (pointer.button || !locus.meta || pointer.target.closest(".cs-unhighlight")) return;
      const kind = isRuler(pointer) ? "open" : pointer.shiftKey ? "mark" : "move";
      held = { kind: kind, x: at(pointer), y: pointer.clientY, start: locus.view.start, end: locus.view.end, moved: false };
      frame.setPointerCapture(pointer.pointerId);
    });
    frame.addEventListener("pointermove", function (pointer) {
      if (!held) return;
      const dx = at(pointer) - held.x;
      if (!held.moved && Math.abs(dx) < CLICK_PX) return;
      held.moved = true;
      frame.classList.add("cs-held-" + held.kind);
      if (held.kind === "move") {
        const bp = (dx / locus.width()) * (held.end - held.start);
        locus.moveTo(held.start - bp, held.end - bp);
      } else {
        locus.stretch(held.x, at(pointer), held.kind);
      }
    });
    const release = function (pointer) {
      if (!held) return;
      const { kind, x, moved } = held;
      held = null;
      frame.classList.remove("cs-held-open", "cs-held-mark", "cs-held-move");
      locus.stretch(null);
      if (!moved) return kind === "open" ? null : locus.clicked(pointer);
      if (kind === "move") return locus.commit();
      const [first, last] = [x, at(pointer)].map(locus.bp).sort((a, b) => a - b);
      if (kind === "open") {
        locus.moveTo(first, last);
        locus.commit();
      } else {
        locus.highlight(Math.max(0, Math.round(first)), Math.round(last));
      }
    };
    frame.addEventListener("pointerup", release);
    frame.addEventListener("pointercancel", () => { held = null; });
    frame.addEventListener("dblclick", function (pointer) {
      if (!locus.meta || pointer.target.closest("button")) return;
      locus.zoom(pointer.shiftKey ? 2 : 0.5, locus.bp(at(pointer)));
      locus.commit();
    });

    frame.addEventListener("wheel", function (wheel) {
      if (!locus.meta) return;
      if (Math.abs(wheel.deltaX) > Math.abs(wheel.deltaY)) {
        wheel.preventDefault();
        const bp = (wheel.deltaX / locus.width()) * (locus.view.end - locus.view.start);
        locus.moveTo(locus.view.start + bp, locus.view.end + bp);
        return locus.commit(WHEEL_REST_MS);
      }
      if (!crescope.plot.takesWheel(wheel)) return;
      wheel.preventDefault();
      const lines = wheel.deltaMode === 1 ? 33 : 1;
      locus.zoom(Math.pow(1.0018, Math.max(-400, Math.min(400, wheel.deltaY * lines))), locus.bp(at(wheel)));
      locus.commit(WHEEL_REST_MS);
    }, { passive: false });

    frame.addEventListener("pointermove", (pointer) => locus.crosshair(held ? null : at(pointer)));
    frame.addEventListener("pointerleave", () => locus.crosshair(null));
  });
})();
