/* What was changed on the knock-out page, one step after another: undo, redo, back to any step. The view holds what is
   changed now; what came before and was undone is kept here, as long as the page stands. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const knockout = (crescope.knockout = crescope.knockout || {});
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  /* -- pure: {past: [now ...], now: {knock_outs: [[element, strength] ...], mode}, future: [now ...]} -------------- */
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
  const NEXT = {
    set: (now, action) => withStrength(now, action.element, action.strength),
    replace: (now, action) => ({ knock_outs: action.elements.map((element) => [element, 0]), mode: now.mode }),
    restore: (now, action) => ({ knock_outs: action.knock_outs, mode: now.mode }),
    mode: (now, action) => ({ knock_outs: now.knock_outs, mode: action.mode }),
  };
  /* The history after an action; the same object when nothing changes. */
  function step(history, action) {
    const { past, now, future } = history;
    if (action.kind === "undo") {
      if (!past.length) return history;
      return { past: past.slice(0, -1), now: past[past.length - 1], future: [now].concat(future) };
    }
    if (action.kind === "redo") {
      if (!future.length) return history;
      return { past: past.concat([now]), now: future[0], future: future.slice(1) };
    }
    if (action.kind === "go") {
      const all = past.concat([now], future);
      if (!(action.at in all) || action.at === past.length) return history;
      return { past: all.slice(0, action.at), now: all[action.at], future: all.slice(action.at + 1) };
    }
    const next = NEXT[action.kind](now, action);
    return same(next, now) ? history : { past: past.concat([now]), now: next, future: [] };
  }
  /* A step in words. */
  function describe(before, now, nameOf) {
    if (!before) return now.knock_outs.length ? now.knock_outs.length + " changed at the start" : "as measured";
    if (before.mode !== now.mode) return "mode " + now.mode;
    const was = new Map(before.knock_outs);
    const is = new Map(now.knock_outs);
    const moved = [...new Set([...was.keys(), ...is.keys()])].filter((e) => was.get(e) !== is.get(e));
    if (!now.knock_outs.length) return "reset";
    if (moved.length !== 1) return now.knock_outs.length + " elements changed";
    const strength = is.has(moved[0]) ? is.get(moved[0]) : 1;
    const what = strength === 0 ? "out" : strength === 1 ? "as measured" : "strength " + crescope.text.strength(strength);
    return nameOf(moved[0]) + " " + what;
  }

  /* -- of this page ----------------------------------------------------------------------------------------------- */
  let past = [], future = [], isActing = false;
  const ofView = (get) => ({ knock_outs: get("knock_outs"), mode: get("mode") });
  const now = () => ofView(crescope.view.get);
  const history = () => ({ past: past, now: now(), future: future });

  /* Whatever a person did: a step, and the view follows. */
  function act(action) {
    const before = history(), next = step(before, action);
    if (next === before) return;
    past = next.past;
    future = next.future;
    isActing = true;
    crescope.view.change(next.now);
    isActing = false;
  }
  /* The view changed: on a new page there is nothing to undo; what another part changed is a step too. */
  function followHistory(before, isNewPage) {
    if (isNewPage) {
      past = [];
      future = [];
    } else if (!isActing && before) {
      const was = ofView((name) => (before[name] === undefined ? crescope.view.default(name) : before[name]));
      if (same(was, now())) return;
      past = past.concat([was]);
      future = [];
    }
  }
  Object.assign(knockout, { same, strengthOf, withStrength, step, describe, now, history, act, followHistory });
})();
