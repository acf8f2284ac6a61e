"use strict";
// what the page is made of, its language, and who wants to hear of changes
const page = (function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const heard = {};
  return {
    data,
    lang: data.lang,
    on(event, act) { (heard[event] = heard[event] || []).push(act); },
    emit(event) { (heard[event] || []).forEach((act) => act()); },
  };
})();

(function () {
  const NARROW = "\u202f";
  const groups = (digits, mark) => digits.replace(/\B(?=(\d{3})+(?!\d))/g, mark);
  const whole = (x) => groups(x.toFixed(0), NARROW);
  const short = (x, digits) => String(Number(x.toPrecision(digits)));
  const forms = {
    people: whole,
    plain: (x) => x.toFixed(0),
    hours: (x) => (Math.abs(x) >= 100 ? whole(x) : x.toFixed(1)),
    percent: (x) => (100 * x).toFixed(1) + NARROW + "%",
    figure: (x) => (Math.abs(x) >= 1000 ? whole(x) : short(x, 4)),
    musd: (x) => {
      const size = Math.abs(x);
      if (size >= 100) return whole(x);
      if (size >= 10) return x.toFixed(1);
      return size >= 0.1 || size === 0 ? x.toFixed(2) : short(x, 2);
    },
  };
  page.number = function (value, form, lang = page.lang) {
    if (value === null || value === undefined || !Number.isFinite(Number(value))) return "–";
    const text = forms[form || "people"](Number(value)).replace("-", "−");
    if (lang === "en" || form === "plain") return text;
    return text.replace(".", ",").replace(/(\d)\u202f(?=\d)/g, "$1.");
  };
  page.say = function (key, parts = {}) {
    return page.data.words[key][page.lang].replace(/\{(\w+)\}/g, (_, name) => parts[name]);
  };
  // a string keeps its parts: they are moved into their places in the other language
  function write(element) {
    const text = page.data.words[element.dataset.t][page.lang];
    const parts = {};
    Array.from(element.children).forEach((child) => { if (child.dataset.a) parts[child.dataset.a] = child; });
    const pieces = text.split(/\{(\w+)\}/);
    element.replaceChildren(...pieces.map((piece, i) => (i % 2 ? parts[piece] : piece)).filter((p) => p !== ""));
  }
  page.setLang = function (lang) {
    page.lang = lang;
    document.documentElement.lang = lang;
    document.querySelectorAll("[data-t]").forEach(write);
    document.querySelectorAll("[data-v]").forEach((e) => { e.textContent = page.number(e.dataset.v, e.dataset.f); });
    ["aria-label", "placeholder", "title", "alt"].forEach((name) => {
      document.querySelectorAll("[data-ta-" + name + "]").forEach((e) => e.setAttribute(name, page.data.words[e.getAttribute("data-ta-" + name)][lang]));
    });
    document.querySelectorAll("[data-lang]").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.lang === lang)));
    page.emit("lang");
  };
  page.dark = () => document.documentElement.dataset.theme === "dark";
  page.setTheme = function (dark) {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    document.getElementById("theme").setAttribute("aria-pressed", String(dark));
    page.emit("theme");
  };
})();
