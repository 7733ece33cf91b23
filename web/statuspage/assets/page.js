// Keeps the page up to date, and the table sorted, filtered and grouped as the
// reader wants it. That stands in the address, so a reload or a link keeps it.
import { setText } from "./dom.js";
import { count, now, tick, utc } from "./format.js";
import { drawSections } from "./sections.js";
import { Table } from "./table.js";

const refreshEvery = 5_000;   // while the page is looked at
const hiddenEvery = 60_000;   // while it is not
const longestPause = 60_000;  // while the exporter does not answer
const costShare = 20;         // a refresh takes a 20th of the time at most

const $ = (id) => document.getElementById(id);
const source = document.body.dataset.source;
const table = new Table($("table"), act);
let last;        // the last answer
let answeredAt;  // when it came, by the exporter's clock
let failures = 0;
let target = linked(); // a session that a link leads to
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
    answeredAt = answer.timestamp;
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
  const since = answeredAt ? `since ${utc(answeredAt)}: what is shown is from then` : "yet";
  const text = `The exporter itself does not answer ${since}. (${error.message})`;
  $("offline").hidden = false;
  setText($("offline"), text);
}

function draw(answer) {
  last = answer;
  drawSections(answer);
  table.set(answer.sessions);
  const worst = answer.health[0].level;
  const active = answer.totals?.active !== undefined ? `${answer.display.tiles[0].value} active · ` : "";
  document.title = (worst === "bad" || worst === "warning" ? "⚠ " : "") + active + "Browser Use Exporter";
  show();
  follow();
}

// show draws the table as the reader wants it.
function show() {
  if (!last) return;
  const { shown, of } = table.render();
  setText($("count"), shown === of ? `${count(of)} shown` : `${count(shown)} of ${count(of)} shown`);
  $("empty").hidden = shown > 0;
  if (shown === 0) setText($("empty"), of > 0 ? "No session matches the filter." : last.display.empty);
  keepView();
}

// act shows what the reader has asked for, and has it read out; a refresh does
// not, or it would talk all the time.
function act() {
  show();
  setText($("said"), $("count").textContent);
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

// readView leaves the view as it is where the address leads to a part of the page.
function readView() {
  if (!/^(#(sort|filter|group)=|$)/.test(location.hash)) return;
  const view = new URLSearchParams(location.hash.slice(1));
  Object.assign(table.view, { sort: view.get("sort") ?? "", descending: view.get("order") === "descending",
    filter: view.get("filter") ?? "", group: view.get("group") === "agent" });
  $("filter").value = table.view.filter;
  $("group").checked = table.view.group;
}

// linked is the session that the address leads to, as the links without script do.
function linked() {
  return location.hash.startsWith("#s-") ? location.hash.slice(3) : "";
}

// follow goes where the address leads to, once there are sessions.
function follow() {
  if (!last) return;
  if (target) jump(target);
  target = "";
}

// jump shows the row of a session, whatever the filter hides.
function jump(id) {
  if (!table.find(id) && last.sessions.some((session) => session.session_id === id)) {
    $("filter").value = table.view.filter = "";
    act();
  }
  const row = table.find(id);
  row?.scrollIntoView({ block: "nearest" }); // and the header stays in view
  row?.focus({ preventScroll: true });
}

$("attention").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  jump(link.hash.slice(3));
});
$("controls").addEventListener("submit", (event) => event.preventDefault());
$("filter").addEventListener("input", () => { table.view.filter = $("filter").value.trim(); act(); });
$("group").addEventListener("change", () => { table.view.group = $("group").checked; act(); });
$("reload").addEventListener("click", (event) => { event.preventDefault(); location.reload(); }); // with the view
addEventListener("hashchange", () => {
  target = linked();
  readView();
  show();
  follow();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
setInterval(() => {
  if (document.hidden) return;
  table.tick();
  document.querySelectorAll("time[data-tick]").forEach((t) => { if (!t.closest("tbody")) tick(t); });
}, 1000);

$("controls").hidden = false;
readView();
refresh();
