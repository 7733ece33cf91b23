// Writes values for people, as format.go does on the server.
import { element, setText } from "./dom.js";

export const now = { offset: 0, get ms() { return Date.now() + this.offset; } }; // by the exporter's clock

const pad = (n) => String(n).padStart(2, "0");

// duration writes the two largest units of milliseconds, without a sign.
export function duration(ms) {
  const s = Math.floor(Math.abs(ms) / 1000);
  const minutes = Math.floor(s / 60), hours = Math.floor(s / 3600), days = Math.floor(s / 86400);
  if (days > 0) return `${days}d ${pad(hours % 24)}h`;
  if (hours > 0) return `${hours}h ${pad(minutes % 60)}m`;
  if (minutes > 0) return `${minutes}m ${pad(s % 60)}s`;
  return `${s}s`;
}

// thousands returns what writes numbers with commas, and those beyond reason, of
// which not all digits are known, shortly.
function thousands(places) {
  const format = new Intl.NumberFormat("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
  return (v) => (Math.abs(v) >= 1e15 ? v.toExponential(2) : format.format(v));
}

const four = thousands(4);

// cost writes US dollars for a column.
export const cost = (v) => (v < 0 ? "-$" : "$") + four(Math.abs(v));

export const megabytes = thousands(1);
export const count = thousands(0);

// utc writes when something was: by a clock that is the same for all who look.
export const utc = (at) => new Date(at).toISOString().slice(0, 19).replace("T", " ") + " UTC";

// ticks write a time that goes on by itself, given in milliseconds.
const ticks = {
  ago: (at) => `${duration(Math.max(0, now.ms - at)).split(" ")[0]} ago`,
  age: (at) => duration(now.ms - at),
  left: (at) => (at < now.ms ? "-" : "") + duration(at - now.ms),
};

// time returns an element whose text goes on by itself; at is a time of the JSON.
export const time = (kind, at) => element("time", { "data-tick": kind, datetime: at }, ticks[kind](Date.parse(at)));

// tick writes the text of a time anew.
export const tick = (t) => setText(t, ticks[t.dataset.tick](Date.parse(t.dateTime)));
