/* A view as a file: out, so that a figure can be made again, and in, checked by the server. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});

  function save() {
    const state = Object.assign({ version: crescope.about.view.version }, crescope.view.state);
    const name = ["view", state.gene, state.study].filter(Boolean).join("_").replace(/[^\w.-]/g, "_") + ".json";
    const file = new Blob([JSON.stringify(state, null, 1) + "\n"], { type: "application/json" });
    const address = URL.createObjectURL(file);
    crescope.plot.download(address, name);
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }
  function open() {
    const box = document.createElement("input");
    Object.assign(box, { type: "file", accept: ".json,application/json" });
    box.addEventListener("change", async function () {
      if (!box.files.length) return;
      const text = await box.files[0].slice(0, 2e6).text();
      crescope.exchange.once("view-file", { text: text, path: location.pathname })
        .then((reply) => crescope.arrive(reply.data)).catch((error) => crescope.notice(error.message));
    });
    box.click();
  }
  document.addEventListener("click", function (event) {
    const button = event.target.closest("#view-save, #view-open");
    if (button) (button.id === "view-save" ? save : open)();
  });
})();
