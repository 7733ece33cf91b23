// Keeps the page of a project, or the list of projects, up to date, and its tables sorted, filtered and grouped as the
// reader wants them. That stands in the address, so a reload or a link keeps it.
// All that is shown is written by the exporter: a refresh fetches the page again
// and changes what differs, so that the rest stays selected, focused and in place.

const refreshEvery = 5_000, hiddenEvery = 60_000; // while the page is looked at, and while it is not
const costShare = 20; // a refresh takes a 20th of the time at most
const parts = ["read", "health", "tiles", "attention", "empty", "no-agents", "facts", "failures", "config"]; // beside the tables
const agentColumn = 2, summedColumns = [5, 6, 7, 8, 9, 10];

const $ = (id) => document.getElementById(id);
const view = { filter: "", active: false, group: "" }; // of the main table
let timer;

const thousands = (v, places) => v.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });

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
  for (const table of tables) table.setRows(made.getElementById(table.id).tBodies[0].rows);
  show();
}

// A Table can be sorted by each of its columns.
class Table {
  rows = []; // all, in the exporter's order
  sort = ""; // the column; "" is the exporter's order: what needs attention first
  descending = false;

  constructor(element) {
    this.id = element.id;
    this.prefix = element.id === "table" ? "" : `${element.id}_`; // of its keys in the address
    this.body = element.tBodies[0];
    this.columns = [...element.tHead.rows[0].cells].map((header, index) => {
      const column = { header, index, id: header.dataset.key };
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      button.addEventListener("click", () => this.sortBy(column));
      header.append(button);
      return column;
    });
    this.setRows(this.body.rows);
  }

  get column() { return this.columns.find(({ id }) => id === this.sort); }

  // setRows keeps the row of a session for as long as it is there.
  setRows(made) {
    const known = new Map(this.rows.map((tr) => [tr.id, tr]));
    this.rows = [...made].map((tr) => {
      const old = known.get(tr.id);
      if (old) morph(old, tr);
      return old ?? tr;
    });
  }

  // sortBy goes from one order to the other, and then back to the exporter's.
  sortBy({ id, header }) {
    const first = header.classList.contains("num") && id !== "left"; // whether the largest go first
    if (this.sort !== id) Object.assign(this, { sort: id, descending: first });
    else if (this.descending === first) this.descending = !first;
    else Object.assign(this, { sort: "", descending: false });
    act();
  }

  // sorted puts items in the order of their values, numbers or texts; what has none goes last.
  sorted(items, value) {
    const sign = this.descending ? -1 : 1;
    return items.map((item) => [item, value(item)]).sort(([, a], [, b]) => {
      if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
      return sign * (a < b ? -1 : a > b ? 1 : 0);
    }).map(([item]) => item);
  }

  // show draws these rows, as arrange groups them.
  show(rows, arrange = (sorted) => sorted) {
    for (const { header } of this.columns) header.removeAttribute("aria-sort");
    this.column?.header.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
    place(this.body, arrange(this.column ? this.sorted(rows, (tr) => valueOf(tr, this.column)) : rows));
  }
}

// valueOf is what a row is sorted by, if there is such a thing.
function valueOf(tr, column) {
  const cell = tr.cells[column.index];
  if (!cell || cell.className === "why") return undefined;
  if ("value" in cell.dataset) return Number(cell.dataset.value);
  return cell.classList.contains("num") ? undefined : cell.textContent || undefined;
}

const tables = [...document.querySelectorAll("table")].map((element) => new Table(element));
const [main] = tables; // of sessions, or of projects

const sumOf = (group, column) => group.reduce((sum, tr) => sum + Number(tr.cells[column]?.dataset.value ?? 0), 0);

// grouped puts a row with sums before the rows of each agent session, or of each value of the metadata.
function grouped(shown) {
  const { columns, column } = main, by = columns.find(({ id }) => id === view.group) ?? columns[agentColumn];
  const nameOf = (tr) => (tr.cells[agentColumn].className === "why" ? "Unreadable" : tr.cells[by.index].textContent || `No ${by.header.textContent.toLowerCase()}`);
  let groups = [...Map.groupBy(shown, nameOf)];
  if (summedColumns.includes(column?.index)) groups = main.sorted(groups, ([, group]) => sumOf(group, column.index));
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

// show draws the tables as the reader wants them.
function show() {
  const words = view.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const { rows } = main;
  const shown = rows.filter((tr) => !(view.active && tr.dataset.state === "stopped") && words.every((word) => tr.textContent.toLowerCase().includes(word)));
  $("count").textContent = (shown.length < rows.length ? `${thousands(shown.length, 0)} of ` : "") + `${thousands(rows.length, 0)} shown`;
  $("no-match").hidden = shown.length > 0 || rows.length === 0;
  for (const table of tables) table === main ? table.show(shown, view.group ? grouped : undefined) : table.show(table.rows);
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
  const query = new URLSearchParams();
  for (const { prefix, sort, descending } of tables) if (sort) {
    query.set(`${prefix}sort`, sort);
    query.set(`${prefix}order`, descending ? "descending" : "ascending");
  }
  for (const [name, value] of Object.entries(view)) if (value) query.set(name, value);
  const hash = query.size ? "#" + query : "";
  if (hash !== location.hash) history.replaceState(null, "", location.pathname + location.search + hash);
}

// readView leaves the view as it is where the address leads to a part of the page.
function readView() {
  if (!/^(#\w+=|$)/.test(location.hash)) return;
  const query = new URLSearchParams(location.hash.slice(1));
  for (const table of tables) {
    table.sort = query.get(`${table.prefix}sort`) ?? "";
    table.descending = query.get(`${table.prefix}order`) === "descending";
  }
  Object.assign(view, { filter: query.get("filter") ?? "", active: query.has("active") && $("active") !== null });
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
  const tr = tables.flatMap(({ rows }) => rows).find(({ id }) => "#" + id === hash);
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

document.addEventListener("click", (event) => {
  const link = event.target.closest("td a[href^='#'], #attention a");
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
follow(location.hash);
timer = setTimeout(refresh, refreshEvery);
