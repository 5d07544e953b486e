import { readFileSync, writeFileSync } from 'node:fs'
import { CASES, tableOf } from './table.ts'

/** Writes the table of attacks into docs/security.md. */
const file = new URL('../../docs/security.md', import.meta.url)
const text = readFileSync(file, 'utf8')
const start = text.indexOf('| # | Attack |')
const end = text.indexOf('\n\n', start)
writeFileSync(file, text.slice(0, start) + tableOf(CASES) + text.slice(end))
