// Writes values for people, as format.go does on the server.

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

const places = (n) => new Intl.NumberFormat("en-US", { minimumFractionDigits: n, maximumFractionDigits: n });
const four = places(4), one = places(1);

// cost writes US dollars for a column.
export const cost = (v) => (v < 0 ? "-$" : "$") + four.format(Math.abs(v));

export const megabytes = (v) => one.format(v);

// ticks write a time that goes on by itself, given in milliseconds.
export const ticks = {
  ago: (at) => `${duration(Math.max(0, now.ms - at)).split(" ")[0]} ago`,
  age: (at) => duration(now.ms - at),
  left: (at) => (at < now.ms ? "-" : "") + duration(at - now.ms),
};
