"use strict";
// the tables: search, filters, sorting, export, and the rows of what is chosen
(function () {
  const table = document.getElementById("communes"), body = table.tBodies[0], rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const optionRows = Array.from(document.querySelectorAll("#options tbody tr[data-rank]"));
  page.communeRows = rows;
  page.optionRow = (rank) => optionRows.find((r) => Number(r.dataset.rank) === rank);

  // letters without their marks, so that "sa pa" finds "Sa Pả"
  const fold = (t) => t.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/g, "d");
  const names = rows.map((r) => [0, 1, 2].map((k) => fold(r.cells[k].textContent)).join(" "));
  const search = document.getElementById("search"), found = document.getElementById("found");
  const filters = ["by-province", "by-cause", "by-remote"].map((id) => document.getElementById(id));
  const has = [(r) => r.cells[2].textContent, (r) => r.dataset.cause, (r) => r.dataset.remote];

  function filter() {
    const wanted = fold(search.value.trim());
    let n = 0;
    rows.forEach((r, i) => {
      const hit = names[i].includes(wanted) && filters.every((f, k) => !f || !f.value || has[k](r) === f.value);
      r.hidden = !hit;
      n += hit;
    });
    found.textContent = page.say("commune.found", { n: page.number(n), all: page.number(rows.length) });
  }
  search.addEventListener("input", filter);
  filters.forEach((f) => f && f.addEventListener("change", filter));
  page.on("lang", filter);
  filter();

  // what has no figure goes last
  const value = (r, k) => (r.cells[k].dataset.v === undefined ? -Infinity : Number(r.cells[k].dataset.v));
  heads.forEach((cell, k) => cell.querySelector("button").addEventListener("click", () => {
    const before = cell.getAttribute("aria-sort");
    // names start at A, figures at the largest
    const up = before === "descending" || (!before && k < 3) ? 1 : -1;
    heads.forEach((c) => c.removeAttribute("aria-sort"));
    cell.setAttribute("aria-sort", up === 1 ? "ascending" : "descending");
    const text = (r) => r.cells[k].textContent;
    const order = k < 3 ? (a, b) => text(a).localeCompare(text(b), "vi") : (a, b) => value(a, k) - value(b, k);
    body.append(...rows.slice().sort((a, b) => up * order(a, b)));
  }));

  // a spreadsheet takes a cell that starts so for a formula
  const harmless = (t) => (/^\s*[=+\-@\t\r]/.test(t) ? "'" + t : t);
  const cell = (t) => (/[",\n\r;]/.test(t) ? '"' + t.replace(/"/g, '""') + '"' : t);
  page.csv = function () {
    const lines = [heads.map((h) => cell(harmless(h.textContent.trim())))];
    Array.from(body.rows).filter((r) => !r.hidden).forEach((r) => {
      lines.push(Array.from(r.cells).map((c) => (c.dataset.v === undefined ? cell(harmless(c.textContent.trim())) : c.dataset.v)));
    });
    return "\ufeff" + lines.map((l) => l.join(",")).join("\r\n") + "\r\n";
  };
  document.getElementById("export").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([page.csv()], { type: "text/csv;charset=utf-8" }));
    link.download = page.data.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });

  document.addEventListener("click", (e) => {
    const pick = e.target.closest("[data-commune], [data-option]");
    if (pick && pick.dataset.option) page.choose({ option: pick.dataset.option });
    else if (pick) page.choose({ commune: page.placeOf(pick.dataset.commune) });
    else {
      const row = e.target.closest("#communes tbody tr, #options tbody tr[data-rank]");
      if (row && row.dataset.code) page.choose({ commune: page.placeOf(row.dataset.code) });
      else if (row) page.choose({ option: row.dataset.rank });
    }
  });

  function mark(row, on) {
    if (!row) return;
    row.classList.toggle("on", on);
    const button = row.querySelector(".pick");
    if (on) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  // within its own box only: the page stays where the reader is
  function reveal(row) {
    const box = row && row.closest(".tall");
    if (!box || row.hidden) return;
    const top = row.offsetTop - box.clientHeight / 3;
    if (row.offsetTop < box.scrollTop + 40 || row.offsetTop > box.scrollTop + box.clientHeight - 40) box.scrollTop = top;
  }
  page.on("choice", () => {
    const { commune, option } = page.choice;
    document.querySelectorAll("tr.on").forEach((r) => mark(r, false));
    const code = commune === null ? null : page.data.communes[commune][0];
    optionRows.forEach((r, i) => r.classList.toggle("near", code !== null && page.data.options[i][2].includes(code)));
    const chosen = [commune === null ? null : rows[commune], option === null ? null : page.optionRow(option)];
    chosen.forEach((r) => { mark(r, true); reveal(r); });
  });
})();
