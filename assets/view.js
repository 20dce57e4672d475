/* The view in the browser: what the page shows, its address, and who wants to know when it changes.
   The Store "view" is where Dash's callbacks read it; the fields, their kinds and limits are written into the page by
   dashboard/state.py, `described`. Every change is told as the event "crescope:view", with the state before. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const block = document.getElementById("cs-about");
  crescope.about = block ? JSON.parse(block.textContent) : { view: { fields: [], safe: "", most: {} } };
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  /* -- the address, as ViewState.to_query writes it --------------------------------------------------------------- */
  function number(value) {
    /* As Python's `:g`. */
    const rounded = Number(Number(value).toPrecision(6));
    const size = Math.abs(rounded);
    if (size === 0 || (size >= 1e-4 && size < 1e6)) return String(rounded);
    return rounded.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  const strengths = (pairs) => pairs.map(([name, value]) => name + "*" + number(value)).join("~");
  const WRITERS = {
    text: String,
    number: number,
    texts: (parts) => parts.join("~"),
    names: (parts) => parts.join(","),
    strengths: strengths,
    snapshots: (kept) => kept.map(([name, pairs]) => name + "!" + strengths(pairs)).join("!"),
    looks: (tracks) => tracks.map((parts) => parts.join("*")).join("~"),
  };
  function encoded(text) {
    const escaped = encodeURIComponent(text).replace(/['()]/g, (sign) => "%" + sign.charCodeAt(0).toString(16));
    return escaped.replace(/%(3A|2C)/g, (_, code) => (code === "3A" ? ":" : ","));
  }
  /* An address holds the first of very many knock-outs; the view has them all. */
  function written(state) {
    const most = (crescope.about.view.most || {}).knock_outs;
    if (most && (state.knock_outs || []).length > most) {
      state = Object.assign({}, state, { knock_outs: state.knock_outs.slice(0, most) });
    }
    const fields = crescope.about.view.fields.filter((field) => state[field.name] !== undefined);
    const changed = fields.filter((field) => !same(state[field.name], field.default));
    return changed.map((field) => field.name + "=" + encoded(WRITERS[field.kind](state[field.name]))).join("&");
  }
  /* The state without what is as by default. */
  function lean(state) {
    const defaults = new Map(crescope.about.view.fields.map((field) => [field.name, field.default]));
    return Object.fromEntries(Object.entries(state).filter(([name, value]) => !same(value, defaults.get(name))));
  }

  /* -- the one view ------------------------------------------------------------------------------------------------ */
  let now = null;
  let changes = 0;
  function tell(next) {
    const before = now ? now.state : null;
    now = next;
    document.dispatchEvent(new CustomEvent("crescope:view", { detail: { before: before } }));
  }

  crescope.view = {
    written: written,
    lean: lean,
    page: 0, /* counts the pages laid out: on a new one everything is asked anew */
    number: number,
    get state() { return now ? now.state : {}; },
    get query() { return now ? now.query : ""; },
    default: (name) => (crescope.about.view.fields.find((field) => field.name === name) || {}).default,
    get: (name) => (now && now.state[name] !== undefined ? now.state[name] : crescope.view.default(name)),
    /* Another view altogether, a step of the browser's history. */
    replace: function (state) {
      const gone = Object.keys(now ? now.state : {}).filter((name) => !(name in state));
      crescope.view.change(Object.assign({}, Object.fromEntries(gone.map((name) => [name, crescope.view.default(name)])), state), true);
    },
    /* A page or a callback wrote the Store. */
    arrived: function (view) {
      if (now && (view === now || view.change)) return; /* our own, come back, maybe after a newer one */
      crescope.view.page += 1;
      tell(view);
    },
    /* The view with some fields changed; `isStep`: a new entry of the browser's history, for the way back. */
    change: function (fields, isStep) {
      const state = lean(Object.assign({}, now ? now.state : {}, fields));
      if (now && same(state, lean(now.state))) return;
      const next = { state: state, query: written(state), change: (changes += 1) };
      if (isStep) crescope.address.step(next.query);
      tell(next);
      window.dash_clientside.set_props("view", { data: next });
    },
  };

  /* -- the address line ------------------------------------------------------------------------------------------- */
  let waiting = null;
  crescope.address = {
    /* The address follows the view, not at every step of a drag. */
    follow: function () {
      clearTimeout(waiting);
      const path = location.pathname;
      waiting = setTimeout(function () {
        if (location.pathname !== path || !now) return;
        history.replaceState(history.state, "", path + (now.query ? "?" + now.query : ""));
      }, 80);
    },
    step: function (query) {
      history.pushState({}, "", location.pathname + (query ? "?" + query : ""));
    },
  };
})();
