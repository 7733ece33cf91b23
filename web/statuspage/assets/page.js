// Keeps the page up to date, and the table sorted, filtered and grouped as the
// reader wants it. That stands in the address, so a reload or a link keeps it.
import { now } from "./format.js";
import { element, setText, tick, time } from "./rows.js";
import { Table } from "./table.js";

const refreshEvery = 5_000;   // while the page is looked at
const hiddenEvery = 60_000;   // while it is not
const longestPause = 60_000;  // while the exporter does not answer
const costShare = 20;         // a refresh takes a 20th of the time at most

const $ = (id) => document.getElementById(id);
const source = document.body.dataset.source;
const table = new Table($("table"), show);
let last;        // the last answer
let answeredAt;  // when it came
let failures = 0;
let target = location.hash.startsWith("#s-") ? location.hash.slice(3) : ""; // a session that a link without script led to
let timer;

// refresh asks the exporter, which asks nobody, and draws what it says.
async function refresh() {
  clearTimeout(timer);
  const began = performance.now();
  try {
    const response = await fetch(source, { cache: "no-store", signal: AbortSignal.timeout(20_000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const answer = await response.json();
    now.offset = Date.parse(answer.timestamp) - Date.now();
    answeredAt = Date.now();
    failures = 0;
    $("offline").hidden = true;
    draw(answer);
  } catch (error) {
    failures++;
    sayOffline(error);
  }
  const took = performance.now() - began;
  const pause = document.hidden ? hiddenEvery : Math.min(refreshEvery * 2 ** Math.min(failures, 4), longestPause);
  clearTimeout(timer);
  timer = setTimeout(refresh, Math.max(pause, failures ? 0 : took * costShare));
}

function sayOffline(error) {
  const since = answeredAt ? `since ${new Date(answeredAt).toLocaleTimeString()}: what is shown is from then` : "yet";
  const text = `The exporter itself does not answer ${since}. (${error.message})`;
  $("offline").hidden = false;
  setText($("offline"), text);
}

function draw(answer) {
  last = answer;
  table.set(answer.sessions);
  list($("health"), answer.health, (notice) => element("li", { className: `notice ${notice.level}` }, notice.text));
  list($("tiles"), answer.display.tiles, (fact) => element("div", {},
    element("dt", {}, fact.label), element("dd", { className: "value" }, fact.value), element("dd", { className: "note" }, fact.note ?? "")));
  list($("facts"), answer.display.facts, (fact) => element("div", {},
    element("dt", {}, fact.label), element("dd", {}, fact.value, ...(fact.note ? [" ", element("span", { className: "quiet" }, fact.note)] : []))));
  list($("attention"), answer.attention, drawAttention, "Nothing: no session is active, and none is unreadable.");
  list($("failures"), answer.exporter.api_request_failures, (failure) => element("li", {},
    element("p", {}, element("strong", {}, failure.endpoint), ` ${failure.total} × `, time("ago", Date.parse(failure.last_timestamp))),
    element("p", {}, failure.text)), "None.");
  const read = answer.reading ? ["Last scrape ", time("ago", Date.parse(answer.reading.start_timestamp))] : ["No scrape yet"];
  $("read").replaceChildren(...read);
  const worst = answer.health[0].level;
  const active = answer.totals?.active !== undefined ? `${answer.totals.active} active · ` : "";
  document.title = (worst === "bad" || worst === "warning" ? "⚠ " : "") + active + "Browser Use Exporter";
  show();
  if (target) jump(target);
  target = "";
}

function drawAttention(item) {
  const sessions = item.sessions.map((session) => element("li", {},
    element("a", { href: "#s-" + session.session_id }, session.session_id), " ", element("span", {}, session.text)));
  return element("li", { className: item.level }, element("p", {}, item.text), ...(item.advice ? [element("p", {}, item.advice)] : []), element("ul", {}, ...sessions));
}

// list draws a list anew if it has changed, and keeps the focus on the link that
// had it.
function list(parent, items, make, none) {
  const made = items.map(make);
  if (made.length === 0 && none) made.push(element("li", { className: "note" }, element("p", {}, none)));
  if (made.length === parent.children.length && made.every((child, i) => child.isEqualNode(parent.children[i]))) return;
  const href = parent.contains(document.activeElement) && document.activeElement.getAttribute("href");
  parent.replaceChildren(...made);
  if (href) parent.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
}

// show draws the table as the reader wants it.
function show() {
  if (!last) return;
  const { shown, of } = table.render();
  setText($("count"), shown === of ? `${of} shown` : `${shown} of ${of} shown`);
  $("empty").hidden = shown > 0;
  if (shown === 0) setText($("empty"), of > 0 ? "No session matches the filter." : last.display.empty);
  keepView();
}

// keepView writes the view into the address, readView takes it from there.
function keepView() {
  const { sort, descending, filter, group } = table.view;
  const view = new URLSearchParams();
  if (sort) view.set("sort", sort);
  if (sort) view.set("order", descending ? "descending" : "ascending");
  if (filter) view.set("filter", filter);
  if (group) view.set("group", "agent");
  const hash = view.size ? "#" + view : "";
  if (hash !== location.hash) history.replaceState(null, "", location.pathname + location.search + hash);
}

function readView() {
  const view = new URLSearchParams(location.hash.slice(1));
  Object.assign(table.view, { sort: view.get("sort") ?? "", descending: view.get("order") === "descending",
    filter: view.get("filter") ?? "", group: view.get("group") === "agent" });
  $("filter").value = table.view.filter;
  $("group").checked = table.view.group;
}

// jump shows the row of a session, whatever the filter hides.
function jump(id) {
  if (!table.find(id)) {
    $("filter").value = table.view.filter = "";
    show();
  }
  const row = table.find(id);
  row?.scrollIntoView({ block: "center" });
  row?.focus({ preventScroll: true });
}

$("attention").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  jump(link.hash.slice(3));
});
$("controls").addEventListener("submit", (event) => event.preventDefault());
$("filter").addEventListener("input", () => { table.view.filter = $("filter").value.trim(); show(); });
$("group").addEventListener("change", () => { table.view.group = $("group").checked; show(); });
addEventListener("hashchange", () => { readView(); show(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
setInterval(() => {
  if (document.hidden) return;
  table.tick();
  document.querySelectorAll("time[data-tick]").forEach((t) => { if (!t.closest("tbody")) tick(t); });
}, 1000);

$("controls").hidden = false;
readView();
refresh();
