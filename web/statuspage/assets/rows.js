// What a row of the table shows of a session, as page.html has it.
import { element, setText } from "./dom.js";
import { cost, duration, megabytes, now, tick, time } from "./format.js";

const soon = 5 * 60 * 1000;
const urgency = ["overdue", "unreadable", "timing out", "active", "stopped"];

// model turns a session of the JSON into what the table shows and sorts by.
export function model(session) {
  const m = { ...session, start: Date.parse(session.start_timestamp), timeout: Date.parse(session.timeout_timestamp),
    finish: Date.parse(session.finish_timestamp), read: Date.parse(session.read_timestamp) };
  if (session.up) m.cost = session.proxy_cost_usd + session.browser_cost_usd;
  m.text = [session.session_id, session.agent_session_id, session.error?.text, session.error?.cause, session.error?.reason,
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

// row makes the row of a session.
export function row(m, columns) {
  const cells = (m.up ? columns : columns.slice(0, 2)).map((column) => cell(m, column));
  if (!m.up) cells.push(why(m.error, columns.length - 2));
  return element("tr", { id: "s-" + m.session_id, role: "row", tabindex: -1, "data-state": state(m) }, ...cells);
}

function cell(m, column) {
  const attributes = { class: column.className, "data-label": column.title };
  if (column.key === "session_id") return element("th", { ...attributes, role: "rowheader", scope: "row", title: m.session_id }, m.session_id);
  if (column.key === "agent_session_id") attributes.title = m.agent_session_id;
  return element("td", { ...attributes, role: "cell" }, ...content(m, column));
}

// content is what a cell has in it: nothing rather than an empty text, so that it
// is found to be empty.
function content(m, column) {
  switch (column.key) {
    case "state": return [state(m)];
    case "agent_session_id": return m.agent_session_id ? [m.agent_session_id] : [];
    case "age": return [m.finish ? duration(m.finish - m.start) : time("age", m.start_timestamp)];
    case "left":
      if (m.active) return [time("left", m.timeout_timestamp)];
      return m.finish ? [element("span", { class: "quiet" }, "ended ", time("ago", m.finish_timestamp))] : [];
    case "proxy_used_megabytes": return [megabytes(m.proxy_used_megabytes)];
    case "read": return [time("ago", m.read_timestamp)];
    case "info": return m.info?.[column.label] ? [m.info[column.label]] : [];
    default: return [cost(m[column.key])];
  }
}

// why is the cell in place of values.
function why(error, span) {
  const cause = error.cause ? [" ", element("span", { class: "quiet" }, error.cause)] : [];
  return element("td", { class: "why", "data-label": "Why", role: "cell", colspan: span }, element("p", {}, error.text, ...cause));
}

// tickRow lets the times of a row go on, and its state with them.
export function tickRow(tr, m) {
  const word = state(m);
  if (tr.dataset.state !== word) tr.dataset.state = word;
  setText(tr.cells[0], word);
  for (const t of tr.getElementsByTagName("time")) tick(t);
}
