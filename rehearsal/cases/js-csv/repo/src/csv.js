import { quote } from './quote.js'
import { splitLines } from './lines.js'

/** Rows of fields. @param {string} text @param {{ separator?: string }} [options] @returns {string[][]} */
export function parse(text, { separator = ',' } = {}) {
  return splitLines(text).map((line) => fieldsOf(line, separator))
}

/** @param {string[][]} rows @param {{ separator?: string }} [options] */
export function format(rows, { separator = ',' } = {}) {
  return rows.map((row) => row.map((field) => quote(field, separator)).join(separator)).join('\r\n')
}

function fieldsOf(line, separator) {
  const fields = []
  let field = ''
  let quoted = false
  for (let at = 0; at < line.length; at++) {
    const char = line[at]
    if (quoted) {
      if (char === '"' && line[at + 1] === '"') {
        field += '"'
        at++
      } else if (char === '"') quoted = false
      else field += char
    } else if (char === '"') quoted = true
    else if (char === separator) {
      fields.push(field)
      field = ''
    } else field += char
  }
  return [...fields, field]
}
