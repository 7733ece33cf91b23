// Keeps the page of a project, or the list of projects, up to date, and the table sorted, filtered and grouped as the
// reader wants it. That stands in the address, so a reload or a link keeps it.
// All that is shown is written by the exporter: a refresh fetches the page again
// and changes what differs, so that the rest stays selected, focused and in place.

const refreshEvery = 5_000, hiddenEvery = 60_000; // while the page is looked at, and while it is not
const costShare = 20; // a refresh takes a 20th of the time at most
const urgency = ["overdue", "unreadable", "expensive", "heavy traffic", "running long", "timing out", "active", "was active", "stopped", "down", "paused", "not scraped", "up"]; // of sessions and of projects
const parts = ["read", "health", "tiles", "attention", "empty", "agents", "facts", "failures", "config"]; // beside the table
const agentColumn = 2, summedColumns = [5, 6, 7, 8, 9, 10];

const $ = (id) => document.getElementById(id);
const table = $("table"), body = table.tBodies[0];
const view = { sort: "", descending: false, filter: "", active: false, group: "" };
let rows = []; // of all sessions, in the exporter's order
let timer;

function thousands(v, places) {
  if (Math.abs(v) >= 1e15) return v.toExponential(2);
  return v.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
}

// usd writes an amount as the exporter does.
function usd(v) {
  const size = Math.abs(v), sign = v < 0 ? "-$" : "$";
  if (size > 0 && size < 0.00005) return `<${sign}0.0001`;
  return sign + thousands(size, size > 0 && size < 0.01 ? 4 : 2);
}

// morph lets a node become like another one.
function morph(old, made) {
  if (old.isEqualNode(made)) return;
  if (old.nodeType === Node.TEXT_NODE) {
    old.data = made.data;
    return;
  }
  for (const name of old.getAttributeNames()) if (!made.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of made.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const rest = [...old.childNodes];
  place(old, [...made.childNodes].map((node) => {
    const i = rest.findIndex((other) => other.nodeName === node.nodeName && other.dataset?.key === node.dataset?.key);
    if (i < 0) return node;
    const [kept] = rest.splice(i, 1);
    morph(kept, node);
    return kept;
  }));
}

// place lets an element have these nodes in this order, and moves none that is in
// its place.
function place(parent, nodes) {
  const focused = document.activeElement, wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  let at = parent.firstChild;
  for (const node of nodes) {
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
  }
  if (focused.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

// refresh fetches the page from the exporter, which sends the API no request.
async function refresh() {
  clearTimeout(timer);
  const began = performance.now();
  let pause = document.hidden ? hiddenEvery : refreshEvery;
  try {
    const response = await fetch(location.pathname + location.search, { cache: "no-store", signal: AbortSignal.timeout(20_000) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    update(new DOMParser().parseFromString(await response.text(), "text/html"));
    pause = Math.max(pause, costShare * (performance.now() - began));
    $("offline").hidden = true;
  } catch (error) {
    $("offline").hidden = false;
    $("offline").textContent = `The exporter itself does not answer since ${document.body.dataset.now}: what is shown is from then. (${error.message})`;
  }
  clearTimeout(timer);
  timer = setTimeout(refresh, pause);
}

// update shows what a new version of the page says.
function update(made) {
  if (!made.body.dataset.now) throw new Error("another page answers in its place");
  if (made.body.dataset.layout !== document.body.dataset.layout) return location.reload();
  document.body.dataset.now = made.body.dataset.now;
  document.title = made.title;
  const focused = document.activeElement, card = focused.closest("#attention > li");
  for (const id of parts) if ($(id)) morph($(id), made.getElementById(id));
  if (!focused.isConnected) (card?.isConnected && card.querySelector("a") || $("attention-title") || $("sessions")).focus({ preventScroll: true });
  setRows(made.querySelectorAll("#table > tbody > tr"));
  show();
}

// setRows keeps the row of a session for as long as it is there.
function setRows(made) {
  const known = new Map(rows.map((tr) => [tr.id, tr]));
  rows = [...made].map((tr) => {
    const old = known.get(tr.id);
    if (old) morph(old, tr);
    return old ?? tr;
  });
}

const columns = [...table.tHead.rows[0].cells].map((header, index) => {
  const column = { header, index, id: header.dataset.label ?? header.dataset.key };
  const button = document.createElement("button");
  button.type = "button";
  button.append(...header.childNodes);
  button.addEventListener("click", () => sortBy(column));
  header.append(button);
  return column;
});

// sortBy goes from one order to the other, and then back to the order in which
// the exporter gives the sessions: those that need attention first.
function sortBy({ id, header }) {
  const first = header.classList.contains("num") && id !== "left"; // whether the largest go first
  if (view.sort !== id) Object.assign(view, { sort: id, descending: first });
  else if (view.descending === first) view.descending = !first;
  else Object.assign(view, { sort: "", descending: false });
  act();
}

// valueOf is what a row is sorted by; undefined goes last.
function valueOf(tr, column) {
  const cell = tr.cells[column.index];
  if (column.id === "state") return urgency.indexOf(tr.dataset.state);
  if (!cell || cell.className === "why") return undefined;
  if (cell.classList.contains("num")) return cell.dataset.value && Number(cell.dataset.value);
  return cell.textContent || undefined;
}

// compare compares numbers or texts; what has no value goes last.
function compare(a, b) {
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
  return (view.descending ? -1 : 1) * (a < b ? -1 : a > b ? 1 : 0);
}

function sorted(items, value) {
  return items.map((item) => [item, value(item)]).sort(([, a], [, b]) => compare(a, b)).map(([item]) => item);
}

const sumOf = (group, column) => group.reduce((sum, tr) => sum + Number(tr.cells[column]?.dataset.value ?? 0), 0);

// grouped puts a row with sums before the rows of each agent session, or of each value of the metadata.
function grouped(shown, column) {
  const by = columns.find((c) => c.id === view.group) ?? columns[agentColumn];
  const nameOf = (tr) => (tr.cells[agentColumn].className === "why" ? "Unreadable" : tr.cells[by.index].textContent || `No ${by.header.textContent.toLowerCase()}`);
  let groups = [...Map.groupBy(shown, nameOf)];
  if (summedColumns.includes(column?.index)) groups = sorted(groups, ([, group]) => sumOf(group, column.index));
  return groups.flatMap(([name, group]) => {
    const head = $("group-row").content.firstElementChild.cloneNode(true);
    const [title, note] = head.querySelectorAll("span");
    const active = group.filter((tr) => !["stopped", "unreadable", "was active"].includes(tr.dataset.state)).length;
    title.textContent = name;
    note.textContent = `${thousands(group.length, 0)} ${group.length === 1 ? "session" : "sessions"}, ${thousands(active, 0)} active`;
    if (name !== "Unreadable") summedColumns.forEach((c, i) => {
      const known = group.some((tr) => tr.cells[c]?.dataset.value), write = columns[c].header.textContent.includes("MB") ? (v) => thousands(v, 1) : usd;
      head.cells[i + 1].textContent = known ? write(sumOf(group, c)) : "–";
    });
    return [head, ...group];
  });
}

// show draws the table as the reader wants it.
function show() {
  const words = view.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const column = columns.find((c) => c.id === view.sort);
  for (const { header } of columns) header.removeAttribute("aria-sort");
  column?.header.setAttribute("aria-sort", view.descending ? "descending" : "ascending");
  let shown = rows.filter((tr) => !(view.active && tr.dataset.state === "stopped") && words.every((word) => tr.textContent.toLowerCase().includes(word)));
  $("count").textContent = (shown.length < rows.length ? `${thousands(shown.length, 0)} of ` : "") + `${thousands(rows.length, 0)} shown`;
  $("no-match").hidden = shown.length > 0 || rows.length === 0;
  if (column) shown = sorted(shown, (tr) => valueOf(tr, column));
  place(body, view.group ? grouped(shown, column) : shown);
  keepView();
}

// act shows what the reader has asked for, and has it read out; a refresh does
// not, or it would talk all the time.
function act() {
  show();
  $("said").textContent = $("count").textContent;
}

// keepView writes the view into the address, readView takes it from there.
function keepView() {
  const { sort, descending, filter, active, group } = view;
  const query = new URLSearchParams({ ...(sort && { sort, order: descending ? "descending" : "ascending" }), ...(filter && { filter }), ...(active && { active }), ...(group && { group }) });
  const hash = query.size ? "#" + query : "";
  if (hash !== location.hash) history.replaceState(null, "", location.pathname + location.search + hash);
}

// readView leaves the view as it is where the address leads to a part of the page.
function readView() {
  if (!/^(#(sort|filter|active|group)=|$)/.test(location.hash)) return;
  const query = new URLSearchParams(location.hash.slice(1));
  Object.assign(view, { sort: query.get("sort") ?? "", descending: query.get("order") === "descending",
    filter: query.get("filter") ?? "", active: query.has("active") && $("active") !== null });
  $("filter").value = view.filter;
  if (!$("group")) return;
  $("active").checked = view.active;
  $("group").value = query.get("group") ?? "";
  if ($("group").selectedIndex < 0) $("group").value = "";
  view.group = $("group").value;
}

// follow goes where a link leads to, such as to the row of a session, which the
// filter may hide.
function follow(hash) {
  const tr = rows.find(({ id }) => "#" + id === hash) ?? document.getElementById(hash.slice(1))?.closest("#agents tr");
  readView();
  show();
  if (tr && !tr.isConnected) {
    $("filter").value = view.filter = "";
    if ($("active")) $("active").checked = view.active = false;
    act();
  }
  tr?.scrollIntoView({ block: "nearest" }); // and the header stays in view
  tr?.focus({ preventScroll: true });
}

$("attention")?.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault(); // the browser would scroll the table's header out of sight
  follow(link.hash);
});
$("controls").addEventListener("submit", (event) => event.preventDefault());
$("filter").addEventListener("input", () => { view.filter = $("filter").value.trim(); act(); });
$("active")?.addEventListener("change", () => { view.active = $("active").checked; act(); });
$("group")?.addEventListener("change", () => { view.group = $("group").value; act(); });
$("reload").addEventListener("click", (event) => { event.preventDefault(); location.reload(); }); // with the view
addEventListener("hashchange", () => follow(location.hash));
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

$("controls").hidden = false;
setRows(body.rows);
follow(location.hash);
timer = setTimeout(refresh, refreshEvery);
