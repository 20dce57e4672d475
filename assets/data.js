/* The data page in the browser: the genome browser's scripts are loaded when its tab is opened, once. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  let loading = null;

  function load(address) {
    return new Promise(function (resolve, reject) {
      const script = document.createElement("script");
      script.src = address;
      script.onload = resolve;
      script.onerror = () => reject(new Error("the genome browser did not load"));
      document.head.appendChild(script);
    });
  }
  function scripts() {
    loading = loading || crescope.about.later.reduce((before, address) => before.then(() => load(address)), Promise.resolve());
    return loading;
  }
  async function openBases() {
    const [reply] = await Promise.all([crescope.exchange.once("data-bases"), scripts()]);
    if (document.getElementById("data-bases")) window.dash_clientside.set_props("data-bases", reply.sets["data-bases"]);
  }
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    data: {
      opened: function (tab) {
        if (tab === "bases") openBases().catch((error) => crescope.notice(error.message));
      },
    },
  });
})();
