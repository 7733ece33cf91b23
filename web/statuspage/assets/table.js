// The table of sessions: sorted, filtered and grouped as view says. A session
// keeps its row for as long as it is there, whatever is refreshed.
import { cost, megabytes } from "./format.js";
import { element, model, row, setText, sortValue, state, tick, update, writeState } from "./rows.js";

const summed = ["proxy_used_megabytes", "proxy_cost_usd", "browser_cost_usd", "cost"];
const leading = 5; // columns before the summed ones

export class Table {
  #table; #body; #onSort; #columns = []; #models = []; #rows = new Map(); #groups = new Map();
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

  // set takes the sessions that there are now.
  set(sessions) {
    this.#models = sessions.map(model);
    const there = new Set(this.#models.map((m) => m.session_id));
    for (const id of this.#rows.keys()) if (!there.has(id)) this.#rows.delete(id);
    const agents = new Set(this.#models.map(groupOf));
    for (const id of this.#groups.keys()) if (!agents.has(id)) this.#groups.delete(id);
  }

  // render draws the table, and returns how many sessions of how many it shows.
  render() {
    const column = this.#columns.find((c) => c.id === this.view.sort);
    for (const c of this.#columns) {
      if (c !== column) c.header.removeAttribute("aria-sort");
      else c.header.setAttribute("aria-sort", this.view.descending ? "descending" : "ascending");
    }
    const shown = this.#sorted(this.#models.filter((m) => this.#matches(m)), column);
    this.#place(this.view.group ? this.#grouped(shown, column) : shown.map((m) => this.#row(m)));
    return { shown: shown.length, of: this.#models.length };
  }

  // tick lets ages and times left go on, and states with them.
  tick() {
    for (const m of this.#models) {
      const tr = this.#rows.get(m.session_id);
      if (!tr?.isConnected) continue;
      writeState(tr, m);
      for (const t of tr.getElementsByTagName("time")) tick(t);
    }
  }

  // find returns the row of a session, if it is shown.
  find(id) {
    const tr = this.#rows.get(id);
    return tr?.isConnected ? tr : undefined;
  }

  #matches(m) {
    const text = state(m) + " " + m.text;
    return this.view.filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }

  #sorted(models, column) {
    if (!column) return models;
    const sign = this.view.descending ? -1 : 1;
    return models
      .map((m) => ({ m, value: sortValue(m, column) }))
      .sort((a, b) => byValue(a.value, b.value, sign))
      .map((entry) => entry.m);
  }

  #row(m) {
    let tr = this.#rows.get(m.session_id);
    if (tr) update(tr, m, this.#columns);
    else this.#rows.set(m.session_id, (tr = row(m, this.#columns)));
    return tr;
  }

  // grouped returns the rows of sessions below those of their agent sessions.
  #grouped(models, column) {
    const groups = new Map();
    for (const m of models) {
      const id = groupOf(m);
      if (!groups.has(id)) groups.set(id, { id, models: [], sums: summed.map(() => 0), active: 0 });
      const group = groups.get(id);
      group.models.push(m);
      if (m.active) group.active++;
      if (m.up) summed.forEach((key, i) => { group.sums[i] += m[key]; });
    }
    const list = [...groups.values()];
    const by = column ? summed.indexOf(column.key) : -1;
    const sign = this.view.descending ? -1 : 1;
    if (by >= 0) list.sort((a, b) => byValue(a.sums[by], b.sums[by], sign));
    return list.flatMap((group) => [this.#groupRow(group), ...group.models.map((m) => this.#row(m))]);
  }

  #groupRow(group) {
    let tr = this.#groups.get(group.id);
    if (!tr) {
      tr = element("tr", { className: "group" },
        element("th", { scope: "row", colSpan: leading }, element("span", { className: "id" }), " ", element("span", { className: "quiet" })),
        ...summed.map((key, i) => {
          const cell = element("td", { className: "num" });
          cell.dataset.label = this.#columns[leading + i].title;
          return cell;
        }),
        element("td", { colSpan: this.#columns.length - leading - summed.length }));
      this.#groups.set(group.id, tr);
    }
    const [name, note] = tr.cells[0].children;
    setText(name, group.id === "" ? "No agent session" : group.id === "?" ? "Unreadable" : group.id);
    setText(note, `${group.models.length} ${group.models.length === 1 ? "session" : "sessions"}, ${group.active} active`);
    group.sums.forEach((sum, i) => setText(tr.cells[1 + i], group.id === "?" ? "" : i === 0 ? megabytes(sum) : cost(sum)));
    return tr;
  }

  // place lets the table have these rows in this order, and moves no row that
  // is in its place.
  #place(rows) {
    const focused = this.#body.contains(document.activeElement) ? document.activeElement : undefined;
    let at = this.#body.firstElementChild;
    for (const tr of rows) {
      if (tr === at) at = at.nextElementSibling;
      else this.#body.insertBefore(tr, at);
    }
    while (at) {
      const next = at.nextElementSibling;
      at.remove();
      at = next;
    }
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
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
