// The table of sessions: sorted, filtered and grouped as view says. A session
// keeps its row for as long as it is there, whatever is refreshed.
import { element, morph, place } from "./dom.js";
import { cost, count, megabytes } from "./format.js";
import { model, row, sortValue, state, tickRow } from "./rows.js";

const summed = ["proxy_used_megabytes", "proxy_cost_usd", "browser_cost_usd", "cost"];
const leading = 5; // columns before the summed ones

export class Table {
  #table; #body; #onSort; #columns = [];
  #entries = new Map(); // by session ID, in the exporter's order: the session as model m and as json, and its row tr
  #groups = new Map();  // the parts of the table by agent session
  #inView = new Set();  // the rows that one sees
  #observer = new IntersectionObserver((seen) => this.#look(seen));
  view = { sort: "", descending: false, filter: "", group: false };

  constructor(table, onSort) {
    this.#table = table;
    this.#body = table.tBodies[0];
    this.#onSort = onSort;
    for (const header of table.tHead.rows[0].cells) this.#columns.push(this.#makeSortable(header));
  }

  // makeSortable puts a button into a header, and returns its column.
  #makeSortable(header) {
    const column = { header, key: header.dataset.key, title: header.textContent, label: header.dataset.label, className: header.className };
    column.id = column.label ?? column.key;
    const button = element("button", { type: "button" }, column.title);
    button.addEventListener("click", () => this.#sortBy(column));
    header.replaceChildren(button);
    return column;
  }

  // sortBy goes from one order to the other, and then back to the order in which
  // the exporter gives the sessions: those that need attention first.
  #sortBy(column) {
    const view = this.view;
    const first = column.className.includes("num") && column.key !== "left"; // whether the largest go first
    if (view.sort !== column.id) Object.assign(view, { sort: column.id, descending: first });
    else if (view.descending === first) view.descending = !first;
    else Object.assign(view, { sort: "", descending: false });
    this.#onSort();
  }

  // set takes the sessions that there are now, and draws anew the rows of those
  // about whom something has changed.
  set(sessions) {
    const before = this.#entries;
    this.#entries = new Map();
    for (const { timeout_remaining_seconds, ...session } of sessions) { // timeout_timestamp says the same, and stays
      const id = session.session_id, json = JSON.stringify(session), old = before.get(id);
      before.delete(id);
      this.#entries.set(id, old?.json === json ? old : this.#draw(session, json, old));
    }
    for (const { tr } of before.values()) {
      this.#observer.unobserve(tr);
      this.#inView.delete(tr);
    }
    const agents = new Set([...this.#entries.values()].map((entry) => groupOf(entry.m)));
    for (const id of this.#groups.keys()) if (!agents.has(id)) this.#groups.delete(id);
  }

  // draw keeps the row that there is already, at first from the server.
  #draw(session, json, old) {
    const m = model(session), made = row(m, this.#columns);
    const tr = old?.tr ?? document.getElementById(made.id) ?? made;
    if (tr !== made) morph(tr, made);
    if (!old) this.#observer.observe(tr);
    return { m, json, tr };
  }

  // render draws the table, and returns how many sessions of how many it shows.
  render() {
    const column = this.#columns.find((c) => c.id === this.view.sort);
    for (const c of this.#columns) {
      if (c !== column) c.header.removeAttribute("aria-sort");
      else c.header.setAttribute("aria-sort", this.view.descending ? "descending" : "ascending");
    }
    const shown = this.#sorted([...this.#entries.values()].filter((entry) => this.#matches(entry.m)), column);
    if (!this.view.group) place(this.#body, shown.map((entry) => entry.tr));
    const bodies = this.view.group ? this.#grouped(shown, column) : [this.#body];
    place(this.#table, [this.#table.caption, this.#table.tHead, ...bodies]);
    return { shown: shown.length, of: this.#entries.size };
  }

  // tick lets ages and times left go on, and states with them, where one sees it.
  tick() {
    for (const tr of this.#inView) this.#tickRow(tr);
  }

  #tickRow(tr) {
    tickRow(tr, this.#entries.get(tr.id.slice(2)).m);
  }

  #look(seen) {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) this.#inView.delete(target);
      else if (this.#entries.get(target.id.slice(2))?.tr === target) {
        this.#inView.add(target);
        this.#tickRow(target);
      }
    }
  }

  // find returns the row of a session, if it is shown.
  find(id) {
    const tr = this.#entries.get(id)?.tr;
    return tr?.isConnected ? tr : undefined;
  }

  #matches(m) {
    const text = state(m) + " " + m.text;
    return this.view.filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }

  #sorted(entries, column) {
    if (!column) return entries;
    const sign = this.view.descending ? -1 : 1;
    return entries
      .map((entry) => ({ entry, value: sortValue(entry.m, column) }))
      .sort((a, b) => byValue(a.value, b.value, sign))
      .map(({ entry }) => entry);
  }

  // grouped returns a part of the table for each agent session.
  #grouped(entries, column) {
    const groups = new Map();
    for (const entry of entries) {
      const id = groupOf(entry.m), m = entry.m;
      if (!groups.has(id)) groups.set(id, { id, rows: [], sums: summed.map(() => 0), active: 0 });
      const group = groups.get(id);
      group.rows.push(entry.tr);
      if (m.active) group.active++;
      if (m.up) summed.forEach((key, i) => { group.sums[i] += m[key]; });
    }
    const list = [...groups.values()];
    const by = column ? summed.indexOf(column.key) : -1;
    const sign = this.view.descending ? -1 : 1;
    if (by >= 0) list.sort((a, b) => byValue(a.sums[by], b.sums[by], sign));
    return list.map((group) => this.#groupBody(group));
  }

  #groupBody(group) {
    let body = this.#groups.get(group.id);
    if (!body) this.#groups.set(group.id, (body = element("tbody", { role: "rowgroup" }, element("tr", {}))));
    const head = body.rows[0];
    morph(head, this.#groupRow(group));
    place(body, [head, ...group.rows]);
    return body;
  }

  #groupRow({ id, rows, sums, active }) {
    const name = id === "" ? "No agent session" : id === "?" ? "Unreadable" : id;
    const note = `${count(rows.length)} ${rows.length === 1 ? "session" : "sessions"}, ${count(active)} active`;
    return element("tr", { class: "group", role: "row" },
      element("th", { scope: "rowgroup", role: "rowheader", colspan: leading },
        element("span", { class: "id" }, name), " ", element("span", { class: "quiet" }, note)),
      ...sums.map((sum, i) => element("td", { class: "num", role: "cell", "data-label": this.#columns[leading + i].title },
        ...(id === "?" ? [] : [i === 0 ? megabytes(sum) : cost(sum)]))),
      element("td", { role: "cell", colspan: this.#columns.length - leading - summed.length }));
  }
}

// groupOf is the group of a session. Of an unreadable one nobody knows which.
function groupOf(m) {
  return m.up ? m.agent_session_id : "?";
}

// byValue compares numbers or texts; what has no value goes last.
function byValue(a, b, sign) {
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
  return sign * (a < b ? -1 : a > b ? 1 : 0);
}
