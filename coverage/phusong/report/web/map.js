"use strict";
// the map: MapLibre where the browser can, a still picture of the same data on paper and elsewhere
(function () {
  const { map: drawn } = page.data;
  const layers = new Map(drawn.layers.map((l) => [l.key, l]));
  const holder = document.getElementById("map"), legend = document.getElementById("mapkey");
  const swipe = document.getElementById("swipe"), slider = document.getElementById("swipe-at");
  const marksBox = document.getElementById("show-marks");
  const empty = drawn.shapes === null;
  let main = null, after = null, popup = null, marks = [];
  const written = document.getElementById("names");

  const paint = () => (page.dark() ? { ground: "#1b2530", line: "#0b1016", on: "#ff5aa9" } : { ground: "#f5f7fa", line: "#52606d", on: "#d6006c" });
  const shownLayer = () => layers.get(page.choice.swipe ? "not_served" : page.choice.layer);
  // under a picture or places the communes are only a pale ground
  const colours = (layer, codes) => (layer.kind === "areas" ? (codes || layer.codes).map((k) => layer.classes[k].c) : drawn.layers[0].codes.map(() => (page.dark() ? "#26323f" : "#eef1f5")));
  const label = (c) => page.say(c.t, { a: page.number(c.a, "figure"), b: page.number(c.b, "figure") });

  function style() {
    const sources = { communes: { type: "geojson", data: drawn.shapes } };
    const list = [
      { id: "ground", type: "background", paint: { "background-color": paint().ground } },
      { id: "areas", type: "fill", source: "communes", paint: { "fill-color": ["to-color", ["feature-state", "c"], "#cccccc"], "fill-antialias": false } },
    ];
    Object.entries(drawn.pictures).forEach(([name, p]) => {
      sources[name] = { type: "image", url: p.url, coordinates: p.corners };
      list.push({ id: name, type: "raster", source: name, layout: { visibility: "none" }, paint: { "raster-resampling": "nearest", "raster-fade-duration": 0 } });
    });
    list.push(
      { id: "lines", type: "line", source: "communes", paint: { "line-color": paint().line, "line-width": ["interpolate", ["linear"], ["zoom"], 5, 0.3, 9, 0.9] } },
      { id: "chosen", type: "line", source: "communes", paint: { "line-color": paint().on, "line-width": 3, "line-opacity": ["case", ["boolean", ["feature-state", "on"], false], 1, 0] } });
    Object.entries(drawn.points).forEach(([name, p]) => {
      const layer = layers.get(name);
      if (!layer) return;
      const features = p.xy.map((xy, i) => ({ type: "Feature", properties: { c: layer.classes[p.codes[i]].c, s: p.sizes[i], i }, geometry: { type: "Point", coordinates: xy } }));
      sources[name] = { type: "geojson", data: { type: "FeatureCollection", features } };
      const radius = name === "locks" ? ["max", 2, ["*", 16, ["get", "s"]]] : 3.5;
      list.push({ id: name, type: "circle", source: name, layout: { visibility: "none" }, paint: { "circle-color": ["get", "c"], "circle-radius": radius, "circle-opacity": 0.85, "circle-stroke-color": "#ffffff", "circle-stroke-width": 0.6 } });
    });
    return { version: 8, sources, layers: list };
  }

  function build(container, extra) {
    const [w, s, e, n] = drawn.bounds;
    return new maplibregl.Map({
      container, style: style(), bounds: [[w, s], [e, n]], fitBoundsOptions: { padding: 24 }, attributionControl: false,
      dragRotate: false, pitchWithRotate: false, touchPitch: false, renderWorldCopies: false, maxZoom: 14, fadeDuration: 0,
      locale: { "CooperativeGesturesHandler.WindowsHelpText": page.say("map.wheel"), "CooperativeGesturesHandler.MacHelpText": page.say("map.wheel"), "CooperativeGesturesHandler.MobileHelpText": page.say("map.fingers") },
      ...extra,
    });
  }

  function start() {
    try {
      main = build(holder, { cooperativeGestures: true });
    } catch (error) {
      main = null;
      still();
      return;
    }
    main.touchZoomRotate.disableRotation();
    main.keyboard.disableRotation();
    main.addControl(new maplibregl.ScaleControl({ maxWidth: 130 }), "bottom-left");
    popup = new maplibregl.Popup({ closeButton: false, closeOnClick: false, offset: 10, maxWidth: "280px" });
    main.on("load", () => { page.mapReady = true; draw(); });
    main.on("click", (e) => {
      const hit = main.queryRenderedFeatures(e.point, { layers: ["areas"] })[0];
      page.choose({ commune: hit ? hit.id : null });
    });
    main.on("mousemove", (e) => {
      const names = Object.keys(drawn.points).filter((n) => layers.has(n) && main.getLayoutProperty(n, "visibility") === "visible");
      const site = names.length ? main.queryRenderedFeatures(e.point, { layers: names })[0] : null;
      const hit = main.queryRenderedFeatures(e.point, { layers: ["areas"] })[0];
      main.getCanvas().style.cursor = hit ? "pointer" : "";
      if (!hit) { popup.remove(); return; }
      popup.setLngLat(e.lngLat).setText(site ? siteText(names[0], site.properties.i) : areaText(hit.id)).addTo(main);
    });
    main.on("mouseout", () => popup.remove());
    marks = drawn.marks.map(([rank, x, y]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "mark";
      button.textContent = String(rank);
      button.dataset.option = String(rank);
      button.style.zIndex = String(200 - rank);
      return new maplibregl.Marker({ element: button }).setLngLat([x, y]).addTo(main);
    });
    main.on("zoom", spread);
    main.on("move", write);
    spread();
    write();
    names();
  }
  // numbers that would cover each other step aside, best first, round their places
  function aside(places, size) {
    const taken = [];
    return places.map(([px, py]) => {
      let step = [0, 0];
      for (let k = 0; k < 60; k++) {
        const r = k === 0 ? 0 : (size + 1) * (1 + Math.floor((k - 1) / 8)), a = (k * Math.PI) / 4;
        step = [r * Math.cos(a), r * Math.sin(a)];
        if (taken.every(([x, y]) => Math.hypot(px + step[0] - x, py + step[1] - y) >= size)) break;
      }
      taken.push([px + step[0], py + step[1]]);
      return step;
    });
  }
  function spread() {
    const places = marks.map((m) => { const p = main.project(m.getLngLat()); return [p.x, p.y]; });
    aside(places, 26).forEach((step, k) => marks[k].setOffset(step));
  }
  // names of communes, most people first, where nothing else stands
  function spell(project, width, height, room, letter, taken) {
    const free = (a) => taken.every((b) => a[2] < b[0] || b[2] < a[0] || a[3] < b[1] || b[3] < a[1]);
    const found = [];
    for (const [i, lon, lat] of drawn.names) {
      if (found.length >= room) break;
      const name = page.data.communes[i][1], text = name.length > 24 ? name.slice(0, 23) + "…" : name;
      const [x, y] = project([lon, lat]), w = text.length * letter * 0.56 + 8, h = letter * 1.3;
      const box = [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
      if (box[0] < 0 || box[1] < 0 || box[2] > width || box[3] > height || !free(box)) continue;
      taken.push(box);
      found.push({ text, x, y });
    }
    return found;
  }
  function write() {
    const box = main.getContainer(), size = 13;
    const taken = marks.filter((m) => !m.getElement().hidden).map((m) => { const p = main.project(m.getLngLat()), o = m.getOffset(); return [p.x + o.x - size, p.y + o.y - size, p.x + o.x + size, p.y + o.y + size]; });
    const put = spell((p) => { const q = main.project(p); return [q.x, q.y]; }, box.clientWidth, box.clientHeight, 22, 12, taken);
    written.replaceChildren(...put.map(({ text, x, y }) => {
      const name = document.createElement("span");
      name.textContent = text;
      name.style.left = x.toFixed(1) + "px";
      name.style.top = y.toFixed(1) + "px";
      return name;
    }));
  }
  function names() {
    if (!main) return;
    main.getCanvas().setAttribute("aria-label", page.say("map.aria"));
    marks.forEach((m) => m.getElement().setAttribute("aria-label", page.say("option.heading", { rank: m.getElement().dataset.option })));
  }

  function areaText(i) {
    const layer = shownLayer(), codes = layer.kind === "areas" ? layer.codes : null;
    return page.data.communes[i][1] + (codes ? " · " + label(layer.classes[codes[i]]) : "");
  }
  function siteText(name, i) {
    const p = drawn.points[name], figure = page.number(p.people[i], name === "locks" ? "people" : "figure");
    return p.ids[i] + " · " + label(layers.get(name).classes[p.codes[i]]) + " · " + figure + " " + page.say(name === "locks" ? "column.people_behind" : "layer.power");
  }

  function fill(map, list) {
    list.forEach((c, i) => map.setFeatureState({ source: "communes", id: i }, { c, on: i === page.choice.commune }));
  }
  function draw() {
    if (empty) return;
    key();
    if (!main) { picture(document.getElementById("picture"), true); return; }
    if (!page.mapReady) return;
    const layer = shownLayer();
    fill(main, colours(layer));
    [...Object.keys(drawn.pictures), ...Object.keys(drawn.points)].forEach((name) => {
      if (main.getLayer(name)) main.setLayoutProperty(name, "visibility", name === layer.key ? "visible" : "none");
    });
    const now = paint();
    [main, after].forEach((map) => {
      if (!map || !map.isStyleLoaded()) return;
      map.setPaintProperty("ground", "background-color", now.ground);
      map.setPaintProperty("lines", "line-color", now.line);
      map.setPaintProperty("chosen", "line-color", now.on);
    });
    marks.forEach((m) => {
      const button = m.getElement(), on = Number(button.dataset.option) === page.choice.option;
      button.classList.toggle("on", on);
      button.hidden = !marksBox.checked && !on;
    });
    write();
    wipe();
  }

  function wipe() {
    const on = page.choice.swipe && main !== null;
    swipe.hidden = !on;
    if (on && !after) {
      const cover = document.createElement("div");
      cover.className = "map over";
      cover.id = "map-after";
      holder.after(cover);
      after = build(cover, { interactive: false, center: main.getCenter(), zoom: main.getZoom(), bounds: undefined });
      // for the eye only: the slider and the tables tell the same
      cover.setAttribute("aria-hidden", "true");
      after.getCanvas().tabIndex = -1;
      after.on("load", () => { page.afterReady = true; draw(); });
      main.on("move", () => { if (after) after.jumpTo({ center: main.getCenter(), zoom: main.getZoom() }); });
    }
    if (!after) return;
    after.getContainer().style.display = on ? "" : "none";
    if (!on) return;
    after.resize();
    after.jumpTo({ center: main.getCenter(), zoom: main.getZoom() });
    const at = Number(slider.value);
    // the border lies under the middle of the slider's thumb, which is 44 pixels wide
    const edge = "calc(22px + (100% - 44px) * " + at / 100 + ")";
    after.getContainer().style.clipPath = "inset(0 0 0 " + edge + ")";
    swipe.style.setProperty("--at", edge);
    if (page.afterReady) fill(after, colours(layers.get("not_served"), drawn.after));
  }

  function key() {
    const layer = shownLayer();
    legend.replaceChildren(...layer.classes.map((c) => {
      const item = document.createElement("li"), box = document.createElement("i");
      box.style.background = c.c;
      item.append(box, label(c));
      return item;
    }));
    const note = "layer_note." + layer.key;
    document.getElementById("layer-note").textContent = page.choice.swipe ? page.say("map.swipe_note") : note in page.data.words ? page.say(note) : "";
    const select = document.getElementById("layer");
    select.value = shownLayer().key;
    select.disabled = page.choice.swipe;
  }

  // the same data as one still drawing: paths, a picture or discs, and the numbers of the best options
  const NS = "http://www.w3.org/2000/svg";
  const flat = ([lon, lat]) => [lon, -Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) * (180 / Math.PI)];
  const part = (name, attributes, parent) => {
    const element = document.createElementNS(NS, name);
    Object.entries(attributes).forEach(([k, v]) => element.setAttribute(k, v));
    parent.append(element);
    return element;
  };
  function picture(place, live) {
    const [w, s, e, n] = drawn.bounds, [x0, y0] = flat([w, n]), [x1, y1] = flat([e, s]);
    const scale = 1000 / Math.max(x1 - x0, y1 - y0);
    const at = (p) => { const [x, y] = flat(p); return [(x - x0) * scale, (y - y0) * scale].map((v) => v.toFixed(1)); };
    const svg = document.createElementNS(NS, "svg");
    svg.setAttribute("viewBox", [-10, -10, (x1 - x0) * scale + 20, (y1 - y0) * scale + 20].join(" "));
    const layer = shownLayer(), list = colours(layer, page.choice.swipe ? drawn.after : null);
    const image = drawn.pictures[layer.key];
    drawn.shapes.features.forEach((f, i) => {
      const groups = f.geometry.type === "Polygon" ? [f.geometry.coordinates] : f.geometry.type === "MultiPolygon" ? f.geometry.coordinates : [];
      const d = groups.flat().map((ring) => "M" + ring.map((p) => at(p).join(" ")).join("L") + "Z").join("");
      const path = part("path", { d, fill: image ? "none" : list[i], class: "picture-area" + (i === page.choice.commune ? " on" : "") }, svg);
      if (live) path.addEventListener("click", () => page.choose({ commune: i }));
    });
    if (image) {
      const [a, b] = [at(image.corners[0]), at(image.corners[2])].map((p) => p.map(Number));
      const element = part("image", { x: a[0], y: a[1], width: b[0] - a[0], height: b[1] - a[1], preserveAspectRatio: "none", href: image.url }, svg);
      element.style.imageRendering = "pixelated";
      svg.prepend(element);
    }
    const points = drawn.points[layer.points];
    if (points) points.xy.forEach((p, i) => { const [cx, cy] = at(p); part("circle", { cx, cy, r: layer.key === "locks" ? Math.max(2, 16 * points.sizes[i]) : 3, fill: layer.classes[points.codes[i]].c, stroke: "#fff", "stroke-width": 0.6 }, svg); });
    const spots = drawn.marks.map(([, x, y]) => at([x, y]).map(Number));
    if (marksBox.checked) aside(spots, 40).forEach((step, k) => {
      const cx = spots[k][0] + step[0], cy = spots[k][1] + step[1], rank = drawn.marks[k][0];
      const group = part("g", { class: "picture-mark" }, svg);
      part("circle", { cx, cy, r: 19, fill: rank === page.choice.option ? "#d6006c" : "#004c7f", stroke: "#fff", "stroke-width": 2.5 }, group);
      part("text", { x: cx, y: cy, fill: "#fff", "font-size": 20, "font-weight": 700, "text-anchor": "middle", "dominant-baseline": "central" }, group).textContent = rank;
      if (live) group.addEventListener("click", () => page.choose({ option: rank }));
    });
    const [vw, vh] = [(x1 - x0) * scale, (y1 - y0) * scale];
    const full = marksBox.checked ? aside(spots, 40).map((step, k) => [spots[k][0] + step[0] - 20, spots[k][1] + step[1] - 20, spots[k][0] + step[0] + 20, spots[k][1] + step[1] + 20]) : [];
    spell((p) => at(p).map(Number), vw, vh, 22, 19, full).forEach(({ text, x, y }) => {
      part("text", { x, y, class: "picture-name", "font-size": 19, "text-anchor": "middle", "dominant-baseline": "central" }, svg).textContent = text;
    });
    place.replaceChildren(svg);
  }
  // a commune chosen elsewhere comes into view
  function seek() {
    const { commune } = page.choice;
    if (!main || commune === null) return;
    const spot = drawn.names.find(([i]) => i === commune);
    if (!main.getBounds().contains([spot[1], spot[2]])) main.panTo([spot[1], spot[2]]);
  }
  function still() {
    holder.hidden = true;
    ["picture", "no-webgl"].forEach((id) => { document.getElementById(id).hidden = false; });
    ["zoom-in", "zoom-out", "zoom-all"].forEach((id) => { document.getElementById(id).disabled = true; });
    page.mapReady = true;
    draw();
  }
  page.printMap = () => {
    if (empty) return;
    const place = document.getElementById("print-map");
    picture(place, false);
    const title = document.createElement("p");
    title.className = "small";
    title.textContent = page.say("layer." + shownLayer().key) + " · " + page.say("map.source");
    place.append(title);
  };
  // for those who look from outside, as tests do: where a commune is on the screen
  page.mapPixel = (lngLat) => main.project(lngLat);

  page.startMap = function () {
    if (empty) { holder.hidden = true; return; }
    start();
    document.getElementById("layer").addEventListener("change", (e) => page.choose({ layer: e.target.value }));
    marksBox.addEventListener("change", draw);
    const box = document.getElementById("show-swipe");
    if (box) box.addEventListener("change", () => page.choose({ swipe: box.checked }));
    slider.addEventListener("input", wipe);
    document.getElementById("zoom-in").addEventListener("click", () => main.zoomIn());
    document.getElementById("zoom-out").addEventListener("click", () => main.zoomOut());
    const [w, s, e, n] = drawn.bounds;
    document.getElementById("zoom-all").addEventListener("click", () => main.fitBounds([[w, s], [e, n]], { padding: 24 }));
    page.on("choice", () => { if (box) box.checked = page.choice.swipe; draw(); seek(); });
    page.on("lang", () => { names(); draw(); });
    page.on("theme", draw);
    draw();
  };
})();
