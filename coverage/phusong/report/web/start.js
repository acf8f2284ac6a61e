"use strict";
// what the reader sees of a choice, and the first drawing of everything
(function () {
  const about = document.getElementById("about");
  const make = (name, text) => { const e = document.createElement(name); if (text !== undefined) e.textContent = text; return e; };
  const headings = (id) => Array.from(document.querySelectorAll("#" + id + " thead th")).map((h) => h.textContent.trim());

  function list(id, row, from, to) {
    const box = make("dl"), heads = headings(id);
    for (let k = from; k < to; k++) box.append(make("dt", heads[k]), make("dd", row.cells[k].textContent.trim()));
    return box;
  }
  function button(key, act) {
    const b = make("button", page.say(key));
    b.type = "button";
    b.addEventListener("click", act);
    return b;
  }
  function tell() {
    const { commune, option } = page.choice, shown = [];
    let row = null;
    if (option !== null) {
      row = page.optionRow(option);
      const heads = headings("options"), last = row.cells.length - 1;
      const works = Array.from(row.cells[2].children).filter((c) => c.dataset.t && !c.classList.contains("small")).map((c) => c.textContent).join(" + ");
      shown.push(make("h3", page.say("option.heading", { rank: page.number(option) })), make("p", works || row.cells[2].textContent), list("options", row, 3, last), make("p", heads[last] + ": " + row.cells[last].textContent));
    }
    if (commune !== null) {
      const mine = page.communeRows[commune];
      shown.push(make("h3", mine.cells[0].textContent), make("p", mine.cells[2].textContent + " · " + mine.cells[1].textContent), list("communes", mine, 3, mine.cells.length));
      row = row || mine;
    }
    if (!shown.length) { const hint = make("p", page.say("map.hint")); hint.className = "muted"; about.replaceChildren(hint); return; }
    const foot = make("div");
    foot.className = "buttons";
    foot.append(button("map.to_table", () => { row.scrollIntoView({ block: "center" }); row.querySelector(".pick").focus({ preventScroll: true }); }), button("map.clear", () => page.choose({ option: null, commune: null })));
    about.replaceChildren(...shown, foot);
  }

  page.on("choice", () => { tell(); page.drawCharts(); page.remember(); });
  page.on("lang", () => { tell(); page.drawCharts(); page.remember(); });
  page.on("theme", () => { page.drawCharts(); page.remember(); });

  document.querySelectorAll("[data-lang]").forEach((b) => b.addEventListener("click", () => page.setLang(b.dataset.lang)));
  const theme = document.getElementById("theme");
  theme.setAttribute("aria-pressed", String(page.dark()));
  theme.addEventListener("click", () => page.setTheme(!page.dark()));
  document.getElementById("print").addEventListener("click", () => window.print());
  // links within the page move the reader, and leave the address to the choice
  document.querySelectorAll('a[href^="#"]').forEach((a) => a.addEventListener("click", (e) => {
    const place = document.getElementById(a.getAttribute("href").slice(1));
    if (!place) return;
    e.preventDefault();
    place.scrollIntoView();
    place.focus({ preventScroll: true });
  }));
  const today = () => new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "long" }).format(new Date());
  const paper = (on) => {
    if (on) { page.printMap(); document.getElementById("printed").textContent = " · " + page.say("ui.printed", { date: today() }); }
    page.drawCharts(on);
  };
  window.addEventListener("beforeprint", () => paper(true));
  window.addEventListener("afterprint", () => paper(false));
  matchMedia("print").addEventListener("change", (e) => paper(e.matches));
  window.addEventListener("hashchange", page.recall);

  page.startMap();
  page.drawCharts();
  page.recall();
  page.ready = true;
})();
