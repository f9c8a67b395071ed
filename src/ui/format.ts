// Numbers and durations as text. Pure; one place, so that the same figure reads the same everywhere.

const MINUS = '−';

/** `0.843` -> `84%`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** A plain number with fixed decimals and a true minus sign. */
export function fixed(value: number, decimals = 2): string {
  const text = Math.abs(value).toFixed(decimals);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** As `fixed`, but the sign is always written. */
export function signed(value: number, decimals = 2): string {
  const text = fixed(value, decimals);
  return text.startsWith(MINUS) ? text : `+${text}`;
}

/** Whole points between two shares: `+14`. */
export function points(share: number): string {
  return signed(Math.round(share * 100), 0);
}

/** Three significant digits, exponents for the very small: learning rates and norms. */
export function significant(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5) {
    return value.toExponential(1).replace('.0e', 'e').replace('e-', `e${MINUS}`).replace('e+', 'e');
  }
  return String(Number(value.toPrecision(3)));
}

/** `1248576` -> `1,248,576`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Decimal units, as disks and networks count. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Clock form: `01:13`, from an hour on `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** Prose form: `3 min 49 s`, `1 h 5 min`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.round((whole % 3600) / 60)} min`;
}

/** Time left now, from an estimate made earlier; a dash while unknown. */
export function etaText(etaSeconds: number | null, estimatedAt: number, now: number): string {
  if (etaSeconds === null) return '–';
  return clock(Math.max(0, etaSeconds - Math.max(0, now - estimatedAt) / 1000));
}

/** `1 row`, `2 rows`. */
export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}

/** Time of day on the reader's clock: `14:05`; with the date when it is not today's. */
export function timeOfDay(time: number, now: number): string {
  const today = new Date(time).toDateString() === new Date(now).toDateString();
  return new Date(time).toLocaleString(undefined, { timeStyle: 'short', ...(today ? {} : { dateStyle: 'medium' }) });
}
