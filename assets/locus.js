/* The locus page in the browser: pan and zoom without a request, what a click meant, ranges after a pan, download. */
(function () {
  "use strict";
  const MARGIN_LEFT = 150, MARGIN_RIGHT = 10;
  const none = () => window.dash_clientside.no_update;
  const graph = () => document.querySelector("#locus-figure .js-plotly-plot");
  const text = () => window.crescope.text; /* loaded after this script */
  const send = (id, props) => window.dash_clientside.set_props(id, props);

  /* ---- the view ---- */
  function withLocus(view, locus) {
    /* The query is written by ViewState on the server; here only its place changes, in the same spelling. */
    const parts = (view.query || "").split("&").filter((part) => part && !part.startsWith("locus="));
    const first = ["study=", "biosample=", "gene="];
    const at = parts.filter((part) => first.some((name) => part.startsWith(name))).length;
    parts.splice(at, 0, "locus=" + encodeURIComponent(locus).replace(/%3A/g, ":").replace(/%2C/g, ","));
    return { state: Object.assign({}, view.state, { locus: locus }), query: parts.join("&") };
  }

  /* ---- which change needs the server ---- */
  let last = {};
  function keyOf(state, names) {
    return JSON.stringify(names.map((name) => state[name] === undefined ? null : state[name]));
  }
  const DRAWN = ["study", "biosample", "gene", "methods", "hidden", "scale", "top", "threshold", "highlights"];
  const LISTED = ["study", "biosample", "gene", "methods"];

  function isInside(place) {
    const gd = graph();
    const meta = gd && gd.layout && gd.layout.meta;
    if (!meta || !meta.loaded || meta.chrom !== place.chrom) return false;
    const width = place.end - place.start, drawn = meta.view[1] - meta.view[0];
    /* Names are laid out and signal is binned for the drawn width: a very different one is drawn anew. */
    if (width > 1.6 * drawn || (width < 0.4 * drawn && width > 300)) return false;
    return place.start >= meta.loaded[0] - 1 && place.end <= meta.loaded[1] + 1;
  }

  function gate(view, theme, visit) {
    if (!view || !document.getElementById("locus-figure")) return [none(), none(), none()];
    const state = view.state, place = text().parse(state.locus);
    const label = document.getElementById("locus-place");
    if (label) label.textContent = state.locus || "";
    if (visit !== last.visit) last = { visit: visit };
    const drawn = keyOf(state, DRAWN) + theme, listed = keyOf(state, LISTED);
    const chosen = listed + keyOf(state, ["element", "pair"]) + theme;
    const width = document.getElementById("locus-figure").clientWidth;
    const request = { state: state, theme: theme, px: width - MARGIN_LEFT - MARGIN_RIGHT };
    const out = [none(), none(), none()];
    if (drawn !== last.drawn || (place && !isInside(place) && state.locus !== last.locus)) {
      out[0] = request;
      last.locus = state.locus;
    }
    if (listed !== last.listed) out[1] = { state: state };
    if (chosen !== last.chosen) out[2] = { state: state, theme: theme };
    Object.assign(last, { drawn: drawn, listed: listed, chosen: chosen });
    return out;
  }

  /* ---- pan and zoom ---- */
  let waiting = null;
  function moved(gd) {
    clearTimeout(waiting);
    waiting = setTimeout(function () {
      const meta = gd.layout.meta, range = gd.layout.xaxis.range;
      if (!meta) return;
      rescale(gd, range[0], range[1]);
      const start = Math.max(0, Math.round(range[0])), end = Math.round(range[1]);
      send("locus-pan", { data: { locus: text().place(meta.chrom, start, end) } });
    }, 160);
  }
  function move(shift, factor) {
    const gd = graph();
    if (!gd || !gd.layout || !gd.layout.xaxis) return;
    const range = gd.layout.xaxis.range, width = range[1] - range[0];
    const middle = (range[0] + range[1]) / 2 + shift * width;
    let half = Math.max(100, (width * factor) / 2);
    const start = Math.max(0, middle - half);
    window.Plotly.relayout(gd, { "xaxis.range": [start, start + 2 * half] });
  }
  const MOVES = { "pan-left": [-0.4, 1], "pan-right": [0.4, 1], "zoom-in": [0, 0.5], "zoom-out": [0, 2] };

  /* ---- the y range of a group follows the view ---- */
  function rescale(gd, start, end) {
    const tops = {};
    const bands = gd.layout.meta.bands.filter((band) => band.group);
    bands.forEach(function (band) {
      let top = 0;
      band.traces.forEach(function (index) {
        const trace = gd._fullData[index];
        if (!trace || trace.meta === "probe" || !trace.x) return;
        for (let i = 0; i < trace.x.length; i++) {
          if (trace.x[i] >= start && trace.x[i] <= end && trace.y[i] > top) top = trace.y[i];
        }
      });
      tops[band.group] = Math.max(tops[band.group] || 0, top);
    });
    const change = {};
    bands.forEach(function (band) {
      const top = tops[band.group] || 1;
      change[band.axis + ".range"] = [0, top * 1.02];
      const shown = band.scale === "log" ? Math.pow(10, top) - 1 : top;
      const range = "0 – " + text().number(tops[band.group] ? shown : 0) + (band.scale === "log" ? ", log(1 + x)" : "");
      change["annotations[" + band.note + "].text"] = range;
    });
    const same = Object.keys(change).every(function (key) {
      if (!key.endsWith(".range")) return true;
      const axis = gd.layout[key.slice(0, -6)];
      return Math.abs(axis.range[1] - change[key][1]) < 1e-6 * change[key][1];
    });
    if (!same) window.Plotly.relayout(gd, change);
  }

  /* ---- what a click meant ---- */
  function bandAt(gd, clientY) {
    const box = gd.querySelector(".nsewdrag").getBoundingClientRect();
    const size = gd._fullLayout._size, top = gd.getBoundingClientRect().top + size.t;
    const y = 1 - (clientY - top) / size.h;
    return { y: y, box: box, band: gd.layout.meta.bands.find((band) => y >= band.from && y <= band.to) };
  }
  /* What the nearest point of some traces stands for; null when none is within reach. */
  function nearest(gd, traces, event, reach, needsY) {
    const rect = gd.getBoundingClientRect(), size = gd._fullLayout._size;
    const px = event.clientX - rect.left - size.l, py = event.clientY - rect.top - size.t;
    const xaxis = gd._fullLayout.xaxis;
    let best = reach, found = null;
    traces.forEach(function (trace) {
      const yaxis = gd._fullLayout[axisName(trace.yaxis)];
      for (let i = 0; i < trace.x.length; i++) {
        if (!trace.customdata || !trace.customdata[i]) continue;
        const dx = Math.abs(xaxis.l2p(trace.x[i]) - px);
        if (dx >= best) continue;
        const dy = needsY ? Math.abs(yaxis._offset - size.t + yaxis.l2p(trace.y[i]) - py) : 0;
        const distance = Math.hypot(dx, dy);
        if (distance < best) {
          best = distance;
          found = trace.customdata[i];
        }
      }
    });
    return found;
  }
  function axisName(short) {
    return "yaxis" + (short || "y").slice(1);
  }
  function clicked(gd, event) {
    const at = bandAt(gd, event.clientY);
    if (!at.band) return;
    const full = gd._fullData;
    const traces = (band, meta) => band.traces.map((index) => full[index]).filter((trace) => trace.meta === meta);
    if (at.band.id === "genes") {
      const near = (meta, reach) => nearest(gd, traces(at.band, meta), event, reach, true);
      select("gene", near("names", 34) || near("probe", 9));
      return;
    }
    const pair = at.band.id === "crispr" && nearest(gd, traces(at.band, "marks"), event, 12, true);
    if (pair) {
      select("pair", pair);
      return;
    }
    const arcs = full.filter(function (trace) {
      if (trace.meta !== "arcs") return false;
      const domain = gd._fullLayout[axisName(trace.yaxis)].domain;
      return at.y >= domain[0] && at.y <= domain[1];
    });
    const band = gd.layout.meta.bands.find((one) => one.id === "elements");
    const elements = band ? traces(band, "probe") : [];
    select("element", nearest(gd, arcs, event, 9, true) || nearest(gd, elements, event, 8, false));
  }
  function select(kind, id) {
    if (id) send("locus-click", { data: { kind: kind, id: id, at: Date.now() } });
  }
  function axisOf(gd, id) {
    const band = gd.layout.meta.bands.find((one) => one.id === id);
    return band && band.axis.replace("yaxis", "y");
  }

  /* Listen to the figure's element once; false while plotly has not made it yet. */
  function attach() {
    const gd = graph();
    if (!gd || !gd.on) return !document.getElementById("locus-figure");
    if (gd.dataset.locus) return true;
    gd.dataset.locus = "yes";
    gd.on("plotly_relayout", function (change) {
      if (Object.keys(change).some((key) => key.startsWith("xaxis.range"))) moved(gd);
    });
    gd.on("plotly_click", function (data) {
      if (data && data.event) clicked(gd, data.event);
    });
    return true;
  }
  let attaching = null;
  function attachSoon() {
    clearInterval(attaching);
    if (attach()) return none();
    attaching = setInterval(function () {
      if (attach()) clearInterval(attaching);
    }, 100);
    return none();
  }

  /* ---- download: as on the screen, in light ---- */
  const DARK_TO_LIGHT = {
    "#12181F": "#FFFFFF", "#E6EDF3": "#12263A", "#93A4B5": "#5F7488",
    "#2A3642": "#E3EAF0", "#19222C": "#F5F8FA", "#5AA9F5": "#0B66C3",
    "rgba(18,24,31,0.7)": "rgba(255,255,255,0.7)",
  };
  function inLight(value) {
    let json = JSON.stringify(value);
    Object.entries(DARK_TO_LIGHT).forEach(function ([dark, light]) {
      json = json.split(dark).join(light);
    });
    return JSON.parse(json);
  }
  function plain(trace) {
    const copy = Object.assign({}, trace);
    ["x", "y", "customdata", "text"].forEach(function (name) {
      if (ArrayBuffer.isView(copy[name])) copy[name] = Array.from(copy[name], (x) => (Number.isNaN(x) ? null : x));
    });
    return copy;
  }
  function download(format) {
    const gd = graph();
    if (!gd || !gd.layout) return;
    const place = gd.layout.meta.chrom + "_" + gd.layout.xaxis.range.map(Math.round).join("-");
    const gene = document.querySelector(".cs-locus-name b");
    const name = ["locus", gene ? gene.textContent.replace(/\s+/g, "_") : "", place].filter(Boolean).join("_");
    const data = inLight(gd.data.filter((trace) => trace.meta !== "probe").map(plain));
    const layout = inLight(gd.layout);
    window.Plotly.downloadImage(
      { data: data, layout: layout },
      { format: format, filename: name, width: gd.clientWidth, height: gd.clientHeight, scale: format === "png" ? 3 : 1 }
    );
  }

  document.addEventListener("click", function (event) {
    document.querySelectorAll("details.cs-folded[open]").forEach(function (open) {
      if (!open.contains(event.target)) open.removeAttribute("open");
    });
    if (!document.getElementById("locus-figure")) return;
    const chosen = event.target.closest("[data-select]");
    if (chosen) select(chosen.dataset.select, chosen.dataset.id);
    const button = event.target.closest("button[id]");
    if (!button) return;
    if (MOVES[button.id]) move(...MOVES[button.id]);
    if (button.id === "locus-svg" || button.id === "locus-png") download(button.id.slice(6));
  });

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    locus: {
      gate: gate,
      panned: function (pan, view) {
        if (!pan || !view || view.state.locus === pan.locus) return none();
        return withLocus(view, pan.locus);
      },
      attach: attachSoon,
      mark: function (marks) {
        const gd = graph();
        if (!marks || !gd || !gd.layout || !gd.layout.shapes) return none();
        const change = {}, axis = axisOf(gd, "crispr");
        marks.shapes.forEach(function (shape, index) {
          const ring = shape.name === "mark" ? { yref: axis || "y", visible: Boolean(axis && shape.visible) } : {};
          change["shapes[" + index + "]"] = Object.assign({}, shape, ring);
        });
        window.Plotly.relayout(gd, change);
        return none();
      },
      rowChosen: function (rows, marks) {
        /* A row that the server selected comes back as an echo: no one pressed it. */
        if (!rows || !rows.length || !rows[0].element_id) return none();
        const row = rows[0];
        if (marks && marks.row === row.kind + " " + row.element_id) return none();
        return { kind: row.kind, id: row.element_id, at: Date.now() };
      },
      exportTable: (clicks) => Boolean(clicks),
    },
  });
})();
