/* Figures, drawn with Plotly by ourselves: one that did not change is not drawn again, and Plotly is loaded beside the
   first questions to the server, not before the page is laid out. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const drawn = {}; /* figure id -> {shown, exchange} */
  const listeners = {}; /* figure id -> event -> function */
  let loading = null;

  function ready() {
    loading = loading || new Promise(function (resolve, reject) {
      if (window.Plotly) return resolve(window.Plotly);
      const script = document.createElement("script");
      script.src = crescope.about.plotly;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error("the drawing library did not load"));
      document.head.appendChild(script);
    });
    return loading;
  }

  /* -- arrays as Python sends them -------------------------------------------------------------------------------- */
  const TYPES = {
    i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, u4: Uint32Array,
    f4: Float32Array, f8: Float64Array,
  };
  function values(array) {
    if (!array || array.bdata === undefined) return array || [];
    const bytes = Uint8Array.from(atob(array.bdata), (sign) => sign.charCodeAt(0));
    return new TYPES[array.dtype](bytes.buffer);
  }

  /* -- drawing ---------------------------------------------------------------------------------------------------- */
  const plotOf = (id) => document.querySelector("#" + CSS.escape(id) + " .js-plotly-plot, #" + CSS.escape(id) + ".js-plotly-plot");
  async function show(id, shown, exchange) {
    const place = document.getElementById(id);
    if (!place) return;
    drawn[id] = { shown: shown, exchange: exchange };
    place.hidden = !shown.figure;
    if (!shown.figure) return;
    if (shown.height) place.style.height = shown.height;
    await draw(id, shown.figure);
  }
  async function draw(id, figure) {
    const Plotly = await ready();
    const place = document.getElementById(id);
    if (!place) return;
    /* data-zooms: "yes" as Plotly does, "page" as the page's own script does. */
    const zooms = place.dataset.zooms, doubleClick = zooms === "page" ? false : "reset";
    const config = { displayModeBar: false, responsive: true, scrollZoom: zooms === "yes", doubleClick: doubleClick };
    const plot = place.firstElementChild || place.appendChild(document.createElement("div"));
    plot.style.height = "100%";
    await Plotly.react(plot, figure.data, figure.layout, config);
    if (plot.dataset.heard) return;
    plot.dataset.heard = "yes";
    ["click", "relayout"].forEach(function (event) {
      plot.on("plotly_" + event, (detail) => listeners[id] && listeners[id][event] && listeners[id][event](detail, plot));
    });
  }

  /* -- files: always light, as on the screen otherwise ------------------------------------------------------------ */
  async function inLight(id) {
    const { shown, exchange } = drawn[id];
    const reply = exchange ? await crescope.exchange.once(exchange, { theme: "light" }) : null;
    const figure = reply && reply.shown[id] ? reply.shown[id].figure : shown.figure;
    const screen = plotOf(id);
    const layout = Object.assign({}, figure.layout);
    Object.keys(layout).filter((name) => /^[xy]axis/.test(name)).forEach(function (name) {
      const axis = screen && screen.layout && screen.layout[name];
      if (axis && axis.range) layout[name] = Object.assign({}, layout[name], { range: Array.from(axis.range), autorange: false });
    });
    return { data: figure.data, layout: layout };
  }
  async function save(id, form) {
    if (!drawn[id]) return;
    if (form === "csv" || form === "tsv") return download("/export/" + drawn[id].exchange + "/" + id + "." + form + "?" + crescope.view.query);
    const Plotly = await ready(), plot = plotOf(id);
    const figure = await (saving[id] || inLight)(id);
    const size = { width: figure.layout.width || plot.clientWidth, height: figure.layout.height || plot.clientHeight };
    const name = drawn[id].shown.name;
    await Plotly.downloadImage(figure, Object.assign(size, { format: form, filename: name, scale: form === "png" ? 3 : 1 }));
  }
  const saving = {}; /* figure id -> the figure of a file, where the page draws it in its own way */
  function download(href, name) {
    const link = document.createElement("a");
    link.href = href;
    link.download = name || "";
    document.body.appendChild(link);
    link.click();
    link.remove();
  }

  document.addEventListener("click", function (event) {
    const button = event.target.closest("[data-save]");
    if (!button) return;
    const [id, form] = button.dataset.save.split(":");
    save(id, form).catch((error) => crescope.notice(error.message));
  });

  /* Where the page itself scrolls, the wheel is the page's and zooming wants a modifier. */
  let hinted = 0;
  function takesWheel(event) {
    const main = document.getElementById("main");
    if (event.ctrlKey || event.metaKey || !main || main.scrollHeight <= main.clientHeight + 2) return true;
    if (Date.now() - hinted > 8000) crescope.notice("hold Ctrl and turn the wheel to zoom", "news");
    hinted = Date.now();
    return false;
  }

  crescope.plot = {
    ready, values, takesWheel, show, draw, save, saving, download, plotOf, inLight,
    note: (id, shown, exchange) => { drawn[id] = { shown: shown, exchange: exchange }; },
    on: function (id, event, listener) {
      (listeners[id] = listeners[id] || {})[event] = listener;
    },
  };
})();
