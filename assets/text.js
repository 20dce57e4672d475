/* How numbers, per cents, distances and places are written: the same functions as dashboard/text.py, held to the same
   table by tests/dashboard/text_cases.json. The other scripts find them as `crescope.text`. */
(function () {
  "use strict";
  const MINUS = "\u2212", NO_DATA = "no data";
  const FINEST_PERCENT = 2, FINEST_LOG2 = 3;

  const isNumber = (value) => value !== null && value !== undefined && Number.isFinite(value);

  /* To three significant digits, and at most `finest` decimals. */
  function rounded(value, finest) {
    const decimals = 2 - Number(value.toExponential().split("e")[1]);
    return Number(decimals > finest ? value.toFixed(finest) : value.toPrecision(3));
  }
  function written(value) {
    if (value === 0) return "0";
    if (Math.abs(value) >= 1e-4) {
      return value.toLocaleString("en-US", { maximumFractionDigits: 8 }).replace("-", MINUS);
    }
    const [mantissa, exponent] = value.toExponential(2).split("e");
    return (Number(mantissa) + "e" + exponent).replaceAll("-", MINUS);
  }
  const withSign = (text, value) => (value > 0 && text !== "0" && text !== NO_DATA ? "+" + text : text);
  const change = (fraction) => withSign(written(rounded(100 * fraction, FINEST_PERCENT)), fraction);

  const number = (value) => (isNumber(value) ? written(rounded(value, Infinity)) : NO_DATA);
  const signed = (value) => withSign(number(value), value);
  const percent = (fraction) => (isNumber(fraction) ? change(fraction) + " %" : NO_DATA);
  const share = (fraction) => percent(fraction).replace(/^\+/, "");
  const points = (fraction) => (isNumber(fraction) ? change(fraction) + " points" : NO_DATA);
  const log2 = (value) => (isNumber(value) ? withSign(written(rounded(value, FINEST_LOG2)), value) : NO_DATA);
  const strength = (value) => Number(value).toFixed(2);

  function distance(bp) {
    if (!isNumber(bp)) return NO_DATA;
    const size = Math.abs(bp);
    if (size < 999.5) return number(Math.floor(size + 0.5)) + " bp";
    return size < 999500 ? number(size / 1e3) + " kb" : number(size / 1e6) + " Mb";
  }
  function offset(bp) {
    const text = distance(bp);
    return text === NO_DATA || text === "0 bp" ? text : (bp < 0 ? MINUS : "+") + text;
  }

  /* -- places: 0-based half-open inside, 1-based inclusive as text ---------------------------------------------- */
  function place(chrom, start, end) {
    const n = (base) => Math.round(base).toLocaleString("en-US");
    return Math.round(end) - Math.round(start) === 1 ? chrom + ":" + n(end) : chrom + ":" + n(start + 1) + "-" + n(end);
  }
  /* What `place` wrote; null when the text is none. */
  function parse(text) {
    const match = /^(.+):([\d,]+)(?:-([\d,]+))?$/.exec(text || "");
    if (!match) return null;
    const base = (part) => Number(part.replace(/,/g, ""));
    return { chrom: match[1], start: base(match[2]) - 1, end: base(match[3] || match[2]) };
  }
  const elementName = function (id, chrom, start, end) {
    const where = place(chrom, start, end);
    return id.endsWith(chrom + ":" + start + "-" + end) ? where : id + " (" + where + ")";
  };

  window.crescope = Object.assign(window.crescope || {}, {
    text: {
      MINUS, number, signed, percent, share, points, log2, strength, distance, offset, place, parse,
      element_name: elementName,
    },
  });

  /* For the cells of a table; an empty cell where there is no number. */
  const cell = (write) => (value) => (isNumber(value) ? write(value) : "");
  window.dashAgGridFunctions = Object.assign(window.dashAgGridFunctions || {}, {
    csNumber: cell(number), csPercent: cell(percent), csOffset: cell(offset), csElement: elementName,
  });
})();
