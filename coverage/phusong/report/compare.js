"use strict";
// letters without their marks, so that "Sa Pa" finds "Sa Pả" and "Đồng" is found by "dong"
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/gi, "d").toLowerCase();
const box = document.getElementById("find");
const rows = [...document.querySelectorAll("#communes tbody tr")];
const names = rows.map((row) => plain(row.cells[0].textContent));
box.addEventListener("input", () => {
  const wanted = plain(box.value.trim());
  rows.forEach((row, k) => { row.hidden = !names[k].includes(wanted); });
});
