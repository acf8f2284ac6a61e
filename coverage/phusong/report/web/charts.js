"use strict";
// the charts: Plotly, in the reader's language and colours
(function () {
  const { charts, colours } = page.data;
  const parts = ["gap_no_signal", "gap_locked", "gap_unstable", "gap_congested"];
  const funds = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];
  const config = { displayModeBar: false, responsive: true };
  let paper = false;

  function layout(height, more) {
    const dark = page.dark() && !paper;
    const ink = dark ? "#e6ebf1" : "#1f2933", grid = dark ? "#2f3b49" : "#dfe5eb";
    const axis = (a) => ({ gridcolor: grid, zerolinecolor: grid, linecolor: grid, automargin: true, fixedrange: true, ...a });
    return {
      height, margin: { l: 60, r: 16, t: 44, b: 50 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif", color: ink, size: 13 },
      separators: page.lang === "vi" ? ",." : ".,", hoverlabel: { align: "left" },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", traceorder: "normal" },
      ...(paper ? { width: 690 } : {}), ...more, xaxis: axis(more.xaxis), yaxis: axis(more.yaxis),
    };
  }
  const ink = () => (page.dark() && !paper ? "#e6ebf1" : "#1f2933");
  // Plotly reads some tags in labels: escaped, a name stays a name
  const plain = (t) => t.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const brief = (t) => plain(t.length > 26 ? t.slice(0, 25) + "…" : t);

  // a title longer than its axis breaks between words; about 7 px a character of this size
  function broken(text, room) {
    const lines = [""];
    for (const word of text.split(" ")) {
      const last = lines[lines.length - 1];
      if (last && (last.length + word.length + 1) * 7 > room) lines.push(word);
      else lines[lines.length - 1] = last ? last + " " + word : word;
    }
    return { text: lines.join("<br>") };
  }
  const across = (place, text) => broken(text, (paper ? 690 : place.clientWidth) - 90);
  function curve() {
    const place = document.getElementById("curve"), { steps, bound, options, budget } = charts.curve;
    const spot = (musd, people) => page.number(musd, "money") + "<br>" + page.say("chart.people", { people: page.number(people) });
    const pairs = (list, a, b) => ({ x: list.map((p) => p[a]), y: list.map((p) => p[b]) });
    const traces = [{ ...pairs(steps, 0, 1), mode: "lines", line: { color: page.dark() && !paper ? "#56b4e9" : colours.served, width: 2.5 }, name: page.say("chart.curve_options"), hoverinfo: "skip" }];
    if (bound.length) traces.push({ ...pairs(bound, 0, 1), mode: "lines+markers", line: { color: ink(), width: 1.4, dash: "dash" }, marker: { size: 4 }, name: page.say("chart.curve_bound"), text: bound.map((b) => spot(b[0], b[1])), hovertemplate: "%{text}<extra></extra>" });
    traces.push({ ...pairs(options, 1, 2), mode: "markers", marker: { size: 9, color: "rgba(0,0,0,0)" }, showlegend: false, customdata: options.map((o) => o[0]), text: options.map((o) => page.say("option.heading", { rank: o[0] }) + "<br>" + spot(o[1], o[2])), hovertemplate: "%{text}<extra></extra>" });
    const chosen = options.filter((o) => o[0] === page.choice.option);
    traces.push({ ...pairs(chosen, 1, 2), mode: "markers", cliponaxis: false, marker: { size: 14, color: "#d6006c", line: { color: "#fff", width: 2 } }, name: page.say("chart.curve_chosen"), showlegend: chosen.length > 0, hoverinfo: "skip" });
    const line = budget === null ? {} : {
      shapes: [{ type: "line", x0: budget, x1: budget, y0: 0, y1: 1, yref: "paper", line: { color: "#d55e00", width: 1.5 } }],
      annotations: [{ x: budget, y: 1, yref: "paper", text: page.say("chart.curve_budget"), showarrow: false, xanchor: "left", yanchor: "top", xshift: 4, font: { color: page.dark() && !paper ? "#ffab6b" : "#a84300" } }],
    };
    Plotly.react(place, traces, layout(390, { xaxis: { title: across(place, page.say("chart.curve_x")), rangemode: "tozero" }, yaxis: { title: { text: page.say("chart.curve_y") }, rangemode: "tozero", tickformat: ",d" }, ...line }), config);
    once(place, (p) => { if (p.customdata) page.choose({ option: p.customdata }); });
  }
  function causes() {
    const place = document.getElementById("causes"), rows = charts.causes.slice().reverse();
    const names = rows.map(([i]) => brief(page.data.communes[i][1]) + " <span style='font-size:11px'>" + plain(page.data.communes[i][0]) + "</span>");
    const edge = rows.map(([i]) => (i === page.choice.commune ? 3 : 0));
    const traces = parts.map((p, k) => ({
      type: "bar", orientation: "h", y: names, x: rows.map((r) => r[k + 1]), name: page.say("cause." + p), customdata: rows.map((r) => r[0]),
      marker: { color: colours[p], line: { color: "#d6006c", width: edge } }, hovertemplate: "%{y}: %{x:,.0f}<extra>%{fullData.name}</extra>",
    }));
    Plotly.react(place, traces, layout(paper ? 85 + 20 * Math.max(rows.length, 4) : 110 + 25 * Math.max(rows.length, 4), { barmode: "stack", bargap: 0.25, xaxis: { title: across(place, page.say("chart.people_lost")), tickformat: ",d" }, yaxis: {} }), config);
    once(place, (p) => page.choose({ commune: p.customdata }));
  }
  function spending() {
    const place = document.getElementById("spending"), { years, funds: names, cost } = charts.spending;
    if (!place) return;
    const said = (f) => { const key = "fund." + f.toLowerCase().replace(/\W+/g, "_"); return plain(key in page.data.words ? page.say(key) : f); };
    const traces = names.map((f, k) => ({ type: "bar", x: years, y: cost[k], name: said(f), marker: { color: funds[k % funds.length] }, text: cost[k].map((c) => page.number(c, "money")), textposition: "none", hovertemplate: "%{x}: %{text}<extra>%{fullData.name}</extra>" }));
    Plotly.react(place, traces, layout(280, { barmode: "stack", bargap: 0.5, showlegend: true, xaxis: { type: "category" }, yaxis: { title: { text: page.say("chart.spending_y") } } }), config);
  }
  function tornado() {
    const place = document.getElementById("tornado"), rows = charts.tornado.slice().reverse();
    if (!place || !rows.length) return;
    const said = (t) => { const key = "value." + t.toLowerCase().replace(/\W+/g, "_"); return plain(key in page.data.words ? page.say(key) : t); };
    const ends = [[1, "chart.tornado_low", "#56b4e9"], [3, "chart.tornado_high", "#d55e00"]];
    const traces = ends.map(([k, name, color]) => ({ type: "bar", orientation: "h", y: rows.map((r) => said(r[0])), x: rows.map((r) => r[k] - r[2]), base: rows.map((r) => r[2]), name: page.say(name), marker: { color }, customdata: rows.map((r) => r[k]), hovertemplate: "%{y}: %{customdata:,.0f}<extra>%{fullData.name}</extra>" }));
    Plotly.react(place, traces, layout(110 + 26 * rows.length, { barmode: "overlay", bargap: 0.3, xaxis: { title: across(place, page.say("chart.curve_y")), tickformat: ",d" }, yaxis: {} }), config);
  }
  function once(place, act) {
    if (place.dataset.heard) return;
    place.dataset.heard = "1";
    place.on("plotly_click", (e) => act(e.points[0]));
  }
  page.drawCharts = function (onPaper = false) {
    paper = onPaper;
    curve();
    causes();
    spending();
    tornado();
  };
})();
