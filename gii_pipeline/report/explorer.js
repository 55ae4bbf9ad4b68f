/* The chosen cluster. */
function ranks(cluster) {
  const one = (title, rank, note) => make("div", {}, make("span", {}, title), make("b", {}, rank === null ? "–" : `${rank}`), make("span", {}, note));
  return make(
    "div", { class: "ranks" },
    one("Rank by size", cluster.rank, `score ${number(cluster.size_score, 2)}`),
    one("by intensity", cluster.intensity_rank, `score ${number(cluster.intensity_score, 2)}`),
    make("div", {}, make("span", {}, "Population"), make("b", {}, cluster.population === null ? "–" : `${few(cluster.population / 1e6)} m`), make("span", {}, `${number(cluster.area_km2)} km²`)),
  );
}

function stability(cluster) {
  if (!cluster.stability) return [];
  const { rank_low: low, rank_high: high, replicates, tied_rank_low: best, tied_rank_high: worst } = cluster.stability;
  const tied = best < worst ? ` Statistically tied with the ranks ${best} to ${worst}: their intervals overlap.` : "";
  return [
    make("h3", {}, "How sure the rank is"), interval(cluster, 360),
    make("p", { class: "key" }, `Rank ${low} to ${high} in 95 % of ${number(replicates)} resamplings of whole records.${tied}`),
  ];
}

function asReleased(cluster) {
  const words = {
    streak: (e) => `Holds rank ${cluster.rank} for ${e.editions} editions running, since ${e.since}${underName(e)}.`,
    streak_ended: (e) => `Was ${e.compared_rank} in ${e.compared_edition}, for ${e.editions} editions running, since ${e.since}${underName(e)}.`,
    first_for_the_first_time: () => "First for the first time.",
    first_again: () => "First again.",
    overtakes: (e) => `Overtook ${e.other_name}.`,
    enters: (e) => `Not ranked in ${e.compared_edition}.`,
    splits_from: (e) => `A part of ${e.other_name} until ${e.compared_edition}.`,
    is_new: (e) => `New: no cluster of ${e.compared_edition} is its predecessor.`,
  };
  const underName = (e) => (e.editions_under_name === e.editions ? "" : `, ${e.editions_under_name} of them under this name`);
  const lines = cluster.events.filter((event) => words[event.event]).slice(0, 6);
  if (!lines.length) return [];
  return [make("h3", {}, "Compared with the ranking as released"), ...lines.map((event) => make("p", { class: "key" }, words[event.event](event)))];
}

function movement(cluster) {
  const moved = cluster.change;
  if (!moved?.previous_edition) return [];
  const title = make("h3", {}, `Compared with ${moved.previous_edition} by the same method`);
  if (moved.previous_rank === null) return [title, make("p", { class: "key" }, `No cluster of ${moved.previous_edition} has its place.`)];
  const parts = [["new data", moved.change_due_to_data], ["new borders", moved.change_due_to_borders], ["new method", moved.change_due_to_method]];
  const line = (name, value) => make("tr", {}, make("td", { class: "text" }, name), make("td", { class: direction(value) }, signed(value)));
  const known = moved.previous_rank_own_method !== null && parts.every(([, value]) => value !== null);
  return [
    title,
    make("p", { class: "key" }, `From ${moved.previous_rank} to ${cluster.rank}.` + (known ? ` By that edition's own method it was ${moved.previous_rank_own_method}; from there:` : "")),
    known ? make("table", { class: "parts" }, make("tbody", {}, ...parts.map((part) => line(...part)))) : null,
  ];
}

function bar(label, count, share, tint) {
  const filled = draw("rect", { x: 0, y: 0, width: Math.max(0, Math.min(100, share)), height: 4 });
  filled.style.fill = `var(${tint})`;
  return make(
    "div", { class: "place" }, make("span", { class: "label", title: label }, label),
    make("span", { class: "of" }, `${few(count)} · ${number(share, 1)} %`),
    draw("svg", { viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" }, filled),
  );
}

function contributions(cluster) {
  const tabs = facts.metrics.map((metric) => make(
    "button", { type: "button", "aria-pressed": String(metric.key === shownMetric), onclick: () => { shownMetric = metric.key; detail(); } }, metric.title));
  const found = cluster.contributors[shownMetric];
  const metric = facts.metrics.find((one) => one.key === shownMetric);
  const name = ([place, admin, economy]) => [place || "Place unknown", admin, economy].filter((part) => part).join(", ");
  const nothing = make("p", { class: "key" }, "No records in this metric.");
  const lines = !found ? [nothing] : [
    ...(found.economies.length > 1 ? found.economies.map((row) => bar(`All of ${row[2] || "economy unknown"}`, row[3], row[4], "--muted")) : []),
    ...found.places.map((row) => bar(name(row), row[3], row[4], `--${shownMetric}`)),
    found.rest[0] ? bar(`${number(found.rest[0])} other places`, found.rest[1], found.rest[2], "--muted") : null,
  ];
  return [
    make("h3", {}, "Who contributes"), make("div", { class: "tabs" }, ...tabs),
    make("p", { class: "key" }, metric ? `${metric.unit} ${metric.first}–${metric.last}, and part of the cluster's` : ""),
    make("div", { id: "contributors" }, ...lines.filter((line) => line)),
  ];
}

/* Who stands behind the metric that is shown, in what, with whom, and how it grows; nothing where a release has no such tables. */
function portrait(cluster) {
  const found = cluster.portrait[shownMetric];
  if (!found) return [];
  const missing = (why) => make("p", { class: "key" }, why);
  const share = (label, value, note = "") => make("div", { class: "place" }, make("span", { class: "label", title: label }, label), make("span", { class: "of" }, `${number(value, 1)} %${note}`));
  const leaders = found.leaders.map(([name, economy, value]) => share([name, economy].filter((part) => part).join(", "), value));
  const fields = found.fields.map(([name, value, times]) => share(name, value, times === null ? "" : ` · ${few(times)} × ${facts.whole}`));
  const partners = found.partners.map(([id, name, records]) => make(
    "div", { class: "place" },
    byId.has(id) ? make("button", { type: "button", class: "small", onclick: () => choose(byId.get(id)) }, name) : make("span", {}, name), make("span", { class: "of" }, `${number(records)} records together`)));
  return [
    make("h3", {}, "Organisations"), ...(leaders.length ? leaders : [missing(found.no_leader)]),
    make("h3", {}, "Fields"), ...(fields.length ? fields : [missing("Not known from this source.")]),
    ...(partners.length ? [make("h3", {}, "Partners"), ...partners] : []),
    make("p", { class: "key" }, `${found.years.map(([year, count]) => `${year}: ${few(count)}`).join(", ")}${found.growth === null ? "" : `; ${number(found.growth, 1)} % per year`}.`),
  ];
}

/* The footprint at its own scale, with a bar of kilometres. */
function tile(cluster) {
  if (!cluster.outline) return null;
  const box = extent(cluster.outline);
  const pad = Math.max(box.width, box.height, 0.02) * 0.15;
  const [x, y, width, height] = [box.x - pad, box.y - pad, box.width + 2 * pad, box.height + 2 * pad];
  const longitude = facts.squeeze / Math.cos((cluster.at[1] * Math.PI) / 180);
  const stretched = width / longitude;
  const perKm = 1 / 111.2;
  const km = [500, 200, 100, 50, 20, 10, 5, 2, 1].find((length) => length * perKm < stretched * 0.4) ?? 1;
  const base = y + height - pad * 0.35;
  const text = `Footprint, the bar is ${km} km`;
  return make(
    "div", {},
    draw("svg", { class: "tile", viewBox: `${x / longitude} ${y} ${stretched} ${height}`, role: "img", "aria-label": text },
      draw("path", { d: cluster.outline, transform: `scale(${1 / longitude} 1)` }),
      draw("line", { x1: x / longitude + pad * 0.4, x2: x / longitude + pad * 0.4 + km * perKm, y1: base, y2: base })),
    make("p", { class: "key" }, `${text}.`),
  );
}

/* Links, citation and embedding. */
function address(cluster) {
  return `${location.href.split("#")[0]}#${encodeURIComponent(cluster.id)}`;
}

function sharing(cluster) {
  const made = facts.made_up ? " All records are made up." : "";
  const per = facts.metrics.map((metric) => `${few(cluster.metrics[metric.key][2])} ${metric.in_text}`).join(", ");
  const texts = {
    "Copy link": address(cluster),
    "Copy sentence": `${cluster.name} (${cluster.economies}) ranks ${cluster.rank} in edition ${facts.edition}${method}, with ${per} per million inhabitants.${made} (${facts.version})`,
    "Copy citation": `gii_pipeline, ${facts.title}, version ${facts.version}, ${address(cluster)}`,
    "Copy embed": ["<iframe src", `"${address(cluster)}" width`, `"100%" height`, `"900" title`, `"${facts.title.replace(/[&<>"]/g, "")}"></iframe>`].join("="),
  };
  const said = make("span", { class: "key", role: "status" });
  return make(
    "div", { class: "share" },
    ...Object.entries(texts).map(([title, text]) => make("button", { type: "button", class: "small", onclick: () => copy(text, said) }, title)), said);
}

async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    said.textContent = "Copied.";
  } catch {
    said.textContent = text;
  }
}

/* Beside the table where there is room, under the chosen row where there is not. */
const wide = window.matchMedia("(min-width: 1001px)");
function placeDetail() {
  const aside = get("chosen");
  const row = chosen && get("ranking").tBodies[0].querySelector(`tr[data-id="${CSS.escape(chosen.id)}"]`);
  document.querySelector("tr.detail")?.replaceWith();
  if (wide.matches || !row) document.querySelector("section.table").after(aside);
  else row.after(make("tr", { class: "detail" }, make("td", { colspan: shownColumns().length }, aside)));
}

function detail() {
  lead();
  if (!chosen) return;
  const zoomTo = make("button", { type: "button", class: "small", onclick: () => closeUp(chosen) }, "Show on the map");
  const withOthers = make("button", { type: "button", class: "small", "aria-pressed": String(compared.includes(chosen)), onclick: () => toggleCompared(chosen) }, compared.includes(chosen) ? "Do not compare" : "Compare");
  get("chosen").replaceChildren(
    ...[make("h2", {}, `${chosen.rank}. ${chosen.name}`), make("p", { class: "muted" }, chosen.economy_names),
      make("div", { class: "share" }, make("a", { class: "small", href: `clusters/${chosen.slug}.html` }, "Page of this cluster"), withOthers, chosen.outline ? zoomTo : null), ranks(chosen),
      ...asReleased(chosen), ...movement(chosen), ...stability(chosen), ...contributions(chosen), ...portrait(chosen), tile(chosen), sharing(chosen),
    ].filter((part) => part));
}

function choose(cluster) {
  chosen = cluster;
  remember();
  for (const row of get("ranking").tBodies[0].rows) if (row.dataset.id) row.setAttribute("aria-selected", String(row.dataset.id === cluster.id));
  for (const one of circles) one.element.classList.toggle("chosen", one.cluster === cluster);
  detail();
  placeDetail();
  bump();
  scatter();
}

/* The address keeps the chosen cluster and those compared: `#id` or `#id,id,…`. */
function remember() {
  const ids = [chosen, ...compared.filter((c) => c !== chosen)].filter(Boolean).map((c) => encodeURIComponent(c.id));
  history.replaceState(null, "", `#${ids.join(",")}`);
}

function recall() {
  const asked = location.hash.slice(1).split(",").map((id) => byId.get(decodeURIComponent(id))).filter(Boolean);
  if (asked.length > 1) compared.splice(0, compared.length, ...asked.slice(0, COMPARED_AT_MOST));
  sideBySide();
  const first = asked[0] ?? facts.clusters[0];
  if (first) choose(first);
}

let shownMetric = facts.metrics[0]?.key;
get("scope").textContent = facts.clusters.length
  ? `${facts.clusters.length} clusters of edition ${facts.edition}${method}. ` + facts.metrics.map((m) => `${m.title}: ${number(m.world)} located in ${facts.whole}, ${m.first}–${m.last}`).join("; ") + "."
  : "No cluster is ranked.";
get("filter").addEventListener("input", (event) => { wanted = event.target.value; rows(); });
get("scatter-metric").append(...verticals.map(({ title }, index) => make("option", { value: index }, title)));
get("scatter-metric").addEventListener("change", (event) => { vertical = Number(event.target.value); scatter(); });
wide.addEventListener("change", placeDetail);
let drawnAt = 0;
new ResizeObserver(() => {
  if (Math.abs(get("bump").clientWidth - drawnAt) < 2) return;
  drawnAt = get("bump").clientWidth;
  bump();
  scatter();
}).observe(get("bump"));
window.addEventListener("hashchange", recall);
columnSwitches();
drawMap();
heads();
rows();
recall();
