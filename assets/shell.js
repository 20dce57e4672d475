/* The frame's part in the browser: the address follows the view, links open without a reload, and the keyboard. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});

  /* The address Dash last drew a page for. replaceState moves the shown address away from it, unseen by Dash. */
  let drawn = location.pathname + location.search;

  function open(href) {
    const target = new URL(href, location.origin);
    if (target.origin !== location.origin) return;
    let address = target.pathname + target.search;
    if (address === location.pathname + location.search) return;
    if (address === drawn) {
      /* Dash draws on change only; `version` says nothing new and makes the address another. */
      address += (target.search ? "&" : "?") + "version=1";
    }
    history.pushState({}, "", address);
    drawn = address;
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }

  window.addEventListener("popstate", function () {
    drawn = location.pathname + location.search;
  });

  function markRail() {
    document.querySelectorAll(".cs-rail-link").forEach(function (link) {
      link.classList.toggle("cs-here", new URL(link.href).pathname === location.pathname);
    });
  }

  const none = function () { return window.dash_clientside.no_update; };

  /* Links of the rail, and the address, lead to the view that is on show. */
  document.addEventListener("crescope:view", function () {
    const view = crescope.view;
    crescope.address.follow();
    markRail();
    document.querySelectorAll(".cs-rail-link").forEach(function (link) {
      const at = new URL(link.href).pathname;
      link.setAttribute("href", at + (view.query ? "?" + view.query : ""));
    });
    const name = document.getElementById("home-link");
    if (name) name.setAttribute("href", view.state.study ? "/?study=" + encodeURIComponent(view.state.study) : "/");
  });

  function query(state) {
    /* The few fields every page shares; the page itself reads the rest from its own view. */
    const pairs = ["study", "biosample", "gene", "locus"].filter((name) => state[name]);
    return pairs.map((name) => name + "=" + encodeURIComponent(state[name])).join("&");
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    crescope: {
      follow: function (view) {
        if (!view) return none();
        makeSearchBox();
        crescope.view.arrived(view);
        return none();
      },
      go: function (href) {
        if (!href) return none();
        window.dash_clientside.set_props("go", { data: null });
        open(href);
        return none();
      },
      remark: function (texts) {
        if (texts && texts.length) crescope.notice(texts.join(" · "), "news");
        return texts && texts.length ? none() : null;
      },
      header: function (view, studies) {
        const names = Object.keys(studies || {});
        const state = (view && view.state) || {};
        const name = studies[state.study] ? state.study : names[0];
        const study = studies[name] || { biosamples: [], title: "" };
        const choices = names.map((key) => ({ value: key, label: key + " · " + studies[key].assembly }));
        const biosample = study.biosamples.includes(state.biosample) ? state.biosample : study.biosamples[0];
        const kind = name ? (study.is_simulated ? "simulated" : "real data") : "";
        const look = name ? "cs-badge " + (study.is_simulated ? "cs-simulated" : "cs-real") : "";
        return [choices, name || null, study.biosamples, biosample || null, kind, look];
      },
      chooseStudy: function (name, view, studies) {
        const state = (view && view.state) || {};
        const current = studies[state.study] ? state.study : Object.keys(studies)[0];
        if (!name || name === current) return none();
        return location.pathname + "?" + query({ study: name });
      },
      chooseBiosample: function (name, view, studies) {
        const state = (view && view.state) || {};
        const study = studies[studies[state.study] ? state.study : Object.keys(studies)[0]];
        const current = study && study.biosamples.includes(state.biosample) ? state.biosample : study.biosamples[0];
        if (!name || name === current) return none();
        const rest = new URLSearchParams(view.query);
        rest.set("biosample", name);
        return location.pathname + "?" + rest.toString();
      },
      switchTheme: function (clicks, theme) {
        return clicks ? (theme === "dark" ? "light" : "dark") : none();
      },
      applyTheme: function (theme) {
        makeSearchBox();
        const scheme = theme === "dark" ? "dark" : "light";
        document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
        crescope.exchange.check();
        return scheme;
      },
      openHelp: function (clicks, opened) {
        return clicks ? !opened : none();
      },
    },
  });

  /* Links of our own open in place; a press with a modifier keeps the browser's way. */
  document.addEventListener("click", function (event) {
    const closing = event.target.closest("[data-close-notice]");
    if (closing) window.dash_clientside.set_props("notice", { children: null });
    if (event.target.closest("[data-fold]")) fold();
    const link = event.target.closest("a[href^='/']");
    if (!event.target.closest(".cs-search-box")) hideSuggestions();
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.hasAttribute("download") || link.target) return;
    event.preventDefault();
    hideSuggestions();
    if (link.closest("#suggestions")) {
      clearSearch();
      goTo(link.dataset.go);
      return;
    }
    open(link.getAttribute("href"));
  });

  function fold() {
    const page = document.querySelector(".cs-page");
    if (page) page.classList.toggle("cs-unfolded");
  }

  function searchBox() {
    return document.getElementById("search");
  }
  function makeSearchBox() {
    const slot = document.getElementById("search-slot");
    if (!slot || searchBox()) return;
    const box = document.createElement("input");
    Object.assign(box, { id: "search", type: "search", maxLength: 4000, autocomplete: "off", spellcheck: false });
    box.placeholder = "Gene, place or element   ( / )";
    box.setAttribute("aria-label", "gene, place or element");
    box.setAttribute("aria-controls", "suggestions");
    box.addEventListener("input", function () {
      clearTimeout(pause);
      pause = setTimeout(() => suggest(box.value), 120);
    });
    slot.appendChild(box);
  }
  function clearSearch() {
    searchBox().value = "";
    searchBox().blur();
    suggest("");
  }
  /* Only the newest list is shown. */
  let asked = 0, pause = null;
  async function suggest(text) {
    const mine = (asked += 1);
    const reply = text.trim() ? await askBox("suggest", text) : null;
    if (mine !== asked) return;
    window.dash_clientside.set_props("suggestions", { children: reply ? reply.sets.suggestions.children : [] });
  }
  function askBox(name, text) {
    return crescope.exchange.once(name, { text: text, path: location.pathname }).catch(function (error) {
      if (name === "go") crescope.notice(error.message);
      return null;
    });
  }
  /* Where a text leads: in place on a page that can, else by its address. False: nowhere, and the notice says why. */
  async function goTo(text) {
    if (!text.trim()) return false;
    const reply = await askBox("go", text);
    if (reply) arrive(reply.data);
    return Boolean(reply);
  }
  function arrive({ path, href, state, remarks }) {
    const now = crescope.view.state;
    const isHere = path === location.pathname && document.querySelector("[data-in-place]");
    if (isHere && state.study === now.study && state.biosample === now.biosample) crescope.view.replace(state);
    else return open(href); /* the page says its own remarks */
    if (remarks.length) crescope.notice(remarks.join(" · "), "news");
  }
  crescope.arrive = arrive;
  crescope.goTo = goTo;
  /* What is typed is read here, at Enter: suggestions come with a delay. */
  async function enter(text) {
    clearTimeout(pause);
    asked += 1; /* no list is wanted any more */
    hideSuggestions();
    if (await goTo(text)) clearSearch();
  }
  function hideSuggestions() {
    const box = document.querySelector(".cs-search-box");
    if (box) box.classList.remove("cs-open");
  }

  document.addEventListener("focusin", function (event) {
    const box = document.querySelector(".cs-search-box");
    if (box) box.classList.toggle("cs-open", box.contains(event.target));
  });

  function walk(step) {
    const hits = Array.from(document.querySelectorAll("#suggestions .cs-hit"));
    if (!hits.length) return;
    const now = hits.findIndex((hit) => hit.classList.contains("cs-walked"));
    hits.forEach((hit) => hit.classList.remove("cs-walked"));
    const next = hits[(now + step + hits.length + (now < 0 && step < 0 ? 1 : 0)) % hits.length];
    next.classList.add("cs-walked");
    next.scrollIntoView({ block: "nearest" });
  }

  function inSearch(event) {
    const box = document.querySelector(".cs-search-box");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      walk(event.key === "ArrowDown" ? 1 : -1);
      event.preventDefault();
    } else if (event.key === "Enter") {
      const chosen = document.querySelector("#suggestions .cs-walked");
      if (chosen) {
        event.preventDefault();
        event.stopPropagation();
        chosen.click();
      } else {
        enter(event.target.value);
      }
    } else if (event.key === "Escape") {
      hideSuggestions();
      event.target.blur();
    } else {
      box.classList.add("cs-open");
    }
  }

  const BUTTONS = {
    "[": "pan-left", ArrowLeft: "pan-left", "]": "pan-right", ArrowRight: "pan-right",
    "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", "?": "help-open", d: "theme-switch",
  };

  document.addEventListener("keydown", function (event) {
    if (event.target.id === "search") return inSearch(event);
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], [role=slider], [role=listbox], .ag-root")) return;
    if (event.key === "/") {
      event.preventDefault();
      searchBox().focus();
      searchBox().select();
    } else if (event.key === "i") {
      fold();
    } else if (event.key === "Escape") {
      window.dash_clientside.set_props("notice", { children: null });
    } else if (BUTTONS[event.key]) {
      const button = document.getElementById(BUTTONS[event.key]);
      if (!button) return;
      event.preventDefault();
      button.click();
    }
  }, true);

  /* Before the first drawing: no flash of the other scheme. */
  try {
    if (JSON.parse(localStorage.getItem("theme")) === "dark") {
      document.documentElement.setAttribute("data-mantine-color-scheme", "dark");
    }
  } catch (error) {
    /* No storage: the light scheme. */
  }
})();
