/* Put into a page before its own scripts: when did a person's input come, and when did pixels of one element change?

   A change is anything that alters what the element shows, however it is drawn: its nodes, texts and attributes, also
   in shadow roots, and strokes on a canvas. Its time is the end of the frame that shows it. Labels that follow the
   mouse are no drawing and left out. */
(function () {
  "use strict";
  const SCOPE = window.__watched || "body", LABELS = "[class*=hover i]";
  const PAINTING = ["clearRect", "fillRect", "strokeRect", "fill", "stroke", "fillText", "strokeText", "drawImage", "putImageData"];
  /* A page that opens is its own first input, at time 0. */
  let awaited = null, inputs = [0], changes = [];
  let dirty = false, asked = false, framing = false, touched = false;

  function up(node, selector) {
    for (let at = node; at; at = at.parentNode || at.host) {
      if (at.matches && at.matches(selector)) return true;
    }
    return false;
  }
  const holds = (node) => node.matches && (node.matches(SCOPE) || node.querySelector(SCOPE) !== null);
  function isChange(record) {
    const here = record.target;
    if (up(here, LABELS)) return false;
    if (record.type === "attributes") {
      return up(here, SCOPE) && here.getAttributeNS(record.attributeNamespace, record.attributeName) !== record.oldValue;
    }
    if (record.type === "characterData") return up(here, SCOPE) && here.data !== record.oldValue;
    const moved = [...record.addedNodes, ...record.removedNodes];
    if (up(here, SCOPE)) return moved.some((node) => !node.matches || !node.matches(LABELS));
    return moved.some(holds);
  }
  /* A change is shown by the frame under way, or by the next one; after a frame its time is noted before other tasks. */
  const nextFrame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = function (callback) {
    return nextFrame(function (time) {
      inFrame();
      callback(time);
    });
  };
  function inFrame() {
    if (framing) return;
    framing = true;
    scheduler.postTask(function () {
      framing = false;
      if (dirty) changes.push(performance.now());
      dirty = false;
    }, { priority: "user-blocking" });
  }
  function changed() {
    if (!inputs.length) return;
    dirty = true;
    if (framing || asked) return;
    asked = true;
    nextFrame(function () {
      asked = false;
      inFrame();
    });
  }

  const seen = new MutationObserver((records) => records.some(isChange) && changed());
  const all = {
    subtree: true, childList: true, attributes: true, attributeOldValue: true,
    characterData: true, characterDataOldValue: true,
  };
  seen.observe(document, all);
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    seen.observe(root, all);
    return root;
  };
  [window.CanvasRenderingContext2D, window.OffscreenCanvasRenderingContext2D].forEach(function (kind) {
    PAINTING.forEach(function (name) {
      const paint = kind.prototype[name];
      kind.prototype[name] = function () {
        if (!touched) {
          touched = true;
          queueMicrotask(function () {
            touched = false;
            changed();
          });
        }
        return paint.apply(this, arguments);
      };
    });
  });

  ["click", "keydown", "mousemove"].forEach(function (type) {
    window.addEventListener(type, function (event) {
      if (type !== awaited || !event.isTrusted) return;
      if (type === "mousemove" && !(event.buttons & 1)) return;
      if (type === "keydown" && event.key !== "Enter") return;
      inputs.push(performance.now());
    }, true);
  });

  function textOf(node) {
    if (node.nodeType === Node.TEXT_NODE) return node.data;
    const inner = [...node.childNodes].map(textOf).join(" ");
    return node.shadowRoot ? inner + " " + textOf(node.shadowRoot) : inner;
  }
  window.watched = {
    /* Forget what was; the next input of a type begins. */
    begin: function (type) {
      awaited = type;
      inputs = [];
      changes = [];
      dirty = false;
    },
    /* Milliseconds from the first input to the first change, and from the last input to the last change. */
    times: function () {
      if (!inputs.length || !changes.length || dirty) return null;
      const last = changes[changes.length - 1];
      return {
        first: changes[0] - inputs[0], settled: last - inputs[inputs.length - 1], quiet: performance.now() - last,
        n_frames: changes.length,
      };
    },
    textWhenIdle: () => new Promise(function (done) {
      const read = () => done([...document.querySelectorAll(SCOPE)].map(textOf).join(" "));
      requestIdleCallback(read, { timeout: 2000 });
    }),
  };
})();
