/* One way to ask: see dashboard/components/exchange.py. A page declares its exchanges (`data-exchanges`); whenever a field
   that one needs has changed, it is asked. The latest question wins; a late answer is dropped. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const asker = Math.random().toString(36).slice(2) + Date.now().toString(36); /* this page, in this tab */
  const AGAIN_MS = 1000;
  const kept = {}; /* what the page keeps beside the address: name -> value */
  const hooks = {}; /* exchange -> {mayAsk, isWanted, draw, apply, waiting} of the page's own script */
  const state = {}; /* exchange -> {key, number, question, reply, abort} */
  let number = 0;

  const element = (type, props) => ({ namespace: "dash_html_components", type: type, props: props });
  /* One line over the page: errors stay until closed, news fade. */
  crescope.notice = function (text, kind) {
    const close = element("Button", { children: "×", className: "cs-notice-close", "aria-label": "close", "data-close-notice": "yes" });
    const line = element("Div", {
      children: [element("Span", { children: text, className: "cs-notice-text", title: text }), close],
      className: "cs-notice-line cs-notice-" + (kind || "error"),
      role: kind === "news" ? "status" : "alert",
    });
    window.dash_clientside.set_props("notice", { children: line });
  };

  function declared() {
    const parts = Array.from(document.querySelectorAll("[data-exchanges]"));
    return parts.flatMap((part) => JSON.parse(part.dataset.exchanges));
  }
  function theme() {
    return document.documentElement.getAttribute("data-mantine-color-scheme") === "dark" ? "dark" : "light";
  }
  function questionOf(exchange) {
    const view = crescope.view.state;
    const question = {};
    exchange.needs.forEach(function (name) {
      if (name === "theme") question.theme = theme();
      else if (name === "width") question.width = widthOf(exchange);
      else question[name] = name in kept ? kept[name] : view[name];
    });
    return question;
  }
  function widthOf(exchange) {
    const place = document.getElementById(exchange.widthOf);
    return place ? place.clientWidth : 0;
  }
  /* Widths that differ by a scroll bar are one. */
  const keyOf = (question) =>
    crescope.view.page + JSON.stringify(Object.assign({}, question, { width: Math.round((question.width || 0) / 50) }));

  function check() {
    const exchanges = declared();
    const names = new Set(exchanges.map((one) => one.name));
    Object.keys(state).filter((name) => !names.has(name)).forEach(forget);
    exchanges.forEach(function (exchange) {
      if (exchange.onDemand || !isOpen(exchange)) return;
      const question = questionOf(exchange), key = keyOf(question), hook = hooks[exchange.name] || {};
      const last = state[exchange.name];
      if (last && last.key === key) return;
      if (hook.mayAsk && !hook.mayAsk(question, last ? last.question : null)) return;
      send(exchange, question, key);
    });
  }
  const isOpen = (exchange) =>
    Object.entries(exchange.only || {}).every(([name, value]) => crescope.view.get(name) === value);
  function forget(name) {
    if (state[name].abort) state[name].abort.abort();
    delete state[name];
  }

  function busy(exchange, is) {
    const place = exchange.busy && document.getElementById(exchange.busy);
    if (!place) return;
    place.classList.toggle("cs-busy", is);
    place.setAttribute("aria-busy", is ? "true" : "false");
  }
  /* A page may ask its first question by the address, while Dash is still being set up: `early` holds the promise of
     that reply, with the fields it answers under `data.asked`. It serves if the page's own question is the same. */
  const early = {};
  async function askedEarly(name, question) {
    const waiting = early[name];
    delete early[name];
    const reply = waiting ? await waiting.catch(() => null) : null;
    const asked = reply && reply.data && reply.data.asked;
    const lean = (value, field) => JSON.stringify(value === undefined ? crescope.view.default(field) : value);
    const isSame = asked && Object.keys(question).every((field) =>
      field === "width" ? Math.abs(question.width - asked.width) < 25 : lean(question[field], field) === lean(asked[field], field));
    return isSame ? reply : null;
  }
  async function post(name, question, abort) {
    const found = early[name] && (await askedEarly(name, question));
    if (found) return found;
    const body = JSON.stringify(Object.assign({ asker: asker, number: number }, question));
    const headers = { "Content-Type": "application/json" };
    const response = await fetch("/ask/" + name, { method: "POST", headers: headers, body: body, signal: abort && abort.signal });
    if (!response.ok) throw new Error("the server answered " + response.status);
    return response.json();
  }
  async function send(exchange, question, key) {
    const name = exchange.name, before = state[name], abort = new AbortController();
    if (before && before.abort) before.abort.abort();
    number += 1;
    const mine = { key: key, number: number, question: question, abort: abort, reply: before ? before.reply : null };
    state[name] = mine;
    busy(exchange, true);
    let reply;
    try {
      reply = await post(name, question, abort);
    } catch (error) {
      if (error.name === "AbortError" || state[name] !== mine) return;
      reply = { error: "the server does not answer: is it still running?" };
    }
    if (state[name] !== mine) return; /* a newer question is on its way */
    mine.abort = null;
    if (reply.again) {
      if (hooks[name] && hooks[name].waiting) hooks[name].waiting(reply.again);
      setTimeout(() => { if (state[name] === mine) send(exchange, question, key); }, AGAIN_MS);
      return;
    }
    busy(exchange, false);
    if (reply.outdated) return;
    if (reply.error) {
      crescope.notice(reply.error);
      return;
    }
    mine.reply = reply;
    apply(name, reply, question);
  }
  /* Some parts of a page stand there later than the first answer comes: a table's script is loaded for itself. */
  function setWhenThere(id, props, isNewest, tries) {
    if (document.getElementById(id)) window.dash_clientside.set_props(id, props);
    else if (tries) setTimeout(() => { if (isNewest()) setWhenThere(id, props, isNewest, tries - 1); }, 50);
  }
  function apply(name, reply, question) {
    const hook = hooks[name] || {};
    if (hook.isWanted && !hook.isWanted(question)) return;
    Object.entries(reply.sets || {}).forEach(([id, props]) => setWhenThere(id, props, () => (state[name] || {}).reply === reply, 200));
    Object.entries(reply.shown || {}).forEach(function ([id, shown]) {
      if (!hook.draw || !hook.draw(id, shown, question)) crescope.plot.show(id, shown, name);
    });
    if (hook.apply) hook.apply(reply, question);
    document.dispatchEvent(new CustomEvent("crescope:answered", { detail: { name: name } }));
  }

  crescope.exchange = {
    hooks: hooks,
    early: early,
    check: check,
    theme: theme,
    kept: kept,
    /* A value that the page keeps beside the address. */
    keep: function (values) {
      Object.assign(kept, values);
      check();
    },
    /* What was asked last; null = nothing yet. */
    question: (name) => (state[name] ? state[name].question : null),
    isAsking: () => Object.values(state).some((one) => one.abort),
    /* Ask once, now, beside what the page asks by itself. */
    once: async function (name, changes) {
      const exchange = declared().find((one) => one.name === name);
      if (!exchange) return null;
      number += 1;
      const reply = await post(name, Object.assign(questionOf(exchange), changes || {}));
      if (reply.error) throw new Error(reply.error);
      return reply;
    },
  };
  /* A page's parts may stand on the screen a moment after its view. */
  document.addEventListener("crescope:view", function () {
    check();
    requestAnimationFrame(check);
    setTimeout(check, 60);
  });
  let resizing = null;
  window.addEventListener("resize", function () {
    clearTimeout(resizing);
    resizing = setTimeout(check, 200);
  });
})();
