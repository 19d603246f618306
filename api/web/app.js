// The start page: looks up an address or a transaction and shows the service's answer.
// Text from the service is only ever set as text, never as markup.
"use strict";

const answer = document.getElementById("answer");
const networkChoice = document.getElementById("network");
const query = document.getElementById("query");
const ROWS = 25;

function element(name, content, className) {
  const made = document.createElement(name);
  if (className) made.className = className;
  for (const part of [].concat(content ?? [])) made.append(part);
  return made;
}

function coins(baseUnits, asset, decimals) {
  const negative = baseUnits.startsWith("-");
  const digits = baseUnits.replace("-", "").padStart(decimals + 1, "0");
  const whole = digits.slice(0, -decimals).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${negative ? "-" : ""}${whole}.${digits.slice(-decimals)} ${asset}`;
}

function linkTo(text, label) {
  const link = element("a", label ?? text);
  link.href = "#" + new URLSearchParams({ network: networkChoice.value, query: text });
  return link;
}

function pairs(rows) {
  return element("dl", rows.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function table(header, rows, numeric) {
  const cells = (tag, row) =>
    element("tr", row.map((cell, i) => element(tag, cell, numeric.includes(i) ? "number" : "")));
  const body = element("tbody", rows.map((row) => cells("td", row)));
  return element("div", element("table", [element("thead", cells("th", header)), body]), "scroll");
}

function certain(kind, text) {
  return element("h2", [text + " ", element("b", kind, kind)]);
}

function closing(found) {
  const cuts = found.truncations.map((cut) =>
    element("p", `Left out: ${cut.where} (${cut.reason}). ${cut.detail}`, "problem"));
  const at = found.as_of;
  return [...cuts, element("p",
    `True as of block ${at.height} of ${at.network} (${at.block_hash}, ${at.time}).`, "note")];
}

function flags(found) {
  return found.flags.map((flag) =>
    element("p", [element("b", `${flag.name} (${flag.certainty})`, flag.certainty), `: ${flag.detail}`]));
}

async function ask(path, body) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(path, {
    headers, ...(body ? { method: "POST", body: JSON.stringify(body) } : {}),
  });
  const content = await response.json();
  if (!response.ok) throw new Error(content.detail);
  return content;
}

function showAddress(found, page) {
  const amount = (units) => coins(units, found.asset, found.decimals);
  const seen = (it) => [`${it.time}, block ${it.height}, `, linkTo(it.txid)];
  const entity = found.entity;
  return [
    certain("fact", found.address),
    pairs([
      ["Script", found.script_type],
      ["First seen", seen(found.first_seen)],
      ["Last seen", seen(found.last_seen)],
      ["Transactions", String(found.transaction_count)],
      ["Received", amount(found.received)],
      ["Sent", amount(found.sent)],
      ["Balance", amount(found.balance)],
    ]),
    ...(entity ? [
      certain("inference", "Entity"),
      pairs([
        ["First-seen address", linkTo(entity.id)],
        ["Addresses", String(entity.address_count)],
        ["Inferred by", `profile ${entity.profile}, up to block ${entity.height}`],
      ]),
    ] : []),
    ...flags(found),
    certain("fact", `Newest transactions`),
    table(
      ["Block", "Time", "Received", "Sent", "Transaction"],
      page.items.map((row) => [String(row.height), row.time,
        row.received === "0" ? "" : amount(row.received),
        row.sent === "0" ? "" : amount(row.sent), linkTo(row.txid)]),
      [0, 2, 3],
    ),
    ...(page.next_cursor ? [element("p", `The newest ${ROWS} are shown; the API has the rest.`, "note")] : []),
    ...closing(found),
  ];
}

function showTransaction(found) {
  const amount = (units) => coins(units, found.asset, found.decimals);
  return [
    certain("fact", found.txid),
    pairs([
      ["Block", `${found.height} (${found.block_hash})`],
      ["Time", found.time],
      ["Size", `${found.size} bytes, ${found.virtual_size} virtual`],
      ["Fee", amount(found.fee)],
    ]),
    element("h2", `Inputs (${found.input_count})`),
    table(["", "Amount", "From", "Output spent"],
      found.inputs.map((row) => [String(row.position), amount(row.value),
        row.address ? linkTo(row.address) : "",
        row.outpoint ? linkTo(row.outpoint.split(":")[0], row.outpoint) : "before the ledger"]), [0, 1]),
    element("h2", `Outputs (${found.output_count})`),
    table(["", "Amount", "To", "Spent by"],
      found.outputs.map((row) => [String(row.position), amount(row.value),
        row.address ? linkTo(row.address) : "data",
        row.spent_by ? linkTo(row.spent_by) : row.voided_by ? "void" : "unspent"]), [0, 1]),
    ...flags(found),
    ...closing(found),
  ];
}

async function lookUp(network, text) {
  const base = `/v1/${encodeURIComponent(network)}`;
  if (/^[0-9a-fA-F]{64}$/.test(text)) {
    return showTransaction(await ask(`${base}/transactions/${text}`));
  }
  const path = `${base}/addresses/${encodeURIComponent(text)}`;
  const [found, page] = await Promise.all(
    [ask(path), ask(`${path}/transactions?limit=${ROWS}`)]);
  return showAddress(found, page);
}

async function show() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (!wanted.get("query")) return;
  query.value = wanted.get("query");
  networkChoice.value = wanted.get("network") ?? networkChoice.value;
  try {
    answer.replaceChildren(...await lookUp(networkChoice.value, query.value.trim()));
  } catch (error) {
    answer.replaceChildren(element("p", error.message, "problem"));
  }
}

async function start() {
  try {
    const { items } = await ask("/v1/networks");
    networkChoice.replaceChildren(...items.map((it) => element("option", it.network)));
    if (!items.length) throw new Error("There is no ledger yet: run `arien-flows ledger ingest`.");
  } catch (error) {
    answer.replaceChildren(element("p", error.message, "problem"));
    return;
  }
  document.getElementById("search").addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = new URLSearchParams({ network: networkChoice.value, query: query.value.trim() });
    if (location.hash.slice(1) === String(wanted)) show();
    else location.hash = wanted;
  });
  addEventListener("hashchange", show);
  show();
}

start();
