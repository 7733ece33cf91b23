// Draws what stands above and below the table, as page.html has it.
import { element, setChildren } from "./dom.js";
import { time, utc } from "./format.js";

const $ = (id) => document.getElementById(id);
const paragraph = (...children) => element("p", {}, ...children);
const quiet = (text) => element("span", { class: "quiet" }, text);

export function drawSections(answer) {
  const { display, reading } = answer;
  setChildren($("read"), reading ? ["Last scrape ", time("ago", reading.start_timestamp)] : ["No scrape yet"]);
  setChildren($("health"), answer.health.map((notice) => element("li", { class: `notice ${notice.level}` }, notice.text)));
  setChildren($("tiles"), display.tiles.map((tile) => element("div", {},
    element("dt", {}, tile.label), element("dd", { class: "value" }, tile.value), element("dd", { class: "note" }, tile.note ?? ""))));
  setChildren($("facts"), display.facts.map((fact) => element("div", {},
    element("dt", {}, fact.label), element("dd", {}, fact.value, ...(fact.note ? [" ", quiet(fact.note)] : [])))));
  setChildren($("failures"), display.failures.length ? display.failures.map(failure) : [element("li", {}, paragraph("None."))]);
  drawAttention(answer.attention, display.calm);
}

function failure({ label, last_timestamp, text }) {
  return element("li", {},
    paragraph(element("strong", {}, label), ", the last ", time("ago", last_timestamp), " ", quiet(utc(last_timestamp))), paragraph(text));
}

// drawAttention keeps the focus where it is, or near there if that is gone.
function drawAttention(items, calm) {
  const list = $("attention");
  const focused = list.contains(document.activeElement) ? document.activeElement : undefined;
  const card = focused?.closest("#attention > li");
  setChildren(list, items.length ? items.map(attention) : [element("li", { class: "note" }, paragraph(calm))]);
  if (!focused || focused.isConnected) return;
  const next = (card.isConnected && card.querySelector("a")) || list.querySelector("a") || $("attention-title");
  next.focus({ preventScroll: true });
}

function attention({ kind, reason, level, text, advice, sessions }) {
  const named = sessions.map((session) => element("li", { "data-key": session.session_id },
    element("a", { href: "#s-" + session.session_id }, session.session_id), " ",
    element("span", {}, ...why(session))));
  return element("li", { class: level, "data-key": `${kind} ${reason ?? ""}` },
    paragraph(text), ...(advice ? [paragraph(advice)] : []), element("ul", {}, ...named));
}

const why = ({ tick, timestamp, text = "" }) => (tick ? [time(tick, timestamp), " " + text] : [text]);
