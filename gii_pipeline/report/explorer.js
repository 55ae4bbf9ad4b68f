"use strict";
const facts = JSON.parse(document.getElementById("facts").textContent);
const byId = new Map(facts.clusters.map((cluster) => [cluster.id, cluster]));
const svgNamespace = "http://www.w3.org/2000/svg";
const get = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  return fill(element, attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNamespace, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const number = (value, decimals = 0) =>
  value === null ? "–" : value.toLocaleString("en-GB", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
const few = (value) => number(value, value === null || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
const signed = (value) => (value > 0 ? `▲ ${value}` : value < 0 ? `▼ ${-value}` : "=");
const direction = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");
const method = facts.method === facts.edition ? "" : `, by the method of ${facts.method}`;

/* Stability: a band from the low to the high rank, on one axis for all clusters. */
const lowest = Math.max(1, ...facts.clusters.flatMap((c) => [c.rank, c.stability?.rank_high ?? 1, c.stability?.grid_rank_high ?? 1]));
function interval(cluster, width) {
  const at = (rank) => 4 + ((rank - 1) / Math.max(1, lowest - 1)) * (width - 8);
  const { rank_low: low, rank_high: high, grid_rank_low: best, grid_rank_high: worst } = cluster.stability;
  const text = `rank ${low} to ${high} in 95 % of resamplings` + (best === null ? "" : `; ${best} to ${worst} under other parameters`);
  return draw(
    "svg", { class: "interval", viewBox: `0 0 ${width} 16`, width, height: 16, role: "img", "aria-label": text },
    draw("title", {}, text),
    draw("line", { class: "axis", x1: 0, x2: width, y1: 8, y2: 8 }),
    draw("rect", { class: "band", x: at(low) - 2, width: at(high) - at(low) + 4, y: 4, height: 8, rx: 3 }),
    best === null ? null : draw("line", { class: "grid", x1: at(best), x2: at(worst) + 0.5, y1: 8, y2: 8 }),
    draw("circle", { class: "dot", cx: at(cluster.rank), cy: 8, r: 3 }),
  );
}

/* Ranking: one column is a title, its note, what it sorts by and what it shows. */
function change(cluster) {
  const value = cluster.change?.rank_change ?? null;
  if (value === null) return cluster.change?.previous_edition ? "new" : "–";
  return make("span", { class: direction(value) }, signed(value));
}

const plainColumn = (title, note, value, decimals, group, more = {}) =>
  ({ title, note, value, group, show: (cluster) => number(value(cluster), decimals), ...more });
const columns = [
  { title: "Cluster", note: "economies", group: 0, text: true, value: (c) => c.name, show: null },
  plainColumn("Rank", "by size", (c) => c.rank, 0, 1),
  plainColumn("Size", "score", (c) => c.size_score, 2, 1, { down: true }),
  plainColumn("Rank", "by intensity", (c) => c.intensity_rank, 0, 2),
  plainColumn("Intensity", "size per million", (c) => c.intensity_score, 2, 2, { down: true }),
  { title: "Change", note: "places", group: 3, down: true, value: (c) => c.change?.rank_change ?? null, show: change },
  { title: "Rank interval", note: "95 % of resamplings", group: 3, value: (c) => (c.stability ? c.stability.rank_high - c.stability.rank_low : null), show: (c) => (c.stability ? interval(c, 130) : "–") },
  plainColumn("Population", "inhabitants", (c) => c.population, 0, 4, { down: true }),
  plainColumn("Area", "km²", (c) => c.area_km2, 0, 4, { down: true }),
];
const groups = ["", "Size", "Intensity", "Movement", "Footprint"];
const tints = [null, "--accent", "--accent", null, null];
const before = facts.clusters.find((c) => c.change?.previous_edition)?.change.previous_edition;
groups[3] = before ? `Since ${before}, and how sure` : "How sure";
for (const metric of facts.metrics) {
  const figure = (index) => (cluster) => cluster.metrics[metric.key][index];
  groups.push(`${metric.title}, ${metric.first}–${metric.last}`);
  tints.push(`--${metric.key}`);
  const group = groups.length - 1;
  columns.push(
    plainColumn("Count", metric.unit, figure(0), 0, group, { down: true }),
    plainColumn("Share", "% of the world", figure(1), 2, group, { down: true }),
    plainColumn("Per million", "inhabitants", figure(2), 1, group, { down: true }),
    plainColumn("Rank", "in the metric", figure(3), 0, group),
  );
}
columns.forEach((column, index) => { column.start = index > 0 && column.group !== columns[index - 1].group; });

let sorted = { column: 1, down: false };
let wanted = "";
let chosen = null;
let shownMetric = facts.metrics[0]?.key;

function heads() {
  const over = groups.map((title, group) => {
    const head = make("th", { class: group ? "group start" : "group name", colspan: columns.filter((c) => c.group === group).length, scope: "colgroup" }, title);
    if (tints[group]) head.style.setProperty("--tint", `var(${tints[group]})`);
    return head;
  });
  const under = columns.map((column, index) =>
    make(
      "th",
      { scope: "col", class: `${column.text ? "text name" : ""} ${column.start ? "start" : ""}`, "aria-sort": sorted.column === index ? (sorted.down ? "descending" : "ascending") : "none" },
      make("button", { type: "button", onclick: () => sortBy(index) }, column.title),
      make("small", {}, column.note),
    ));
  get("ranking").tHead.replaceChildren(make("tr", {}, ...over), make("tr", {}, ...under));
}

function sortBy(index) {
  const first = columns[index].down ?? false;
  sorted = { column: index, down: sorted.column === index ? !sorted.down : first };
  heads();
  rows();
  get("ranking").tHead.rows[1].cells[index].querySelector("button").focus();
}

function compare(one, other) {
  const { value, text } = columns[sorted.column];
  const [a, b] = [value(one), value(other)];
  if (a === null || b === null) return (a === null) - (b === null) || one.rank - other.rank;
  const order = text ? a.localeCompare(b, "en") : a - b;
  return (sorted.down ? -order : order) || one.rank - other.rank;
}

function rows() {
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/–/g, "-").toLowerCase();
  const shown = facts.clusters.filter((c) => plain(`${c.name} ${c.economies}`).includes(plain(wanted))).sort(compare);
  get("ranking").tBodies[0].replaceChildren(...shown.map((cluster) =>
    make(
      "tr", { "data-id": cluster.id, "aria-selected": String(cluster === chosen), onclick: () => choose(cluster) },
      ...columns.map((column) => column.show
        ? make("td", { class: column.start ? "start" : null }, column.show(cluster))
        : make("th", { class: "text name", scope: "row", title: cluster.name }, make("button", { type: "button" }, cluster.name), " ", make("span", { class: "muted" }, cluster.economies))),
    )));
  get("found").textContent = shown.length === facts.clusters.length ? "" : `${shown.length} of ${facts.clusters.length} clusters`;
}

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

function movement(cluster) {
  const moved = cluster.change;
  if (!moved?.previous_edition) return [];
  const title = make("h3", {}, `Since edition ${moved.previous_edition}`);
  if (moved.previous_rank === null) return [title, make("p", { class: "key" }, "New: no cluster of that edition is its predecessor.")];
  const parts = [["new data", moved.change_due_to_data], ["new borders", moved.change_due_to_borders], ["new method", moved.change_due_to_method]];
  const line = (name, value) => make("tr", {}, make("td", { class: "text" }, name), make("td", { class: direction(value) }, signed(value)));
  const known = moved.previous_rank_own_method !== null && parts.every(([, value]) => value !== null);
  return [
    title,
    make("p", { class: "key" }, `By the same method: from ${moved.previous_rank} to ${cluster.rank}.` + (known ? ` By that edition's own method it was ${moved.previous_rank_own_method}; from there:` : "")),
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

function extent(outline) {
  const numbers = outline.match(/-?\d+(\.\d+)?/g).map(Number);
  const [xs, ys] = [numbers.filter((_, i) => i % 2 === 0), numbers.filter((_, i) => i % 2 === 1)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

function detail() {
  if (!chosen) return;
  const zoomTo = make("button", { type: "button", onclick: () => closeUp(chosen) }, "Show on the map");
  get("chosen").replaceChildren(
    ...[make("h2", {}, chosen.name), make("p", { class: "muted" }, chosen.economies), ranks(chosen),
      ...contributions(chosen), ...stability(chosen), ...movement(chosen), tile(chosen), chosen.outline ? zoomTo : null,
    ].filter((part) => part));
}

function choose(cluster) {
  chosen = cluster;
  history.replaceState(null, "", `#${encodeURIComponent(cluster.id)}`);
  for (const row of get("ranking").tBodies[0].rows) row.setAttribute("aria-selected", String(row.dataset.id === cluster.id));
  for (const circle of get("circles").children) circle.classList.toggle("chosen", circle.dataset.id === cluster.id);
  detail();
}

/* The map: a view box that is moved and scaled; circles keep their size on the screen. */
const map = get("map");
const world = map.getAttribute("viewBox").split(" ").map(Number);
let view = [...world];

function place(next) {
  const width = Math.min(world[2], Math.max(0.05, next[2]));
  view = [next[0], next[1], width, (width * world[3]) / world[2]];
  map.setAttribute("viewBox", view.join(" "));
  const scale = view[2] / world[2];
  map.classList.toggle("near", scale < 0.08);
  for (const circle of map.querySelectorAll("circle")) circle.setAttribute("r", circle.dataset.radius * scale ** 0.85);
}

function zoom(factor, at = [view[0] + view[2] / 2, view[1] + view[3] / 2]) {
  const width = Math.min(world[2], Math.max(0.05, view[2] * factor));
  if (width >= world[2]) return place(world);
  const ratio = width / view[2];
  return place([at[0] - (at[0] - view[0]) * ratio, at[1] - (at[1] - view[1]) * ratio, width]);
}

function closeUp(cluster) {
  const box = extent(cluster.outline);
  const width = Math.max(box.width, (box.height * world[2]) / world[3], 0.1) * 2.5;
  const height = (width * world[3]) / world[2];
  place([box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2, width]);
}

function under(event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
  return [point.x, point.y];
}

function drawMap() {
  const largest = Math.max(...facts.clusters.map((c) => c.size_score), 0) || 1;
  const circle = (at, radius, attributes, title) =>
    draw("circle", { cx: at[0], cy: at[1], r: radius, "data-radius": radius, ...attributes }, draw("title", {}, title));
  const located = facts.clusters.filter((c) => c.at);
  get("others").append(...facts.others.flatMap((other) => [draw("path", { d: other.outline }), circle(other.at, 0.6, {}, other.title)]));
  get("outlines").append(...located.map((c) => draw("path", { d: c.outline })));
  get("circles").append(...located.map((c) =>
    circle(c.at, 0.8 + 4.2 * Math.sqrt(c.size_score / largest), { "data-id": c.id, onclick: () => choose(c) }, `${c.rank}. ${c.name}`)));
  get("in").addEventListener("click", () => zoom(0.5));
  get("out").addEventListener("click", () => zoom(2));
  get("whole").addEventListener("click", () => place(world));
  map.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY > 0 ? 1.25 : 0.8, under(event)); }, { passive: false });
  let from = null;
  map.addEventListener("pointerdown", (event) => { from = under(event); });
  map.addEventListener("pointermove", (event) => {
    if (!from || !event.buttons) return;
    const to = under(event);
    place([view[0] + from[0] - to[0], view[1] + from[1] - to[1], view[2]]);
  });
  window.addEventListener("pointerup", () => { from = null; });
}

get("scope").textContent = facts.clusters.length
  ? `${facts.clusters.length} clusters of edition ${facts.edition}${method}. ` + facts.metrics.map((m) => `${m.title}: ${number(m.world)} located in the world, ${m.first}–${m.last}`).join("; ") + "."
  : "No cluster is ranked.";
get("filter").addEventListener("input", (event) => { wanted = event.target.value; rows(); });
window.addEventListener("hashchange", () => { const asked = byId.get(decodeURIComponent(location.hash.slice(1))); if (asked) choose(asked); });
drawMap();
heads();
rows();
const first = byId.get(decodeURIComponent(location.hash.slice(1))) ?? facts.clusters[0];
if (first) choose(first);
