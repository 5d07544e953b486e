/**
 * Which tests failed, by what a test runner printed: TAP, Node's own form, JUnit's XML, vitest, jest, pytest, Go and Cargo. A run is
 * compared with another one failure by failure, so that a suite that was red before a change proves nothing against it.
 */

/** So many names are kept of one run. */
const MAX_FAILURES = 500
const MAX_NAME = 300

/** One pattern a form; the first group names the test. Each is linear: it stands on one line. */
const FORMS: readonly RegExp[] = [
  // TAP 13 and 14 (testanything.org): what is expected to fail is none.
  /^[ \t]{0,40}not ok\b[ \t]{0,5}\d{0,9}[ \t]{0,5}(?:-[ \t]{1,5})?([^\n#]{1,300})(?:#(?![ \t]{0,5}(?:todo|skip))[^\n]{0,300})?$/gim,
  // Node's spec reporter, and vitest's.
  /^[ \t]{0,40}[✖×][ \t]{1,5}([^\n]{1,400})$/gm,
  // vitest's summary, and the files of jest and the packages of Go.
  /^ ?FAIL[ \t]{1,3}(\S[^\n]{0,800})$/gm,
  // jest.
  /^[ \t]{0,5}●[ \t]{1,5}([^\n]{1,400})$/gm,
  // Go.
  /^[ \t]{0,40}--- FAIL: ([^\s]{1,300}) \(/gm,
  // Cargo.
  /^test ([^\s]{1,300}) \.\.\. FAILED$/gm,
]

/** What repeats at the end of an output what stands in it already: Node's spec reporter, and jest. */
const REPEATED = /^(?:✖ failing tests:|Summary of all failing tests)$/m

/** @returns their names, sorted, each as often as it failed; empty where none failed, or where the output is of no known form */
export function failuresIn(output: string): readonly string[] {
  const [plain = ''] = withoutColour(output).split(REPEATED, 1)
  const found = new Map<string, number>()
  const add = (name: string) => found.set(name, (found.get(name) ?? 0) + 1)
  for (const name of [...junit(plain), ...pytest(plain)]) add(name)
  for (const form of FORMS) for (const [, name = ''] of plain.matchAll(form)) add(tidyName(name))
  found.delete('')
  const all = [...found].flatMap(([name, times]) =>
    Array.from({ length: times }, (_, nth) => (nth === 0 ? name : `${name} (${nth + 1})`)),
  )
  return all.toSorted().slice(0, MAX_FAILURES)
}

/** Times differ from run to run. */
function tidyName(name: string): string {
  return name
    .replace(/[ \t]{1,5}\(?[\d.,]{1,12}[ \t]?(?:ms|s|m)\)?[ \t]{0,5}$/, '')
    .trim()
    .slice(0, MAX_NAME)
}

function withoutColour(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/\u001b\[[\d;]{0,20}m/g, '')
}

const CASE = /<testcase\b([^<>]{0,2000})>/g

/** JUnit's XML: a case that holds a failure or an error. */
function junit(text: string): string[] {
  const cases = [...text.matchAll(CASE)]
  return cases.flatMap(({ 1: attributes = '', index, 0: whole }, at) => {
    if (attributes.endsWith('/')) return []
    const inside = text.slice(index + whole.length, cases[at + 1]?.index ?? text.length)
    const body = inside.slice(0, inside.indexOf('</testcase>') + 1 || inside.length)
    // What is expected to fail, or not to run, is none.
    if (!/<(?:failure|error)\b/.test(body) || /<skipped\b/.test(body)) return []
    const name = / name="([^"]{0,400})"/.exec(attributes)?.[1] ?? ''
    const of = /classname="([^"]{0,400})"/.exec(attributes)?.[1]
    return [of ? `${of} ${name}` : name]
  })
}

const SUMMARY = /^(?:FAILED|ERROR)[ \t](\S[^\n]{0,1400})$/gm

/** pytest's short summary: what a case was called with may hold spaces; what went wrong stands behind a dash. */
function pytest(text: string): string[] {
  return [...text.matchAll(SUMMARY)].flatMap(([, line = '']) => {
    const bracket = line.indexOf('[')
    const dash = line.indexOf(' - ', bracket < 0 ? 0 : Math.max(bracket, line.indexOf('] - ')))
    const name = (dash < 0 ? line : line.slice(0, dash)).trim()
    return /\.py\b|::/.test(name) ? [name.slice(0, MAX_NAME)] : []
  })
}

/** How many passed, as the last summary says, or all of Cargo's; undefined where none does. */
export function passedIn(output: string): number | undefined {
  // Cargo sums up each file by itself.
  const cargo = [...withoutColour(output).matchAll(/^test result: \w{1,10}\. (\d{1,9}) passed/gm)]
  if (cargo.length > 0) return cargo.reduce((sum, [, count]) => sum + Number(count), 0)
  const found = [...withoutColour(output).matchAll(/(?:^[#ℹ] pass (\d{1,9})$|\b(\d{1,9}) passed\b)/gm)].at(-1)
  const count = found?.[1] ?? found?.[2]
  return count === undefined ? undefined : Number(count)
}

/** A run as it is compared. */
interface Compared {
  readonly exitCode: number
  readonly failures?: readonly string[] | undefined
  readonly passed?: number | undefined
}

/** How a red run stands to one without the change: nothing new fails; something does; or nobody can tell. */
export type Comparison =
  | { readonly kind: 'same' }
  | { readonly kind: 'worse'; readonly fresh: readonly string[] }
  | { readonly kind: 'unknown' }

/**
 * Compares two runs of one command that both failed. A run that ran out of time tells nothing, nor does one of which not everything is
 * known: it may have broken off, and failed in less than before.
 */
export function compared(now: Compared, before: Compared): Comparison {
  const [ours = [], theirs = []] = [now.failures, before.failures]
  const isWhole = (names: readonly string[]) => names.length > 0 && names.length < MAX_FAILURES
  if (!isWhole(ours) || !isWhole(theirs) || now.exitCode === 124 || before.exitCode === 124) return { kind: 'unknown' }
  const known = new Set(theirs)
  const fresh = ours.filter((name) => !known.has(name))
  if (fresh.length > 0) return { kind: 'worse', fresh }
  if (now.passed === undefined || before.passed === undefined) return { kind: 'unknown' }
  return now.passed < before.passed
    ? { kind: 'worse', fresh: [`${before.passed - now.passed} tests that passed before did not pass`] }
    : { kind: 'same' }
}
