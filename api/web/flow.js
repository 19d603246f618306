// The page of a trace: asks the service, draws the graph at the positions that it computed, and
// opens nodes on request while everything else keeps its place. The table beside it says the same.
// Text from the service is only ever set as text, never as markup.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const COLUMN = 190;
const ROW = 58;
const BOX = { width: 136, height: 42 };
const GAP = 1000;
const FIRST_NODES = 80;
const TABLE_ROWS = 200;
const LETTERS = {
  source: "S", address: "A", entity: "E", service: "$", mixer: "M", bridge: "B", coin: "c",
  coinjoin: "J", chain: "≡", small: "…", destroyed: "×", outside: "?", fold: "+",
};
const NAMES = {
  source: "source", address: "address", entity: "entity (joined by a rule)", service: "service",
  mixer: "mixer", bridge: "bridge", coin: "coin", transaction: "transaction", coinjoin: "CoinJoin",
  chain: "transactions in a row", small: "too small to follow", destroyed: "unspendable",
  outside: "outside the ledger", fold: "smaller branches, folded",
};
const OPENED = { fold: "Show more of it", chain: "Show its transactions", small: "Show its coins" };

const form = document.getElementById("trace");
const result = document.getElementById("result");
let question = null;
let steps = [];
let shown = null;
let asked = 0;

function drawn(name, attributes, content) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  for (const part of [].concat(content ?? [])) made.append(part);
  return made;
}

function short(text, most) {
  return text.length <= most ? text : text.slice(0, most - 1) + "…";
}

function plainCoins(units, found) {
  return coins(units, found.asset, found.decimals).replace(/(\.\d*?)0+ /, "$1 ").replace(". ", " ");
}

function place(node) {
  return { x: node.x * COLUMN, y: node.y / GAP * ROW };
}

function octagon(x, y) {
  const w = BOX.width / 2, h = BOX.height / 2, c = 11;
  return [[-w + c, -h], [w - c, -h], [w, -h + c], [w, h - c], [w - c, h], [-w + c, h], [-w, h - c],
    [-w, -h + c]].map(([dx, dy]) => `${x + dx},${y + dy}`).join(" ");
}

function outline(node, x, y) {
  if (node.kind === "transaction") return drawn("circle", { cx: x, cy: y, r: 8 });
  if (["mixer", "bridge", "coinjoin"].includes(node.kind)) {
    return drawn("polygon", { points: octagon(x, y) });
  }
  const round = node.kind === "service" ? 20 : node.kind === "source" ? 2 : 5;
  return drawn("rect", { x: x - BOX.width / 2, y: y - BOX.height / 2, rx: round, ...BOX });
}

function describeNode(node, found) {
  const ends = Object.entries(node.ends).map(([why, units]) =>
    `${why.replaceAll("_", " ")} ${plainCoins(units, found)}`);
  return [`${NAMES[node.kind]}: ${node.label}`, plainCoins(node.amount, found), node.time ?? "",
    ...ends].filter(Boolean).join(" · ");
}

function drawNode(node, found) {
  const { x, y } = place(node);
  const title = drawn("title", {}, describeNode(node, found));
  const group = drawn("g", {
    class: `node ${node.kind} ${node.certainty}`, tabindex: 0, role: "button", "data-id": node.id,
    "aria-label": title.textContent,
  }, [title, outline(node, x, y)]);
  const write = (dx, dy, text, kind) =>
    group.append(drawn("text", { x: x + dx, y: y + dy, class: kind }, text));
  if (node.kind === "transaction") {
    write(0, -13, node.time.slice(0, 10), "date");
  } else {
    write(-BOX.width / 2 + 9, -9, LETTERS[node.kind], "letter");
    write(6, -5, short(node.label, 19), "label");
    write(0, 11, plainCoins(node.amount, found), "amount");
  }
  const choose = () => showNode(node, found);
  group.addEventListener("click", choose);
  group.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(); }
  });
  return group;
}

function way(from, to) {
  const a = place(from), b = place(to);
  const out = from.kind === "transaction" ? 8 : BOX.width / 2;
  const into = to.kind === "transaction" ? 8 : BOX.width / 2;
  const x0 = a.x + out, x1 = b.x - into - 4;
  if (x0 <= x1) {
    const middle = (x0 + x1) / 2;
    return `M${x0},${a.y} C${middle},${a.y} ${middle},${b.y} ${x1},${b.y}`;
  }
  const low = Math.max(a.y, b.y) + ROW * 0.55;
  return `M${x0},${a.y} C${x0 + 50},${a.y} ${x0 + 50},${low} ${x0},${low} L${x1},${low} ` +
    `C${x1 - 50},${low} ${x1 - 50},${b.y} ${x1},${b.y}`;
}

function drawEdge(edge, nodes, most, found) {
  const path = way(nodes.get(edge.source), nodes.get(edge.target));
  const share = Math.log(1 + 1000 * Number(edge.amount) / most) / Math.log(1001);
  const through = edge.certainty === "inference" ? "dashed" : "solid";
  const style = edge.depends_on_policy ? "dotted" : through;
  const when = edge.first_time ? ` · ${edge.first_time.slice(0, 10)}` : "";
  return drawn("g", { class: "edge" }, [
    drawn("title", {}, `${plainCoins(edge.amount, found)}${when} · ${edge.certainty}`),
    drawn("path", { d: path, class: "band", "stroke-width": (1 + 13 * share).toFixed(1) }),
    drawn("path", { d: path, class: style, "marker-end": "url(#arrow)" }),
  ]);
}

function drawGraph(found) {
  const nodes = new Map(found.graph.nodes.map((node) => [node.id, node]));
  const spots = found.graph.nodes.map(place);
  const left = Math.min(...spots.map((p) => p.x)) - BOX.width, top =
    Math.min(...spots.map((p) => p.y)) - ROW;
  const width = Math.max(...spots.map((p) => p.x)) + BOX.width - left;
  const height = Math.max(...spots.map((p) => p.y)) + ROW - top;
  const most = Math.max(1, ...found.graph.edges.map((edge) => Number(edge.amount)));
  const arrow = drawn("marker", {
    id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7,
    orient: "auto", markerUnits: "userSpaceOnUse",
  }, drawn("path", { d: "M0,0 L8,4 L0,8 z" }));
  const edges = found.graph.edges.filter((edge) => edge.source !== edge.target);
  return drawn("svg", {
    id: "flow", viewBox: `${left} ${top} ${width} ${height}`, width, height, role: "group",
    "aria-label": "Flow of the traced money; the table below says the same",
  }, [drawn("defs", {}, arrow), ...edges.map((edge) => drawEdge(edge, nodes, most, found)),
    ...found.graph.nodes.map((node) => drawNode(node, found))]);
}

function legend(found) {
  const kinds = Object.keys(NAMES).filter((kind) => found.graph.nodes.some((n) => n.kind === kind));
  const sample = (kind) => {
    const svg = drawn("svg", { viewBox: "-72 -24 144 48", width: 42, height: 14 },
      drawn("g", { class: `node ${kind}` }, outline({ kind }, 0, 0)));
    return element("span", [svg, ` ${LETTERS[kind] ?? ""} ${NAMES[kind]}`], "entry");
  };
  const line = (style, text) => element("span", [drawn("svg", { viewBox: "0 0 40 10", width: 40,
    height: 10 }, drawn("path", { d: "M0,5 L40,5", class: style })), " " + text], "entry");
  return element("p", [...kinds.map(sample),
    line("solid", "the same under every policy"),
    line("dashed", "inference: an end is an entity that a rule joined"),
    line("dotted", "share that the policy decides"),
    element("span", "width: logarithm of the amount", "entry")], "legend");
}

function timelineBars(found) {
  const { unit, slots } = found.timeline;
  if (!slots.length) return [];
  const total = (slot) => Object.values(slot.by_reason).reduce((sum, units) => sum + BigInt(units), 0n);
  const most = slots.map(total).reduce((a, b) => (a > b ? a : b), 1n);
  const wide = 28, high = 90;
  const bars = slots.map((slot, i) => {
    const units = total(slot), services = Object.values(slot.by_service)
      .reduce((sum, value) => sum + BigInt(value), 0n);
    const size = (part) => Number(part * BigInt(high * 10) / most) / 10;
    const bar = (part, kind) => drawn("rect", { x: i * wide + 3, y: high - size(part),
      width: wide - 6, height: Math.max(size(part), part ? 1 : 0), class: kind });
    return drawn("g", {}, [drawn("title", {}, `${slot.start}: ${plainCoins(String(units), found)}`),
      bar(units, "bar"), bar(services, "bar reached")]);
  });
  return [
    certain("inference", `When it ended, by ${unit} (UTC)`),
    element("p", `${slots[0].start} to ${slots.at(-1).start}; filled: at services. Slots in which ` +
      "nothing happened are left out.", "note"),
    element("div", drawn("svg", { id: "timeline", width: slots.length * wide, height: high + 2,
      viewBox: `0 0 ${slots.length * wide} ${high + 2}`, role: "img",
      "aria-label": "Amounts over time; the table below says the same" }, bars), "scroll"),
    folding("Table of the timeline", table([unit, "Ended", "At services", "Reasons"],
      slots.map((slot) => [slot.start, coins(String(total(slot)), found.asset, found.decimals),
        Object.entries(slot.by_service).map(([who, units]) =>
          `${who} ${plainCoins(units, found)}`).join(", "),
        Object.keys(slot.by_reason).map((why) => why.replaceAll("_", " ")).join(", ")]), [1])),
  ];
}

function folding(title, content, isOpen) {
  const made = element("details", [element("summary", title), content]);
  made.open = Boolean(isOpen);
  return made;
}

function tables(found) {
  const amount = (units) => coins(units, found.asset, found.decimals);
  const ends = Object.entries(found.totals.by_reason).concat(
    [["fees", found.totals.fees], ["destroyed", found.totals.destroyed]].filter((e) => e[1] !== "0"));
  const labels = new Map(found.graph.nodes.map((node) => [node.id, node.label]));
  const edges = [...found.graph.edges].sort((a, b) => (BigInt(b.amount) > BigInt(a.amount) ? 1 : -1));
  const cut = edges.length > TABLE_ROWS ?
    [element("p", `The largest ${TABLE_ROWS} of ${edges.length} lines are listed.`, "note")] : [];
  return [
    certain("inference", "Where it ended"),
    table(["Amount", "Reason"], ends.map(([why, units]) => [amount(units),
      why.replaceAll("_", " ")]), [0]),
    ...(found.services.length ? [certain("attribution", "Services"),
      table(["Amount", "Service", "Kind", "First", "Last"], found.services.map((it) =>
        [amount(it.traced), it.label, it.concepts.join(", "), it.first_time, it.last_time]), [0])] : []),
    folding(`The graph as a table (${edges.length} lines)`, element("div", [
      table(["Amount", "From", "To", "Date", "Transactions", "Certainty"],
        edges.slice(0, TABLE_ROWS).map((edge) => [amount(edge.amount), labels.get(edge.source),
          labels.get(edge.target), edge.first_time?.slice(0, 10) ?? "",
          String(edge.transactions || ""), edge.depends_on_policy ? "the policy's share" :
            edge.certainty]), [0, 4]), ...cut])),
  ];
}

function showNode(node, found) {
  const panel = document.getElementById("node");
  const amount = (units) => coins(units, found.asset, found.decimals);
  const open = element("button", OPENED[node.kind] ?? "Show its neighbours");
  open.type = "button";
  open.id = "open";
  open.addEventListener("click", () => expand(node.id));
  const rows = [["Kind", [NAMES[node.kind] + " ", element("b", node.certainty, node.certainty)]],
    ["Through it", amount(node.amount)]];
  if (node.address) rows.push(["Address", linkTo(node.address)]);
  if (node.txid) rows.push(["Transaction", linkTo(node.txid)]);
  if (node.time) rows.push(["Time", node.time]);
  if (node.returned !== "0") rows.push(["Came back as change", amount(node.returned)]);
  if (node.fees !== "0") rows.push(["Fees", amount(node.fees)]);
  for (const [why, units] of Object.entries(node.ends)) {
    rows.push([why.replaceAll("_", " "), amount(units)]);
  }
  const path = node.path.length ? [
    folding(`Its path (${node.path.length} of ${node.transactions} transactions)`,
      table(["Time", "Carried", "Paid aside", "Transaction"], node.path.map((step) => [step.time,
        amount(step.amount), step.paid.map((it) => `${plainCoins(it.amount, found)} to ` +
          short(it.to, 20)).join(", "), linkTo(step.txid, short(step.txid, 16))]), [1]), true)] : [];
  panel.replaceChildren(element("h2", node.label), pairs(rows), element("p", open), ...path);
  for (const other of document.querySelectorAll(".node.chosen")) other.classList.remove("chosen");
  document.querySelector(`[data-id="${CSS.escape(node.id)}"]`)?.classList.add("chosen");
}

function closingTrace(found) {
  const { request, manifest, graph } = found;
  return [
    element("p", `Method: ${request.policy}, ${request.direction}, at most ${request.max_hops} ` +
      `hops, amounts from ${coins(request.min_value, found.asset, found.decimals)}; ` +
      `${manifest.transactions_explored} transactions looked at. The picture shows ` +
      `${graph.nodes.length} nodes for ${graph.full_nodes}; ${graph.folded_nodes} are in folds.`, "note"),
    ...closing(found),
    element("p", `Result ${manifest.result_sha256}`, "note"),
  ];
}

function showTrace(found) {
  shown = found;
  const tidy = element("button", "Tidy up");
  tidy.type = "button";
  tidy.id = "tidy";
  tidy.addEventListener("click", () => request(steps, null));
  const undo = element("button", "Close the last one");
  undo.type = "button";
  undo.id = "undo";
  undo.disabled = !steps.length;
  undo.addEventListener("click", () => request(steps.slice(0, -1), positions()));
  const previous = document.getElementById("picture");
  const kept = previous ? [previous.scrollLeft, previous.scrollTop] : [0, 0];
  const before = previous?.querySelector("svg")?.viewBox.baseVal;
  const picture = element("div", drawGraph(found), "picture");
  picture.id = "picture";
  const panel = element("div", element("p", "Choose a node of the picture to see what it is, " +
    "and to open it.", "note"));
  panel.id = "node";
  result.replaceChildren(
    certain("inference", `${coins(found.totals.source, found.asset, found.decimals)} ` +
      (found.request.direction === "forward" ? "and where it went" : "and where it came from")),
    element("p", [tidy, " ", undo]), picture, legend(found), ...closingTrace(found), panel,
    ...tables(found), ...timelineBars(found));
  // What was in sight stays in sight, also when the picture has grown to the left or upwards.
  const now = picture.querySelector("svg").viewBox.baseVal;
  picture.scrollLeft = kept[0] + (before ? before.x - now.x : 0);
  picture.scrollTop = before ? kept[1] + before.y - now.y :
    Math.max(0, -now.y - picture.clientHeight / 2);
}

function positions() {
  return Object.fromEntries(shown.graph.nodes.map((node) => [node.id, [node.x, node.y]]));
}

function expand(id) {
  return request([...steps, id], positions());
}

async function request(wanted, pins) {
  const body = { ...question, expanded: wanted, ...(pins ? { pins } : {}) };
  const turn = ++asked;
  result.setAttribute("aria-busy", "true");
  try {
    const found = await ask("/v1/traces", body);
    // Whoever has asked for something else meanwhile does not want this any more.
    if (turn !== asked) return;
    steps = wanted;
    showTrace(found);
  } catch (error) {
    if (turn !== asked) return;
    const told = element("p", error.message, "problem");
    if (shown) document.getElementById("node").replaceChildren(told);
    else result.replaceChildren(told);
  }
  result.removeAttribute("aria-busy");
}

function startTrace(event) {
  event.preventDefault();
  const wanted = new FormData(form);
  question = {
    network: networkChoice.value,
    sources: wanted.get("sources").split(/[\s,]+/).filter(Boolean),
    direction: wanted.get("direction"),
    policy: wanted.get("policy"),
    level: wanted.get("level"),
    graph_nodes: FIRST_NODES,
  };
  shown = null;
  request([], null);
}

form.addEventListener("submit", startTrace);
for (const name of ["direction", "policy", "level"]) {
  form.elements[name].addEventListener("change", () => { if (question) form.requestSubmit(); });
}
