/* The map: a view box that is moved and scaled. Circles keep their size on the screen and make room for one another. */
const map = get("map");
const world = map.getAttribute("viewBox").split(" ").map(Number);
const NEAREST = 0.05;
const LABELS = 14;
const ROUNDS = 40;
let view = [...world];
let circles = [];

function place(next) {
  const width = Math.min(world[2], Math.max(NEAREST, next[2]));
  view = [next[0], next[1], width, (width * world[3]) / world[2]];
  map.setAttribute("viewBox", view.join(" "));
  const scale = view[2] / world[2];
  map.classList.toggle("near", scale < 0.08);
  makeRoom(scale);
  label(scale);
  lead();
}

/* Lines from the chosen cluster to its partners that are on the map, the more records together the wider. */
function lead() {
  const from = circles.find((one) => one.cluster === chosen);
  const partners = from?.cluster.portrait[shownMetric]?.partners ?? [];
  const most = Math.max(...partners.map(([, , records]) => records), 1);
  const lines = partners.map(([id, name, records]) => [circles.find((one) => one.cluster.id === id), name, records]).filter(([to]) => to);
  get("partners").replaceChildren(...lines.map(([to, name, records]) => draw(
    "line", { x1: from.x, y1: from.y, x2: to.x, y2: to.y, "stroke-width": 1 + (3 * records) / most }, draw("title", {}, `${name}: ${number(records)} records together`))));
}

/* Circles that overlap push each other apart, and each is drawn back to its place. */
function makeRoom(scale) {
  const narrow = Math.min(2.2, Math.max(1, 900 / (map.clientWidth || 900)));
  for (const one of circles) Object.assign(one, { x: one.at[0], y: one.at[1], r: one.radius * scale ** 0.9 * narrow });
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const one of circles) { one.x += (one.at[0] - one.x) * 0.06; one.y += (one.at[1] - one.y) * 0.06; }
    for (let i = 0; i < circles.length; i += 1) for (let j = i + 1; j < circles.length; j += 1) apart(circles[i], circles[j]);
  }
  for (const one of circles) fill(one.element, { cx: one.x, cy: one.y, r: one.r }, []);
}

function apart(one, other) {
  const [dx, dy] = [other.x - one.x, other.y - one.y];
  const [reach, gap] = [one.r + other.r, Math.hypot(dx, dy)];
  if (gap >= reach) return;
  const [ux, uy] = gap > 1e-9 ? [dx / gap, dy / gap] : [1, 0];
  const push = (reach - gap) / 2;
  one.x -= ux * push; one.y -= uy * push;
  other.x += ux * push; other.y += uy * push;
}

/* The names of the largest clusters in view, each where no other name and no other circle lies. */
function label(scale) {
  const narrow = Math.max(1, 900 / (map.clientWidth || 900));
  const size = 3.1 * scale * narrow;
  const taken = circles.map((one) => ({ x: one.x - one.r, y: one.y - one.r, width: 2 * one.r, height: 2 * one.r }));
  const texts = [];
  for (const one of circles) {
    if (texts.length >= LABELS) break;
    if (one.x < view[0] || one.x > view[0] + view[2] || one.y < view[1] || one.y > view[1] + view[3]) continue;
    const text = one.cluster.name.split("–").slice(0, 2).join("–");
    const [width, height, gap] = [text.length * size * 0.68, size * 1.1, size * 0.25];
    const corners = [
      [one.x + one.r + gap, one.y - height / 2], [one.x - one.r - gap - width, one.y - height / 2],
      [one.x - width / 2, one.y - one.r - gap - height], [one.x - width / 2, one.y + one.r + gap],
    ];
    const box = corners.map(([x, y]) => ({ x, y, width, height }))
      .find((spot) => spot.x >= view[0] && spot.x + width <= view[0] + view[2] && spot.y >= view[1] && spot.y + height <= view[1] + view[3] && !taken.some((other) => meets(spot, other)));
    if (!box) continue;
    // Room on both sides, so that two names on a line do not read as one.
    taken.push({ ...box, x: box.x - 1.5 * size, width: width + 3 * size });
    texts.push(draw("text", { x: box.x, y: box.y + size * 0.85, "font-size": size, "stroke-width": size * 0.22 }, text));
  }
  get("labels").replaceChildren(...texts);
}

const meets = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

function zoom(factor, at = [view[0] + view[2] / 2, view[1] + view[3] / 2]) {
  const width = Math.min(world[2], Math.max(NEAREST, view[2] * factor));
  if (width >= world[2]) return place(world);
  const ratio = width / view[2];
  return place([at[0] - (at[0] - view[0]) * ratio, at[1] - (at[1] - view[1]) * ratio, width]);
}

function closeUp(cluster) {
  const box = extent(cluster.outline);
  const width = Math.max(box.width, (box.height * world[2]) / world[3], 0.1) * 2.5;
  const height = (width * world[3]) / world[2];
  place([box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2, width]);
  map.scrollIntoView({ block: "nearest" });
}

function under(event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
  return [point.x, point.y];
}

function showCard(cluster) {
  get("card").hidden = false;
  get("card").replaceChildren(
    make("strong", {}, `${cluster.rank}. ${cluster.name}`), make("span", { class: "muted" }, ` ${cluster.economies}`),
    ...facts.metrics.map((metric) => make("div", {}, `${few(cluster.metrics[metric.key][2])} ${metric.in_text} per million`)),
  );
}

function drawMap() {
  const largest = Math.max(...facts.clusters.map((c) => c.size_score), 0) || 1;
  const located = facts.clusters.filter((c) => c.at);
  const hide = () => { get("card").hidden = true; };
  circles = located.map((cluster) => {
    const pick = (event) => { if (event.type === "click" || event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(cluster); } };
    const element = draw(
      "circle", {
        "data-id": cluster.id, tabindex: 0, role: "button", "aria-label": `${cluster.rank}. ${cluster.name}`, onclick: pick, onkeydown: pick,
        onpointerenter: () => showCard(cluster), onpointerleave: hide, onfocus: () => showCard(cluster), onblur: hide,
      }, draw("title", {}, `${cluster.rank}. ${cluster.name}`));
    return { cluster, element, at: cluster.at, radius: 0.9 + 4.2 * Math.sqrt(cluster.size_score / largest) };
  });
  get("others").append(...facts.others.map((other) => draw("path", { d: other.outline }, draw("title", {}, other.title))));
  get("outlines").append(...located.map((c) => draw("path", { d: c.outline })));
  get("circles").append(...circles.map((one) => one.element));
  get("in").addEventListener("click", () => zoom(0.5));
  get("out").addEventListener("click", () => zoom(2));
  get("whole").addEventListener("click", () => place(world));
  map.addEventListener("wheel", (event) => {
    if (!map.contains(document.activeElement)) return;
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, under(event));
  }, { passive: false });
  map.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
    if (event.key === "+" || event.key === "-") zoom(event.key === "+" ? 0.7 : 1.4);
    else if (event.key === "Escape") map.blur();
    else if (event.key in moves) { event.preventDefault(); place([view[0] + moves[event.key][0] * view[2], view[1] + moves[event.key][1] * view[3], view[2]]); }
  });
  let from = null;
  map.addEventListener("pointerdown", (event) => { from = under(event); });
  map.addEventListener("pointermove", (event) => {
    if (!from || !event.buttons) return;
    const to = under(event);
    place([view[0] + from[0] - to[0], view[1] + from[1] - to[1], view[2]]);
  });
  window.addEventListener("pointerup", () => { from = null; });
  window.addEventListener("resize", () => place(view));
  place(world);
}

function extent(outline) {
  const numbers = outline.match(/-?\d+(\.\d+)?/g).map(Number);
  const [xs, ys] = [numbers.filter((_, i) => i % 2 === 0), numbers.filter((_, i) => i % 2 === 1)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}
