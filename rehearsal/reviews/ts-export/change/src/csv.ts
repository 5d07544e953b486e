import type { Cell, Table } from './table.ts'

/** A table as CSV (RFC 4180), its head in the first line. Null is an empty field. Ends with a line break. */
export function toCsv({ head, rows }: Table): string {
  return [head, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('')
}

function field(cell: Cell): string {
  if (cell === null) return ''
  const text = typeof cell === 'number' ? String(cell) : harmless(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** Spreadsheets take a text for a formula by its first character. Source: OWASP, "CSV Injection". */
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
}
