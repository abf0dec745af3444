// Numbers and times as people read them.

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const MOMENT = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });
const DAY = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', timeZone: 'UTC' });
const HOUR = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

export const NOTHING = '–';

/** @param {number | null | undefined} value @returns {string} */
export function whole(value) {
  return value === null || value === undefined ? NOTHING : WHOLE.format(value);
}

/** @param {number | null | undefined} value @param {number} [digits] @returns {string} */
export function decimal(value, digits = 1) {
  return value === null || value === undefined ? NOTHING : value.toFixed(digits);
}

/** @param {number} count @param {string} one @param {string} [many] @returns {string} */
export function counted(count, one, many = `${one}s`) {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

/** @param {number} bytes @returns {string} */
export function bytes(bytes) {
  const units = ['B', 'kB', 'MB', 'GB'];
  const power = Math.min(units.length - 1, bytes > 0 ? Math.floor(Math.log10(bytes) / 3) : 0);
  return `${(bytes / 1000 ** power).toFixed(power > 0 ? 1 : 0)} ${units[power]}`;
}

/** @param {string | Date} at @returns {string} */
export function moment(at) {
  return MOMENT.format(new Date(at));
}

/** @param {number | null | undefined} share 0 to 1 @returns {string} */
export function percent(share) {
  if (share === null || share === undefined) return NOTHING;
  return share > 0 && share < 0.0995 ? `${(100 * share).toFixed(1)} %` : `${Math.round(100 * share)} %`;
}

/** @param {string} at @returns {string} the hour and minute here */
export function hourOf(at) {
  return HOUR.format(new Date(at));
}

/** @param {string} date ISO day @returns {string} */
export function day(date) {
  return DAY.format(new Date(`${date}T00:00:00Z`));
}

/** @param {string | Date} at @param {number} [now] @returns {string} */
export function ago(at, now = Date.now()) {
  const seconds = Math.round((new Date(at).getTime() - now) / 1000);
  const past = Math.abs(seconds);
  if (past < 60) return RELATIVE.format(seconds, 'second');
  if (past < 3600) return RELATIVE.format(Math.round(seconds / 60), 'minute');
  if (past < 86400) return RELATIVE.format(Math.round(seconds / 3600), 'hour');
  return RELATIVE.format(Math.round(seconds / 86400), 'day');
}

/** @param {number | null} seconds @returns {string} */
export function span(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return NOTHING;
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
