// Runs inside the sandbox, as `node --input-type=module -e <this text>`; one request as JSON on standard input, one
// answer as JSON on standard output. It trusts nothing it finds: the tree may hold links that lead elsewhere.
import { lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'

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

function read({ path, from = 1, lines = 400 }) {
  const all = linesOf(readText(path))
  const shown = all.slice(from - 1, from - 1 + lines).map((line, index) => `${from + index}\t${line}`)
  const left = all.length - (from - 1 + shown.length)
  return `${path}, lines ${from} to ${from - 1 + shown.length} of ${all.length}\n${shown.join('\n')}${left > 0 ? `\n(${left} more lines)` : ''}`
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

function edit({ path, old, new: text }) {
  const before = readText(path)
  const count = before.split(old).length - 1
  if (old === '' || count !== 1)
    throw new Refused(
      `the old text must stand in ${path} exactly once; it stands there ${old === '' ? 'nowhere (it is empty)' : `${count} times`}`,
    )
  const after = before.replace(old, () => text)
  writeFileSync(inTree(path), after)
  const from = Math.max(1, before.slice(0, before.indexOf(old)).split('\n').length - 2)
  const shown = linesOf(after).slice(from - 1, from + text.split('\n').length + 4)
  return `edited ${path}\n${shown.map((line, index) => `${from + index}\t${line}`).join('\n')}`
}

const request = JSON.parse(readFileSync(0, 'utf8'))
try {
  const text = { read, list, write, edit }[request.op](request.input)
  process.stdout.write(JSON.stringify({ ok: true, text }))
} catch (error) {
  const text =
    error instanceof Refused
      ? error.message
      : error.code === 'ENOENT'
        ? `there is no ${request.input.path}`
        : String(error.message)
  process.stdout.write(JSON.stringify({ ok: false, text }))
}
