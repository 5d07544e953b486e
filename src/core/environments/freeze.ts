/** Times in which nothing is deployed, by the clock of a place. */
export type FreezeWindow =
  /** Each week, between two minutes of it; counted from Monday 00:00, and over its end where `from` is the later one. */
  | {
      readonly kind: 'weekly'
      readonly from: number
      readonly to: number
      readonly zone: string
      readonly reason: string
    }
  /** Once, between two local times, `2026-12-20T00:00`. */
  | {
      readonly kind: 'once'
      readonly from: string
      readonly to: string
      readonly zone: string
      readonly reason: string
    }

const WEEK = 7 * 24 * 60
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const MINUTE_MS = 60_000

/** The minute of the week that is written as `fri 16:00`; undefined where it is none. */
export function minuteOfWeek(text: string): number | undefined {
  const [, day = '', hours, minutes] = /^([a-z]{3})[a-z]*\s+(\d{1,2}):(\d{2})$/i.exec(text.trim()) ?? []
  const nth = DAYS.findIndex((name) => name === day.toLowerCase())
  const [h, m] = [Number(hours), Number(minutes)]
  return nth < 0 || !(h <= 24) || !(m < 60) ? undefined : nth * 1440 + h * 60 + m
}

/** A local time that is written as `2026-12-20` or `2026-12-20 18:00`, in the form in which such times can be compared. */
export function localTime(text: string): string | undefined {
  const [, date, time = '00:00'] = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}))?$/.exec(text.trim()) ?? []
  const local = `${date}T${time}`
  return date !== undefined && Number.isFinite(Date.parse(`${local}:00Z`)) ? local : undefined
}

export function isZone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: zone }))
  } catch {
    return false
  }
}

/**
 * The window that a moment is in, and when it ends, ms since the epoch; of several the one that ends last. Where the clock of the
 * place is changed in between, the end is off by that hour: whoever waits for it looks again then.
 */
export function frozenAt(
  windows: readonly FreezeWindow[],
  now: number,
): { readonly until: number; readonly reason: string } | undefined {
  return windows
    .flatMap((window) => {
      const left = minutesLeft(window, now)
      return left === undefined ? [] : [{ until: now + left * MINUTE_MS - (now % MINUTE_MS), reason: window.reason }]
    })
    .toSorted((a, b) => b.until - a.until)[0]
}

/** How many minutes of a window are left; undefined outside of it. */
function minutesLeft(window: FreezeWindow, now: number): number | undefined {
  const local = localNow(now, window.zone)
  if (window.kind === 'once') {
    if (local.text < window.from || local.text >= window.to) return undefined
    return (Date.parse(`${window.to}:00Z`) - Date.parse(`${local.text}:00Z`)) / MINUTE_MS
  }
  const { from, to } = window
  const [length, passed] = [(to - from + WEEK) % WEEK || WEEK, (local.minuteOfWeek - from + WEEK) % WEEK]
  return passed < length ? length - passed : undefined
}

/** Making one takes longer than using it a hundred times. */
const CLOCKS = new Map<string, Intl.DateTimeFormat>()

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = CLOCKS.get(zone)
  if (known) return known
  const clock = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  })
  // There are some hundreds of zones; names that only differ in their letters' case are as many as one likes.
  if (CLOCKS.size > 1000) CLOCKS.clear()
  CLOCKS.set(zone, clock)
  return clock
}

function localNow(now: number, zone: string): { readonly text: string; readonly minuteOfWeek: number } {
  const parts = clockOf(zone).formatToParts(now)
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((one) => one.type === type)?.value ?? ''
  const time = `${part('hour')}:${part('minute')}`
  return {
    text: `${part('year')}-${part('month')}-${part('day')}T${time}`,
    minuteOfWeek: minuteOfWeek(`${part('weekday')} ${time}`) ?? 0,
  }
}
