import type { Money } from './api';

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const percents = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });
const finePercents = new Intl.NumberFormat(undefined, {
  style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1,
});
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' });
const moneys = new Map<string, Intl.NumberFormat>();

export const NONE = '–';

export const count = (value: number): string => whole.format(value);
export const short = (value: number): string => (value < 100_000 ? whole.format(value) : compact.format(value));
export const rate = (value: number): string => (value < 100 ? tenths.format(value) : whole.format(value));
export const share = (part: number, of: number): string => (of > 0 ? percents.format(part / of) : NONE);
export const fineShare = (part: number, of: number): string => (of > 0 ? finePercents.format(part / of) : NONE);
export const time = (ms: number): string => clock.format(ms);
export const date = (ms: number): string => day.format(ms);

export function milliseconds(value: number): string {
  if (!(value > 0)) return NONE;
  return value < 10 ? tenths.format(value) : whole.format(value);
}

function inCurrency(value: Money, options: Intl.NumberFormatOptions): string {
  const key = `${value.currency} ${options.maximumFractionDigits} ${options.notation}`;
  let format = moneys.get(key);
  if (!format) {
    try {
      format = new Intl.NumberFormat(undefined, { style: 'currency', currency: value.currency, ...options });
    } catch {
      return `${value.amount} ${value.currency}`;  // Not a currency that Intl knows.
    }
    moneys.set(key, format);
  }
  return format.format(Number(value.amount));
}

export const money = (value: Money | null | undefined): string => (value ? inCurrency(value, {}) : NONE);

// For narrow columns: a figure that is cut off reads as another one. The larger it is, the less its last digits matter.
const narrow = (value: Money, wholeFrom: number): string => {
  const size = Math.abs(Number(value.amount));
  if (size >= 100_000) return inCurrency(value, { notation: 'compact', maximumSignificantDigits: 3 });
  return inCurrency(value, size >= wholeFrom ? { maximumFractionDigits: 0 } : {});
};

// Of revenue nobody compares cents.
export const wholeMoney = (value: Money | null | undefined): string => (value ? narrow(value, 0) : NONE);
export const price = (value: Money | null | undefined): string => (value ? narrow(value, 1000) : NONE);

export function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86_400)} d`;
}

export function bytes(value: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    ++at;
  }
  return new Intl.NumberFormat(undefined, {
    style: 'unit', unit: units[at], unitDisplay: 'short', maximumFractionDigits: value < 10 && at > 0 ? 1 : 0,
  }).format(value);
}

export const words = (name: string): string => name.replaceAll('_', ' ');
