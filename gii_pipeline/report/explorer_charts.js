/* Charts: ranks over the editions, size against intensity, and clusters side by side. */
const SHOWN_IN_BUMP = 12;
const COMPARED_AT_MOST = 4;
const compared = [];

const widthOf = (id) => Math.max(300, get(id).clientWidth || 640);

function picture(id, width, height, label, ...children) {
  get(id).replaceChildren(draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label }, ...children));
}

/* The first clusters, and those that are chosen or compared, as they were released; the edition before by this method. */
function bump() {
  const asked = new Set([...facts.clusters.slice(0, SHOWN_IN_BUMP), ...compared, ...(chosen ? [chosen] : [])]);
  const drawn = [...asked].filter((cluster) => cluster.history.length);
  const editions = [...new Set(drawn.flatMap((c) => c.history.map(([edition]) => edition)))].sort((a, b) => a - b);
  if (before && !editions.includes(before)) editions.unshift(before);
  const worst = Math.max(1, ...drawn.flatMap((c) => [...c.history.map(([, rank]) => rank), c.change?.previous_rank ?? 1]));
  const width = widthOf("bump");
  const [left, right, top, row] = [34, Math.min(210, width * 0.4), 26, Math.max(9, Math.min(26, 460 / worst))];
  const letters = Math.floor((right - 30) / 8);
  const height = top + row * worst + 8;
  const x = (edition) => left + ((edition - editions[0]) / Math.max(1, editions.at(-1) - editions[0])) * (width - left - right);
  const y = (rank) => top + (rank - 0.5) * row;
  const breaks = Object.keys(facts.breaks).map(Number).filter((edition) => editions.includes(edition) && edition > editions[0]);
  const emphasis = (cluster) => (cluster === chosen ? "line chosen" : compared.includes(cluster) ? "line compared" : "line");
  const lines = drawn.map((cluster) => {
    const points = cluster.history.map(([edition, rank]) => [x(edition), y(rank)]);
    const path = points.map(([a, b], index) => `${index && cluster.history[index][0] === cluster.history[index - 1][0] + 1 ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
    const same = cluster.change?.previous_rank ?? null;
    const end = points.at(-1);
    return draw(
      "g", { class: emphasis(cluster), onclick: () => choose(cluster) },
      draw("title", {}, `${cluster.name}: ${cluster.history.map(([edition, rank]) => `${rank} in ${edition}`).join(", ")}` + (same ? `; ${same} in ${before} by the method of ${facts.method}` : "")),
      draw("path", { d: path }),
      same && before ? draw("path", { class: "same", d: `M${x(before).toFixed(1)} ${y(same).toFixed(1)}L${end[0].toFixed(1)} ${end[1].toFixed(1)}` }) : null,
      same && before ? draw("circle", { class: "same", cx: x(before), cy: y(same), r: 4 }) : null,
      ...points.map(([cx, cy]) => draw("circle", { cx, cy, r: 3.5 })),
      draw("text", { x: end[0] + 9, y: end[1] + 4 }, `${cluster.rank}  ${short(cluster.name, letters)}`),
    );
  });
  picture(
    "bump", width, height, `Ranks of ${drawn.length} clusters in the editions ${editions.join(", ")}`,
    ...breaks.map((edition) => draw("line", { class: "break", x1: x(edition - 0.5), x2: x(edition - 0.5), y1: 16, y2: height }, draw("title", {}, `From ${edition}: ${facts.breaks[edition]}`))),
    ...editions.filter((edition, index) => width > 500 || (editions.length - 1 - index) % 2 === 0).map((edition) => draw("text", { class: "tick", x: x(edition), y: 12, "text-anchor": "middle" }, `${edition}`)),
    ...Array.from({ length: worst }, (_, i) => i + 1).filter((rank) => worst <= 20 || rank % 5 === 0 || rank === 1)
      .map((rank) => draw("text", { class: "tick", x: left - 12, y: y(rank) + 4, "text-anchor": "end" }, `${rank}`)),
    ...lines.sort((a, b) => a.classList.length - b.classList.length),
  );
  get("bump-note").textContent = (editions.length > 1
    ? "Each edition as released, by its own method. Dashed, to a hollow dot: the edition before by this edition's method."
    : "Only this edition is released here. Release earlier ones to see the ranks move.")
    + (breaks.length ? ` Vertical lines are breaks of the method. ${breaks.map((edition) => `From ${edition}: ${facts.breaks[edition]}.`).join(" ")}` : "");
}

const short = (name, letters = 28) => (name.length > letters ? `${name.slice(0, letters - 1)}…` : name);

/* Size score against intensity, or against a metric per million inhabitants. */
const verticals = [
  { title: "Intensity score", value: (c) => c.intensity_score },
  ...facts.metrics.map((metric) => ({ title: `${metric.title} per million`, value: (c) => c.metrics[metric.key][2] })),
];
let vertical = 0;

function scatter() {
  const { title, value } = verticals[vertical];
  const dots = facts.clusters.filter((c) => c.size_score > 0 && value(c) > 0);
  const [width, height, left, bottom] = [widthOf("scatter"), 400, 44, 40];
  const x = scale(dots.map((c) => c.size_score), left, width - 16);
  const y = scale(dots.map(value), height - bottom, 14);
  const labelled = nonOverlapping(dots.map((c) => ({ cluster: c, x: x.at(c.size_score), y: y.at(value(c)) })), width);
  picture(
    "scatter", width, height, `Size score against ${title} of ${dots.length} clusters`,
    ...x.ticks.map((tick) => draw("g", { class: "axis" }, draw("line", { x1: x.at(tick), x2: x.at(tick), y1: 14, y2: height - bottom }), draw("text", { class: "tick", x: x.at(tick), y: height - bottom + 16, "text-anchor": "middle" }, few(tick)))),
    ...y.ticks.map((tick) => draw("g", { class: "axis" }, draw("line", { x1: left, x2: width - 16, y1: y.at(tick), y2: y.at(tick) }), draw("text", { class: "tick", x: left - 6, y: y.at(tick) + 4, "text-anchor": "end" }, few(tick)))),
    draw("text", { class: "tick", x: width - 16, y: height - 6, "text-anchor": "end" }, "Size score →"),
    draw("text", { class: "tick", x: 4, y: 10 }, `↑ ${title}`),
    ...dots.map((c) => draw("circle", { class: c === chosen ? "dot chosen" : "dot", cx: x.at(c.size_score), cy: y.at(value(c)), r: 5, onclick: () => choose(c) }, draw("title", {}, `${c.rank}. ${c.name}: size ${number(c.size_score, 2)}, ${title} ${few(value(c))}`))),
    ...labelled.map((one) => draw("text", { class: "label", x: one.from, y: one.y + 4 }, short(one.cluster.name))),
  );
  get("scatter-note").textContent = "Both axes are logarithmic. Above: more per inhabitant; to the right: more in all.";
}

function scale(values, from, to) {
  const [low, high] = [Math.log10(Math.min(...values, 1)), Math.log10(Math.max(...values, 1))];
  const reach = Math.max(high - low, 0.1);
  const at = (value) => from + ((Math.log10(value) - low + reach * 0.04) / (reach * 1.08)) * (to - from);
  const steps = [];
  for (let power = Math.floor(low); power <= high; power += 1) steps.push(...(reach > 2 ? [1] : [1, 2, 5]).map((factor) => factor * 10 ** power));
  return { at, ticks: steps.filter((value) => Math.log10(value) >= low - reach * 0.04 && Math.log10(value) <= high + reach * 0.04) };
}

function nonOverlapping(points, width) {
  const kept = [];
  const order = points.sort((a, b) => (b.cluster === chosen) - (a.cluster === chosen) || a.cluster.rank - b.cluster.rank);
  for (const point of order) {
    const wide = short(point.cluster.name).length * 7;
    const from = point.x + 8 + wide < width ? point.x + 8 : point.x - 8 - wide;
    if (!kept.some((other) => Math.abs(other.y - point.y) < 13 && from < other.from + other.wide && other.from < from + wide)) kept.push({ ...point, from, wide });
  }
  return kept;
}

/* Two to four clusters, a figure per row. */
function toggleCompared(cluster) {
  const at = compared.indexOf(cluster);
  if (at >= 0) compared.splice(at, 1);
  else compared.push(cluster);
  if (compared.length > COMPARED_AT_MOST) compared.shift();
  remember();
  sideBySide();
  bump();
  detail();
}

function sideBySide() {
  get("compare").hidden = compared.length < 2;
  const line = (title, show) => make("tr", {}, make("th", { class: "text", scope: "row" }, title), ...compared.map((c) => make("td", {}, show(c))));
  const figures = facts.metrics.flatMap((metric) => [
    line(`${metric.title}, ${metric.first}–${metric.last}`, (c) => number(c.metrics[metric.key][0])),
    line("… per million inhabitants", (c) => few(c.metrics[metric.key][2])),
    line(`… share of ${facts.whole}, %`, (c) => number(c.metrics[metric.key][1], 2)),
  ]);
  get("compare").replaceChildren(
    make("h2", {}, "Side by side"),
    make("div", { class: "scroll" }, make(
      "table", {},
      make("thead", {}, make("tr", {}, make("td", {}), ...compared.map((c) => make("th", { scope: "col" }, c.name, " ", make("button", { type: "button", class: "small", "aria-label": `Take ${c.name} out`, onclick: () => toggleCompared(c) }, "×"))))),
      make(
        "tbody", {}, line("Rank by size", (c) => `${c.rank}`), line("Size score", (c) => number(c.size_score, 2)),
        line("Rank by intensity", (c) => number(c.intensity_rank)), line("Rank interval", (c) => (c.stability ? `${c.stability.rank_low} to ${c.stability.rank_high}` : "–")),
        line("Population", (c) => number(c.population)), ...figures,
      ),
    )),
  );
}
