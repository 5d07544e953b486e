// Runs inside the sandbox, as `node --input-type=module -e <this text>`: a request as JSON in each line of standard input, an answer
// as JSON in each line of standard output, until its input ends. It trusts nothing it finds: the tree may hold links that lead elsewhere.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { createInterface } from 'node:readline'

const root = realpathSync('.')
const MAX_FILE = 2_000_000
const SKIP = new Set(['.git', 'node_modules'])

class Refused extends Error {}

/** A path of the tree, never through a link and never into .git. */
function inTree(path) {
  const full = resolve(root, String(path ?? ''))
  const inside = relative(root, full)
  if (inside.startsWith('..') || inside.includes('\0') || resolve(full) !== full)
    throw new Refused(`${path} is outside the repository`)
  if (inside.split(sep)[0] === '.git') throw new Refused('.git is not for reading or writing')
  let at = root
  for (const part of inside.split(sep).filter(Boolean)) {
    at = join(at, part)
    let stat
    try {
      stat = lstatSync(at)
    } catch {
      break
    }
    if (stat.isSymbolicLink()) throw new Refused(`${path} leads through a symbolic link`)
  }
  return full
}

function readText(path) {
  const full = inTree(path)
  const stat = lstatSync(full)
  if (!stat.isFile()) throw new Refused(`${path} is not a file`)
  if (stat.size > MAX_FILE) throw new Refused(`${path} has ${stat.size} bytes; at most ${MAX_FILE} are read`)
  return readFileSync(full, 'utf8')
}

/** The lines of a text; a final line break ends the last one. */
function linesOf(text) {
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
}

/** So much of a file is shown at once; what is shown is shown whole. */
const MAX_SHOWN = 24_000
const MAX_LINE = 2000

/** A line that no person wrote is cut, and says so. */
function shown(line, number) {
  return `${number}\t${line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}[… ${line.length - MAX_LINE} more characters in this line]` : line}`
}

/** How files of pictures that models see begin. */
const PICTURES = ['89504e47', 'ffd8ff', '47494638', '52494646']

/** A picture as it is, or undefined: the host looks whether it is one. */
function picture(path) {
  const full = inTree(path)
  const stat = lstatSync(full)
  if (!stat.isFile() || stat.size > MAX_FILE || !/\.(png|jpe?g|gif|webp)$/i.test(full)) return undefined
  const bytes = readFileSync(full)
  const start = bytes.subarray(0, 4).toString('hex')
  return PICTURES.some((one) => start.startsWith(one)) ? bytes.toString('base64') : undefined
}

function read({ path, from = 1, lines = 2000 }) {
  const base64 = picture(path)
  if (base64 !== undefined) return { text: path, base64 }
  const all = linesOf(readText(path))
  const out = []
  let size = 0
  for (const line of all.slice(from - 1, from - 1 + lines)) {
    const one = shown(line, from + out.length)
    size += one.length + 1
    if (size > MAX_SHOWN && out.length > 0) break
    out.push(one)
  }
  const to = from - 1 + out.length
  const left = all.length - to
  return `${path}, lines ${from} to ${to} of ${all.length}\n${out.join('\n')}${left > 0 ? `\n(${left} more lines: read from ${to + 1})` : ''}`
}

function list({ path = '.' }) {
  const out = []
  const walk = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (out.length >= 500 || SKIP.has(entry.name)) continue
      const full = join(dir, entry.name)
      if (entry.isDirectory()) walk(full)
      else out.push(relative(root, full))
    }
  }
  walk(inTree(path))
  return `${out.length} files${out.length >= 500 ? ' (more left out)' : ''}\n${out.join('\n')}`
}

function write({ path, content }) {
  const full = inTree(path)
  mkdirSync(dirname(full), { recursive: true })
  writeFileSync(full, content)
  return `wrote ${path}, ${linesOf(content).length} lines`
}

/** Where a text stands, as line numbers. */
function placesOf(text, part) {
  const found = []
  for (let at = text.indexOf(part); at >= 0 && found.length < 20; at = text.indexOf(part, at + 1))
    found.push(text.slice(0, at).split('\n').length)
  return found
}

/** The lines that a text was most likely meant to be: as many of them equal, but for the space around them, as anywhere. */
function nearest(text, old) {
  const all = linesOf(text)
  const wanted = linesOf(old).map((line) => line.trim())
  let best = { at: -1, equal: 0 }
  for (let at = 0; at + wanted.length <= all.length && at < 20_000; at++) {
    let equal = 0
    for (let nth = 0; nth < wanted.length && nth < 200; nth++)
      if (wanted[nth] !== '' && all[at + nth].trim() === wanted[nth]) equal++
    if (equal > best.equal) best = { at, equal }
  }
  const written = wanted.filter((line) => line !== '').length
  if (best.at < 0 || best.equal * 2 < written) return ''
  const lines = all.slice(best.at, best.at + wanted.length).map((line, nth) => shown(line, best.at + 1 + nth))
  const why = best.equal === written ? 'Only the space differs there' : 'These lines are the nearest'
  return `. ${why}, lines ${best.at + 1} to ${best.at + wanted.length}:\n${lines.slice(0, 60).join('\n')}`
}

/** One replacement. @throws Refused where it is not clear which place is meant */
function replaced(text, { old, new: by, all = false, after }, path) {
  if (after !== undefined) return replacedBelow(text, { old, new: by, after }, path)
  if (old === '') throw new Refused('the old text is empty; `write` makes a file')
  const places = placesOf(text, old)
  if (places.length === 0) throw new Refused(`the old text does not stand in ${path}${nearest(text, old)}`)
  if (places.length > 1 && !all)
    throw new Refused(
      `the old text stands in ${path} ${places.length} times (lines ${places.join(', ')}): take more of the lines around it, or say \`all\``,
    )
  return all ? text.split(old).join(by) : text.replace(old, () => by)
}

/** The first place below a line that is named. */
function replacedBelow(text, { old, new: by, after }, path) {
  const line = text.indexOf(after)
  if (line < 0) throw new Refused(`"${after}" does not stand in ${path}${nearest(text, after)}`)
  const at = text.indexOf(old, line)
  if (at < 0) throw new Refused(`the old text does not stand in ${path} below "${after}"${nearest(text, old)}`)
  return text.slice(0, at) + by + text.slice(at + old.length)
}

/** So many lines of what was changed are told at most: whoever wrote it knows what is between. */
const TOLD = 10

/** Where what was changed begins and ends, as it is now. */
function around(before, after) {
  const [old, now] = [linesOf(before), linesOf(after)]
  let from = 0
  while (from < old.length && old[from] === now[from]) from++
  let end = 0
  while (end < now.length - from && end < old.length - from && old[old.length - 1 - end] === now[now.length - 1 - end])
    end++
  const [first, last] = [Math.max(0, from - 2), Math.min(now.length, now.length - end + 2)]
  const lines = now.slice(first, last).map((line, nth) => shown(line, first + 1 + nth))
  return lines.length > TOLD
    ? [...lines.slice(0, TOLD / 2), `(${lines.length - TOLD} lines between)`, ...lines.slice(-TOLD / 2)]
    : lines
}

function edit({ path, edits }) {
  const before = readText(path)
  let after = before
  edits.forEach((one, nth) => {
    try {
      after = replaced(after, one, path)
    } catch (error) {
      if (!(error instanceof Refused) || edits.length === 1) throw error
      throw new Refused(`edit ${nth + 1} of ${edits.length}: ${error.message}\nNothing was changed.`)
    }
  })
  writeFileSync(inTree(path), after)
  return `edited ${path}\n${around(before, after).join('\n')}`
}

/** Several files at once: all of it, or nothing. */
function patch({ changes }) {
  const named = changes.flatMap(({ path, to }) => (to === undefined ? [path] : [path, to])).map(inTree)
  if (new Set(named).size < named.length) throw new Refused('a file is named twice: put all of its hunks into one part')
  const done = changes.map((change) => {
    const full = inTree(change.path)
    if (change.to !== undefined && existsSync(inTree(change.to))) throw new Refused(`${change.to} is there already`)
    if (change.kind === 'add' && existsSync(full)) throw new Refused(`${change.path} is there already: update it`)
    const before = change.kind === 'add' ? '' : readText(change.path)
    if (change.kind === 'delete') return { ...change, gone: full }
    if (change.kind === 'add') return { ...change, full, before, after: change.text }
    const after = change.hunks.reduce((text, hunk) => replaced(text, hunk, change.path), before)
    const moved = change.to === undefined ? {} : { gone: full }
    return { ...change, full: change.to === undefined ? full : inTree(change.to), before, after, ...moved }
  })
  for (const { full, after, gone } of done) {
    if (gone) unlinkSync(gone)
    if (!full) continue
    mkdirSync(dirname(full), { recursive: true })
    writeFileSync(full, after)
  }
  return done
    .map(({ kind, path, to, before, after }) =>
      kind === 'delete'
        ? `deleted ${path}`
        : kind === 'add'
          ? `added ${path}`
          : `edited ${path}${to === undefined ? '' : `, now ${to}`}\n${around(before, after).join('\n')}`,
    )
    .join('\n')
}

function answer(line) {
  let request
  try {
    request = JSON.parse(line)
    const done = { read, list, write, edit, patch }[request.op](request.input)
    return typeof done === 'string' ? { ok: true, text: done } : { ok: true, ...done }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, text: error.message }
    return { ok: false, text: error.code === 'ENOENT' ? `there is no ${request?.input?.path}` : String(error.message) }
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity }))
  process.stdout.write(`${JSON.stringify(answer(line))}\n`)
