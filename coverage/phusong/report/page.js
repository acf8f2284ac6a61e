"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const svg = document.getElementById("map");
  const about = document.getElementById("about");
  const table = document.getElementById("communes"), body = table.tBodies[0], rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells).map((c) => c.textContent);
  const paths = svg ? Array.from(svg.querySelectorAll(".area")) : [];

  function colour(k) {
    const layer = data.layers[k];
    paths.forEach((p, i) => p.setAttribute("fill", layer.classes[layer.codes[i]][1]));
    const key = document.getElementById("mapkey");
    key.replaceChildren(...layer.classes.map(([label, hex]) => {
      const item = document.createElement("li"), box = document.createElement("i");
      box.style.background = hex;
      item.append(box, label);
      return item;
    }));
  }
  function tell(i) {
    paths.forEach((p, j) => p.classList.toggle("on", i === j));
    const cell = (k) => rows[i].cells[k].textContent;
    const lines = heads.slice(3).map((h, k) => h + ": " + cell(k + 3));
    about.textContent = [cell(0), cell(2) + " " + cell(1), "", ...lines].join("\n");
  }
  if (svg && paths.length) {
    const pick = document.getElementById("layer");
    pick.addEventListener("change", () => colour(Number(pick.value)));
    colour(0);
    paths.forEach((p, i) => p.addEventListener("pointerenter", () => tell(i)));
    const whole = svg.viewBox.baseVal, full = [whole.x, whole.y, whole.width, whole.height];
    let view = full.slice(), drag = null;
    const show = () => {
      svg.setAttribute("viewBox", view.join(" "));
      const size = view[2] / full[2];
      svg.querySelectorAll(".mark").forEach((m) => m.setAttribute("transform", m.dataset.at + " scale(" + size + ")"));
    };
    const zoom = (f, x, y) => {
      const w = Math.min(full[2], Math.max(full[2] / 60, view[2] * f)), h = w * full[3] / full[2];
      view = [x - (x - view[0]) * w / view[2], y - (y - view[1]) * h / view[3], w, h];
      show();
    };
    const at = (e) => {
      const m = svg.getScreenCTM().inverse();
      return [m.a * e.clientX + m.e, m.d * e.clientY + m.f];
    };
    svg.addEventListener("wheel", (e) => { if (e.ctrlKey || e.shiftKey) { e.preventDefault(); zoom(e.deltaY > 0 ? 1.25 : 0.8, ...at(e)); } }, { passive: false });
    svg.addEventListener("pointerdown", (e) => { drag = at(e); });
    svg.addEventListener("pointermove", (e) => { if (drag && e.buttons) { const p = at(e); view[0] += drag[0] - p[0]; view[1] += drag[1] - p[1]; show(); } });
    window.addEventListener("pointerup", () => { drag = null; });
    const middle = () => [view[0] + view[2] / 2, view[1] + view[3] / 2];
    document.getElementById("in").addEventListener("click", () => zoom(0.6, ...middle()));
    document.getElementById("out").addEventListener("click", () => zoom(1.6, ...middle()));
    document.getElementById("all").addEventListener("click", () => { view = full.slice(); show(); });
  }

  // letters without their marks, so that "na hang" finds "Nà Hang"
  const fold = (t) => t.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/g, "d");
  const words = rows.map((r) => fold(r.textContent)), note = document.getElementById("found");
  document.getElementById("search").addEventListener("input", (e) => {
    const wanted = fold(e.target.value.trim());
    let n = 0;
    rows.forEach((r, i) => { const hit = words[i].includes(wanted); r.hidden = !hit; n += hit; });
    note.textContent = n + " of " + rows.length;
  });
  // a narrow space parts thousands; a dash is no number and goes last
  const number = (t) => { const x = parseFloat(t.replace(/\u202f/g, "").replace("−", "-")); return Number.isNaN(x) ? -Infinity : x; };
  Array.from(table.tHead.rows[0].cells).forEach((cell, k) => cell.querySelector("button").addEventListener("click", () => {
    const before = cell.getAttribute("aria-sort");
    // names start at A, figures at the largest
    const down = before === "descending" || (!before && k < 3) ? 1 : -1;
    Array.from(table.tHead.rows[0].cells).forEach((c) => c.removeAttribute("aria-sort"));
    cell.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
    const text = (r) => r.cells[k].textContent;
    const order = k < 3 ? (a, b) => text(a).localeCompare(text(b), "vi") : (a, b) => number(text(a)) - number(text(b));
    body.append(...rows.slice().sort((a, b) => down * order(a, b)));
  }));
})();
