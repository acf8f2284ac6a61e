"use strict";
// one choice for the whole page: a commune (its place in the table of communes), an option (its rank), a layer
(function () {
  const { data } = page;
  const places = new Map(data.communes.map(([code], i) => [code, i]));
  const options = new Map(data.options.map((o) => [o[0], o]));
  const first = data.map.layers.length ? data.map.layers[0].key : "";
  page.choice = { commune: null, option: null, layer: first, swipe: false };

  page.placeOf = (code) => (places.has(code) ? places.get(code) : null);
  page.choose = function (wanted) {
    const before = JSON.stringify(page.choice);
    if ("option" in wanted) {
      const option = options.get(Number(wanted.option));
      page.choice.option = option ? option[0] : null;
      if (option) page.choice.commune = page.placeOf(option[2][0]);
    }
    if ("commune" in wanted) {
      page.choice.commune = wanted.commune;
      // an option of another commune is no longer meant
      const option = options.get(page.choice.option);
      const code = wanted.commune === null ? null : data.communes[wanted.commune][0];
      if (!option || !option[2].includes(code)) page.choice.option = null;
    }
    if ("layer" in wanted && data.map.layers.some((l) => l.key === wanted.layer)) page.choice.layer = wanted.layer;
    if ("swipe" in wanted) page.choice.swipe = wanted.swipe;
    if (JSON.stringify(page.choice) !== before) page.emit("choice");
  };

  // the address keeps the choice, so that a link shows the same
  page.remember = function () {
    const kept = new URLSearchParams();
    if (page.choice.layer !== first) kept.set("layer", page.choice.layer);
    if (page.choice.commune !== null) kept.set("commune", data.communes[page.choice.commune][0]);
    if (page.choice.option !== null) kept.set("option", String(page.choice.option));
    if (page.choice.swipe) kept.set("swipe", "1");
    if (page.lang !== data.lang) kept.set("lang", page.lang);
    const system = matchMedia("(prefers-color-scheme: dark)").matches;
    if (page.dark() !== system) kept.set("theme", page.dark() ? "dark" : "light");
    const hash = kept.toString();
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
  };
  page.recall = function () {
    const kept = new URLSearchParams(location.hash.slice(1));
    if (["en", "vi"].includes(kept.get("lang")) && kept.get("lang") !== page.lang) page.setLang(kept.get("lang"));
    if (kept.get("theme")) page.setTheme(kept.get("theme") === "dark");
    if (kept.get("layer")) page.choose({ layer: kept.get("layer") });
    if (kept.get("swipe")) page.choose({ swipe: true });
    if (kept.get("commune")) page.choose({ commune: page.placeOf(kept.get("commune")) });
    if (kept.get("option")) page.choose({ option: kept.get("option") });
  };
})();
