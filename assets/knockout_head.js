/* The head of the knock-out page: the estimate while a slider moves, the exact answer when it is there, and the rule
   that a number is called exact only for what is changed now. */
(function () {
  "use strict";
  const crescope = (window.crescope = window.crescope || {});
  const knockout = (crescope.knockout = crescope.knockout || {});
  const written = () => crescope.text;
  const ABOUT = ["study", "biosample", "gene", "model", "mode"];

  /* -- pure ------------------------------------------------------------------------------------------------------- */
  /* The estimate: single log2 fold changes, each in proportion to what was taken away, summed. */
  function additive(base, knockOuts) {
    const at = new Map(base.elements.map((element, k) => [element, k]));
    let log2 = 0;
    let changed = 0;
    let between = false;
    for (const [element, strength] of knockOuts) {
      if (!at.has(element)) continue;
      const single = base.single_log2[at.get(element)];
      log2 += single === null ? NaN : (1 - strength) * single;
      changed += 1;
      between = between || (strength > 0 && strength < 1);
    }
    return {
      log2: log2,
      fraction: Math.pow(2, log2) - 1,
      after: base.baseline + log2 / base.log2_per_unit,
      changed: changed,
      between: between,
    };
  }
  /* An answer {about, data} is drawn only if it is about what is changed now. */
  const isCurrent = (answer, about) => Boolean(answer && answer.about === about);
  function barStyle(fraction) {
    if (fraction === null || !isFinite(fraction)) return { left: 0, width: 0 };
    const left = Math.max(0, Math.min(1, 1 + Math.min(0, fraction)));
    const width = Math.min(1, Math.abs(fraction));
    return { left: 50 * left + "%", width: 50 * width + "%" };
  }

  /* -- which experiment, and which change of it ------------------------------------------------------------------- */
  const textOf = (names, get) => JSON.stringify(names.map(get));
  const ofQuestion = (question) => (name) => (question[name] === undefined ? crescope.view.default(name) : question[name]);
  knockout.experimentOf = (question) => textOf(ABOUT, ofQuestion(question));
  knockout.experimentNow = () => textOf(ABOUT, crescope.view.get);
  const changeOf = (question) => textOf(ABOUT.concat(["knock_outs"]), ofQuestion(question));
  const changeNow = () => textOf(ABOUT.concat(["knock_outs"]), crescope.view.get);

  let base = null; /* {experiment, data} of the exchange knockout-elements */
  let answer = null; /* {about, data} of knockout-answer */
  let context = null; /* {about, data} of knockout-context */
  let settled = ""; /* the change that was answered, and nothing newer came for a moment */
  knockout.base = () => (base ? base.data : null);
  knockout.isBaseCurrent = () => Boolean(base && base.experiment === knockout.experimentNow());
  knockout.answer = () => (isCurrent(answer, changeNow()) ? answer.data : null);
  knockout.context = () => (isCurrent(context, changeNow()) ? context.data : null);
  knockout.forgetAnswers = function () {
    base = answer = context = null;
    settled = "";
  };

  /* -- the numbers ------------------------------------------------------------------------------------------------ */
  const part = (id) => document.getElementById(id);
  function say(id, text) {
    if (part(id) && part(id).textContent !== text) part(id).textContent = text;
  }
  function look(name) {
    if (part("ko-result")) part("ko-result").className = "ko-result ko-" + name;
  }
  function showBar(fraction) {
    if (part("ko-bar")) Object.assign(part("ko-bar").style, barStyle(fraction));
  }
  function showEstimate(now) {
    const estimate = additive(base.data, now.knock_outs);
    say("ko-after", written().number(estimate.after));
    say("ko-change", written().percent(estimate.fraction) + " (log2 FC " + written().log2(estimate.log2) + ")");
    say("ko-independent", "");
    say("ko-kind", "additive estimate" + (estimate.between ? ", interpolated" : ""));
    look("estimate");
    showBar(estimate.fraction);
  }
  function showExact(exact) {
    say("ko-before", exact.before);
    say("ko-after", exact.after);
    say("ko-change", exact.change);
    say("ko-independent", exact.independent);
    say("ko-kind", exact.kind);
    look(exact.look);
    showBar(exact.fraction);
  }
  function showNothing() {
    ["ko-before", "ko-after", "ko-change", "ko-independent"].forEach((id) => say(id, ""));
    say("ko-kind", "asking the model …");
    look("same");
    showBar(null);
  }
  /* After any change of the view: exact where it is answered, else the estimate until it is. */
  knockout.showNumbers = function () {
    const exact = knockout.answer();
    if (exact) showExact(exact);
    else if (answer && knockout.isBaseCurrent()) showEstimate(knockout.now());
    else if (!answer) showNothing();
  };
  /* While a slider moves; nothing is asked. */
  knockout.preview = function (element, strength) {
    if (!base || !base.data.elements.includes(element)) return;
    const now = knockout.now(), exact = knockout.answer();
    if (strength !== knockout.strengthOf(now, element)) showEstimate(knockout.withStrength(now, element, strength));
    else if (exact) showExact(exact);
  };

  /* -- the exchanges ---------------------------------------------------------------------------------------------- */
  let asking = null;
  document.addEventListener("DOMContentLoaded", function () {
    const hooks = crescope.exchange.hooks;
    hooks["knockout-elements"] = {
      apply: function (reply, question) {
        base = { experiment: knockout.experimentOf(question), data: reply.data };
        knockout.render(0);
      },
    };
    hooks["knockout-answer"] = {
      apply: function (reply, question) {
        answer = { about: changeOf(question), data: reply.data };
        knockout.showNumbers();
        knockout.paint();
        crescope.exchange.check(); /* what the open tab asks comes after the answer */
        const about = answer.about;
        clearTimeout(asking);
        asking = setTimeout(function () {
          settled = about;
          crescope.exchange.check();
        }, 250);
      },
      /* The process that holds the models ended; the same is asked again. */
      waiting: function (text) {
        say("ko-kind", text);
        look("estimate");
      },
    };
    /* What follows from an answer is asked when nothing newer has come for a moment. */
    hooks["knockout-context"] = {
      mayAsk: () => settled === changeNow(),
      isWanted: (question) => changeOf(question) === changeNow(),
      apply: function (reply, question) {
        context = { about: changeOf(question), data: reply.data };
        knockout.fillTable(0);
      },
    };
  });
  Object.assign(knockout, { additive, isCurrent });
})();
