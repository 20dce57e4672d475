/* The tab of the elements: the table, a slider for the element in focus and for the strongest changed ones, presets. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const knockout = (crescope.knockout = crescope.knockout || {});
  const written = () => crescope.text;
  const set = (id, props) => window.dash_clientside.set_props(id, props);

  /* -- pure ------------------------------------------------------------------------------------------------------- */
  /* Changed elements that get a slider: the first to leave is the weakest effect, the one in focus has its own. */
  function pinned(base, knockOuts, focus, limit) {
    const size = new Map(base.elements.map((element, k) => [element, Math.abs(base.single_log2[k])]));
    return knockOuts
      .map((pair) => pair[0])
      .filter((element) => element !== focus && size.has(element))
      .sort((a, b) => size.get(b) - size.get(a))
      .slice(0, limit);
  }
  /* A row of a measured pair under no element: nothing to change. Such rows come after the elements. */
  const isPlace = (row) => row.strength === null;
  function rowsOf(base, knockOuts, context) {
    const strengths = new Map(knockOuts);
    return base.rows.map((row, k) => (isPlace(row) ? row : Object.assign({}, row, {
      strength: strengths.has(row.element_id) ? strengths.get(row.element_id) : 1,
      others: context ? context.others[k] : null,
      isWaiting: !context,
    })));
  }
  /* The elements of a preset: those of the screen, those under the pair told about, or the first of a ranking. */
  function presetOf(name, base, given) {
    if (name === "positives") return base.presets.positives;
    if (name === "pair") {
      const pair = knockout.shown(base, given.element, given.pair);
      return pair ? pair.element_ids : [];
    }
    return (base.presets.rankings[given.method] || []).slice(0, given.k || 0);
  }
  /* An element as sliders and the history call it. */
  knockout.nameOf = function (base, element) {
    const row = base.rows.find((one) => one.element_id === element);
    return row ? row.element_class + " " + written().offset(row.distance_bp) : element;
  };

  /* -- the table: the slowest part to draw; it follows the numbers and figures, once for changes close together ---- */
  let filling = null, isFilled = false;
  knockout.fillTable = function (afterMs) {
    clearTimeout(filling);
    const mine = (filling = setTimeout(async function () {
      await window.dash_ag_grid.getApiAsync("ko-table"); /* the grid stands on the page later than the rest */
      const base = knockout.base();
      if (!base || mine !== filling) return;
      set("ko-table", { rowData: rowsOf(base, knockout.now().knock_outs, knockout.context()) });
      if (!isFilled) knockout.scrollToRow();
      isFilled = true;
      chooseRow(base);
      document.querySelectorAll(".ko-slot").forEach(nameSlider);
    }, afterMs));
  };
  knockout.forgetTable = function () {
    isFilled = false;
    chosen = null;
  };
  const rowNow = () => crescope.view.get("element") || crescope.view.get("pair");
  knockout.scrollToRow = () => set("ko-table", { scrollTo: { rowId: rowNow(), rowPosition: "middle" } });
  let chosen = null;
  function chooseRow(base) {
    const row = rowNow();
    if (!isFilled || chosen === row || (row && !base.rows.some((one) => one.element_id === row))) return;
    chosen = row;
    set("ko-table", { selectedRows: row ? { ids: [row] } : [] });
  }

  /* -- the sliders ------------------------------------------------------------------------------------------------ */
  const slots = () => Array.from(document.querySelectorAll("[data-ko-slot]"));
  let pins = []; /* the element of each slot */
  knockout.pinOf = (slot) => pins[slot];
  function label(place, name, title, strength) {
    const called = place.querySelector(".ko-slot-name");
    called.textContent = name;
    called.title = title;
    nameSlider(place);
    place.querySelector(".ko-slot-value").textContent = written().strength(strength);
  }
  /* Dash's slider has no name of its own, and stands there later than its place. */
  function nameSlider(place) {
    const thumb = place.querySelector("[role=slider]"), name = place.querySelector(".ko-slot-name").textContent;
    if (thumb) thumb.setAttribute("aria-label", "strength of " + name + ", 0 = knocked out");
  }
  knockout.labelSlot = function (slot, strength) {
    const place = slot === null ? document.querySelector(".ko-focus") : slots()[slot];
    if (place) place.querySelector(".ko-slot-value").textContent = written().strength(strength);
  };
  knockout.followSliders = function () {
    const base = knockout.base(), now = knockout.now(), focus = crescope.view.get("element");
    const places = slots(), place = document.querySelector(".ko-focus");
    if (!base || !place) return;
    pins = pinned(base, now.knock_outs, focus, places.length);
    places.forEach(function (one, k) {
      one.hidden = !pins[k];
      if (!pins[k]) return;
      const value = knockout.strengthOf(now, pins[k]);
      label(one, knockout.nameOf(base, pins[k]), pins[k], value);
      set({ type: "ko-slot", slot: k }, { value: value });
    });
    const isThere = base.elements.includes(focus), strength = knockout.strengthOf(now, focus);
    const nothing = crescope.view.get("pair") ? "no element under the pair" : "choose an element";
    label(place, isThere ? knockout.nameOf(base, focus) : nothing, focus, strength);
    set("ko-slider", { value: strength, disabled: !isThere });
    const left = now.knock_outs.filter((pair) => pair[0] !== focus).length - pins.length;
    const most = ((crescope.about || {}).view || {}).most || {};
    const cut = now.knock_outs.length > most.knock_outs ? "; the address holds the first " + most.knock_outs : "";
    document.getElementById("ko-more").textContent = left > 0 ? "and " + left + " more changed, in the table" + cut : "";
    chooseRow(base);
  };

  /* -- cells of the table ----------------------------------------------------------------------------------------- */
  const SIGNS = { decrease: " \u25CF", increase: " \u25B2", "not significant": " \u25CB" };
  const size = (value) => (value === null || value === undefined ? -1 : Math.abs(value));
  window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, {
    koDistance: (params) => written().offset(params.value),
    koPercent: (params) => (isPlace(params.data) ? "" : written().percent(params.value)),
    koThree: (params) => (isPlace(params.data) ? "" : written().number(params.value)),
    koStrength: (params) => (isPlace(params.data) ? "no element" : written().strength(params.value)),
    koOthers: function (params) {
      if (isPlace(params.data)) return "";
      return params.data.strength === 0 ? "out" : params.data.isWaiting ? "\u2026" : written().percent(params.value);
    },
    koMeasured: function (params) {
      const { call, pair_ids } = params.data;
      const more = pair_ids.length > 1 ? " of " + pair_ids.length : "";
      return call ? written().percent(params.value) + SIGNS[call] + more : "not tested";
    },
    koByMagnitude: (a, b) => size(a) - size(b),
    koStrengthBar: function (params) {
      if (isPlace(params.data)) return { color: "var(--cs-faint-ink)" };
      const share = 100 * params.value;
      const bar = "linear-gradient(to right, var(--cs-accent) " + share + "%, var(--cs-hairline) " + share + "%)";
      return { background: bar + " 40px center / calc(100% - 52px) 5px no-repeat" };
    },
  });
  Object.assign(knockout, { pinned, rowsOf, presetOf });
})();
