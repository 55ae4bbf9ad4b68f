"use strict";
/* The facts of the page, how elements are made and figures written, and the table of the ranking. */
const facts = JSON.parse(document.getElementById("facts").textContent);
const byId = new Map(facts.clusters.map((cluster) => [cluster.id, cluster]));
const svgNamespace = "http://www.w3.org/2000/svg";
const get = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
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
const few = (value) => number(value, value === null || Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2);
const signed = (value) => (value > 0 ? `▲ ${value}` : value < 0 ? `▼ ${-value}` : "=");
const direction = (value) => (value > 0 ? "up" : value < 0 ? "down" : "");
const method = facts.method === facts.edition ? "" : `, by the method of ${facts.method}`;
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/–/g, "-").toLowerCase();

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

/* One column is a title, its note, what it sorts by and what it shows; groups of columns are switched on and off. */
function change(cluster) {
  const value = cluster.change?.rank_change ?? null;
  return value === null ? "–" : make("span", { class: direction(value) }, signed(value));
}

const plainColumn = (title, note, value, decimals, group, more = {}) =>
  ({ title, note, value, group, show: (cluster) => number(value(cluster), decimals), ...more });
const before = facts.clusters.find((c) => c.change?.previous_edition)?.change.previous_edition;
const groups = [
  { title: "" }, { title: "Size", on: true, tint: "--accent" }, { title: "Intensity", on: true, tint: "--accent" },
  { title: before ? `Since ${before}` : "Movement", on: Boolean(before) }, { title: "How sure" }, { title: "Footprint" },
];
const columns = [
  plainColumn("Rank", "by size", (c) => c.rank, 0, 0, { class: "rank" }),
  { title: "Cluster", note: "economies", group: 0, class: "text name", value: (c) => c.name, show: nameCell, text: true },
  plainColumn("Size", "score", (c) => c.size_score, 2, 1, { down: true }),
  plainColumn("Rank", "by intensity", (c) => c.intensity_rank, 0, 2),
  plainColumn("Intensity", "size per million", (c) => c.intensity_score, 2, 2, { down: true }),
  { title: "Change", note: "places, same method", group: 3, down: true, value: (c) => c.change?.rank_change ?? null, show: change },
  { title: "Rank interval", note: "95 % of resamplings", group: 4, value: (c) => (c.stability ? c.stability.rank_high - c.stability.rank_low : null), show: (c) => (c.stability ? interval(c, 130) : "–") },
  plainColumn("Population", "inhabitants", (c) => c.population, 0, 5, { down: true }),
  plainColumn("Area", "km²", (c) => c.area_km2, 0, 5, { down: true }),
];
for (const metric of facts.metrics) {
  const figure = (index) => (cluster) => cluster.metrics[metric.key][index];
  const name = `${metric.title}, ${metric.first}–${metric.last}`;
  groups.push({ title: `${name}, per million`, on: true, tint: `--${metric.key}` }, { title: `${name}, counts`, tint: `--${metric.key}` });
  const group = groups.length - 2;
  columns.push(
    plainColumn("Per million", "inhabitants", figure(2), 1, group, { down: true }),
    plainColumn("Count", metric.unit, figure(0), 0, group + 1, { down: true }),
    plainColumn("Share", `% of ${facts.whole}`, figure(1), 2, group + 1, { down: true }),
    plainColumn("Rank", "in the metric", figure(3), 0, group + 1),
  );
}
groups[0].on = true;

function nameCell(cluster) {
  return [make("button", { type: "button" }, cluster.name), " ", make("span", { class: "muted" }, cluster.economies)];
}

let sorted = { column: 0, down: false };
let wanted = "";
let chosen = null;
const shownColumns = () => columns.filter((column) => groups[column.group].on);
const startsGroup = (list, index) => index > 1 && list[index].group !== list[index - 1].group;

function heads() {
  const list = shownColumns();
  const over = groups.flatMap((group, index) => {
    const count = list.filter((column) => column.group === index).length;
    if (!count) return [];
    const head = make("th", { class: index ? "group start" : "group", colspan: count, scope: "colgroup" }, group.title);
    if (group.tint) head.style.setProperty("--tint", `var(${group.tint})`);
    return [head];
  });
  const under = list.map((column, index) => {
    const own = columns.indexOf(column);
    return make(
      "th",
      { scope: "col", class: `${column.class ?? ""} ${startsGroup(list, index) ? "start" : ""}`, "data-column": own, "aria-sort": sorted.column === own ? (sorted.down ? "descending" : "ascending") : "none" },
      make("button", { type: "button", onclick: () => sortBy(own) }, column.title),
      make("small", {}, column.note),
    );
  });
  get("ranking").tHead.replaceChildren(make("tr", {}, ...over), make("tr", {}, ...under));
}

function sortBy(index) {
  sorted = { column: index, down: sorted.column === index ? !sorted.down : (columns[index].down ?? false) };
  heads();
  rows();
  get("ranking").tHead.querySelector(`[data-column="${index}"] button`).focus();
}

function compareRows(one, other) {
  const { value, text } = columns[sorted.column];
  const [a, b] = [value(one), value(other)];
  if (a === null || b === null) return (a === null) - (b === null) || one.rank - other.rank;
  const order = text ? a.localeCompare(b, "en") : a - b;
  return (sorted.down ? -order : order) || one.rank - other.rank;
}

/* Every word that is wanted begins a word of the cluster, in any order: the rule of `releases.search`. */
function isWanted(cluster) {
  const known = cluster.words.split(/[^\p{L}\p{N}]+/u);
  return plain(wanted).split(/[^\p{L}\p{N}]+/u).filter(Boolean).every((part) => known.some((word) => word.startsWith(part)));
}

function rows() {
  const list = shownColumns();
  const shown = facts.clusters.filter(isWanted).sort(compareRows);
  get("ranking").tBodies[0].replaceChildren(...shown.map((cluster) =>
    make(
      "tr", { "data-id": cluster.id, "aria-selected": String(cluster === chosen), onclick: () => choose(cluster) },
      ...list.map((column, index) => {
        const kind = `${column.class ?? ""} ${startsGroup(list, index) ? "start" : ""}`;
        if (column.text) return make("th", { class: kind, scope: "row", title: cluster.name }, ...column.show(cluster));
        return make("td", { class: kind }, column.show(cluster));
      }),
    )));
  get("found").textContent = shown.length === facts.clusters.length ? "" : `${shown.length} of ${facts.clusters.length} clusters`;
  placeDetail();
}

function columnSwitches() {
  get("groups").append(...groups.slice(1).map((group) => {
    const box = make("input", { type: "checkbox", onchange: (event) => { group.on = event.target.checked; heads(); rows(); } });
    box.checked = Boolean(group.on);
    return make("label", {}, box, " ", group.title);
  }));
}
