// Makes and updates the rows of the table, as page.html has them.
import { cost, duration, megabytes, now, ticks } from "./format.js";

const soon = 5 * 60 * 1000;
const urgency = ["overdue", "unreadable", "timing out", "active", "stopped"];

// model turns a session of the JSON into what the table shows and sorts by.
export function model(session) {
  const m = { ...session, start: Date.parse(session.start_timestamp), timeout: Date.parse(session.timeout_timestamp),
    finish: Date.parse(session.finish_timestamp), read: Date.parse(session.read_timestamp) };
  if (session.up) m.cost = session.proxy_cost_usd + session.browser_cost_usd;
  m.text = [session.session_id, session.agent_session_id, session.error?.text, session.error?.reason,
    ...Object.values(session.info ?? {})].join(" ").toLowerCase();
  return m;
}

export function state(m) {
  if (!m.up) return "unreadable";
  if (!m.active) return "stopped";
  const left = m.timeout - now.ms;
  return left < 0 ? "overdue" : left < soon ? "timing out" : "active";
}

// sortValue is what a column is sorted by; undefined goes last.
export function sortValue(m, column) {
  switch (column.key) {
    case "state": return urgency.indexOf(state(m));
    case "age": return m.up ? (m.finish || now.ms) - m.start : undefined;
    case "left": return m.active ? m.timeout : undefined;
    case "info": return m.info?.[column.label] || undefined;
    case "read": return m.read || undefined;
    default: return m[column.key] === "" ? undefined : m[column.key];
  }
}

export function element(tag, props = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in e) e[name] = value;
    else e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}

// setText changes a text only if it differs, so that nothing is drawn anew and
// what is selected stays so.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// time returns an element whose text goes on by itself.
export function time(kind, at) {
  const t = element("time", { dateTime: new Date(at).toISOString() }, ticks[kind](at));
  t.dataset.tick = kind;
  return t;
}

// tick writes the text of a time anew.
export const tick = (t) => setText(t, ticks[t.dataset.tick](Date.parse(t.dateTime)));

// setPlain lets a cell hold a text and no time.
function setPlain(cell, text) {
  if (cell.firstElementChild) cell.replaceChildren(text);
  else setText(cell, text);
}

// setTime lets a cell hold the time that it should, and keeps the element.
function setTime(cell, kind, at, before = "") {
  const old = cell.querySelector("time");
  if (old?.dataset.tick === kind) {
    const text = new Date(at).toISOString();
    if (old.dateTime !== text) old.dateTime = text;
    tick(old);
  } else if (before) {
    cell.replaceChildren(element("span", { className: "quiet" }, before, time(kind, at)));
  } else {
    cell.replaceChildren(time(kind, at));
  }
}

// row makes the row of a session.
export function row(m, columns) {
  const tr = element("tr", { id: "s-" + m.session_id, tabIndex: -1 });
  fill(tr, m, columns);
  return tr;
}

// update brings a row up to date.
export function update(tr, m, columns) {
  if ((tr.dataset.up === "true") !== m.up) fill(tr, m, columns);
  else write(tr, m, columns);
}

function fill(tr, m, columns) {
  tr.dataset.up = m.up;
  const cells = [];
  for (const column of m.up ? columns : columns.slice(0, 2)) {
    const cell = element(column.key === "session_id" ? "th" : "td", { className: column.className });
    if (column.key === "session_id") cell.scope = "row";
    cell.dataset.label = column.title;
    cells.push(cell);
  }
  cells[0].append(element("span", { className: "state" }));
  if (!m.up) {
    const why = element("td", { colSpan: columns.length - 2, className: "why" });
    why.dataset.label = "Why";
    cells.push(why);
  }
  tr.replaceChildren(...cells);
  write(tr, m, columns);
}

// writeState brings the state of a row up to date: it changes with the time.
export function writeState(tr, m) {
  const word = state(m);
  if (tr.dataset.state !== word) tr.dataset.state = word;
  setText(tr.cells[0].firstElementChild, word);
}

function write(tr, m, columns) {
  writeState(tr, m);
  setText(tr.cells[1], m.session_id);
  if (!m.up) return setText(tr.cells[2], m.error.text);
  columns.forEach((column, i) => {
    const cell = tr.cells[i];
    switch (column.key) {
      case "agent_session_id":
        cell.title = m.agent_session_id;
        return setText(cell, m.agent_session_id);
      case "age": return m.finish ? setPlain(cell, duration(m.finish - m.start)) : setTime(cell, "age", m.start);
      case "left":
        if (m.active) return setTime(cell, "left", m.timeout);
        return m.finish ? setTime(cell, "ago", m.finish, "ended ") : setPlain(cell, "");
      case "proxy_used_megabytes": return setText(cell, megabytes(m.proxy_used_megabytes));
      case "proxy_cost_usd": case "browser_cost_usd": case "cost": return setText(cell, cost(m[column.key]));
      case "read": return setTime(cell, "ago", m.read);
      case "info": return setText(cell, m.info?.[column.label] ?? "");
    }
  });
}
