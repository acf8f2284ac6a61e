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
  // the rules are those of the program that wrote the page; a sign before what rounds to nothing is dropped
  const digits = (x, lang, rule) => {
    const text = new Intl.NumberFormat(lang, rule).format(x);
    return /[1-9]/.test(text) ? text : text.replace(/^-/, "");
  };
  const money = (amount, currency, lang) => {
    const shown = Number(amount.toPrecision(3)), size = Math.abs(shown);
    const [unit, one] = [["billion", 1e9], ["million", 1e6]].find((u) => size >= u[1]) || ["one", 1];
    const rule = one === 1 ? { maximumFractionDigits: 0 } : { maximumFractionDigits: 2 };
    return page.data.words["money." + unit + "_" + currency][lang].replace("{n}", digits(shown / one, lang, rule));
  };
  page.number = function (value, form, lang = page.lang) {
    const given = Number(value);
    if (value === null || value === undefined || !Number.isFinite(given)) return "–";
    if (form === "money") return money(given * 1e6, "usd", lang);
    if (form === "vnd") return money(given, "vnd", lang);
    const rule = page.data.forms[form || "people"], x = given * rule.scale, size = Math.abs(x);
    const step = rule.steps.find((s) => size >= s[0]) || (size === 0 ? rule.steps[rule.steps.length - 1] : null);
    const shown = step
      ? { minimumFractionDigits: step[1], maximumFractionDigits: step[1] }
      : { maximumSignificantDigits: rule.digits };
    const text = digits(x, lang, { ...shown, useGrouping: rule.grouped });
    return (rule.signed && x > 0 && /[1-9]/.test(text) ? "+" : "") + text + rule.after;
  };
  page.date = function (iso, lang = page.lang) {
    const [year, month, day] = iso.split("-").map(Number);
    if (!month) return iso;
    if (lang === "vi") return iso.split("-").reverse().join("/");
    const rule = { year: "numeric", month: "long", ...(day ? { day: "numeric" } : {}), timeZone: "UTC" };
    return new Intl.DateTimeFormat("en-GB", rule).format(Date.UTC(year, month - 1, day || 1));
  };
  // a count of one has its own words where a language needs them
  const said = (key, lang, one) => page.data.words[key][one ? lang + "_one" : lang] || page.data.words[key][lang];
  page.say = function (key, parts = {}) {
    return said(key, page.lang, parts.n === "1").replace(/\{(\w+)\}/g, (_, name) => parts[name]);
  };
  // a string keeps its parts: they are moved into their places in the other language
  function write(element) {
    const parts = {};
    Array.from(element.children).forEach((child) => { if (child.dataset.a) parts[child.dataset.a] = child; });
    const count = parts.n && parts.n.querySelector("[data-v]");
    const text = said(element.dataset.t, page.lang, count && count.dataset.v === "1");
    const pieces = text.split(/\{(\w+)\}/);
    element.replaceChildren(...pieces.map((piece, i) => (i % 2 ? parts[piece] : piece)).filter((p) => p !== ""));
  }
  page.setLang = function (lang) {
    page.lang = lang;
    document.documentElement.lang = lang;
    const own = page.data.words["title.own"][lang], place = page.data.region;
    document.title = own + (place && !own.includes(place) ? " · " + place : "") + " · phusong";
    document.querySelectorAll("[data-t]").forEach(write);
    document.querySelectorAll("[data-v]").forEach((e) => { e.textContent = page.number(e.dataset.v, e.dataset.f); });
    document.querySelectorAll("[data-d]").forEach((e) => { e.textContent = page.date(e.dataset.d); });
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
