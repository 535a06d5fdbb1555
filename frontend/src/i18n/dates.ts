// Times the way people write them, by language; formatters are costly to make, so they are kept.

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(language: string, name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${name}`;
  let found = formatters.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(language, options);
    formatters.set(key, found);
  }
  return found;
}

/** Local midnight before `at`: equal for all times of one day. */
export function startOfDay(at: number): number {
  const date = new Date(at);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

export function daysBetween(earlier: number, later: number): number {
  // Rounded, because a day with a clock change has 23 or 25 hours.
  return Math.round((startOfDay(later) - startOfDay(earlier)) / 86_400_000);
}

export const timeOfDay = (at: number, language: string): string =>
  formatter(language, 'time', { hour: '2-digit', minute: '2-digit' }).format(at);

export const fullDate = (at: number, language: string): string =>
  formatter(language, 'full', { dateStyle: 'full', timeStyle: 'short' }).format(at);

/** For the list: time today, weekday within a week, else the date. */
export function listTime(at: number, now: number, language: string, yesterday: string): string {
  const days = daysBetween(at, now);
  if (days <= 0) return timeOfDay(at, language);
  if (days === 1) return yesterday;
  if (days < 7) return formatter(language, 'weekday', { weekday: 'short' }).format(at);
  if (new Date(at).getFullYear() === new Date(now).getFullYear()) {
    return formatter(language, 'day', { day: 'numeric', month: 'short' }).format(at);
  }
  return formatter(language, 'date', { dateStyle: 'short' }).format(at);
}

export function dayName(at: number, now: number, language: string, today: string, yesterday: string): string {
  const days = daysBetween(at, now);
  if (days <= 0) return today;
  if (days === 1) return yesterday;
  if (new Date(at).getFullYear() === new Date(now).getFullYear()) {
    return formatter(language, 'long-day', { weekday: 'long', day: 'numeric', month: 'long' }).format(at);
  }
  return formatter(language, 'long-date', { dateStyle: 'long' }).format(at);
}
