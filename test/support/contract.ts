import { existsSync, readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import type { RestExchange } from '../../rehearsal/rest.ts'

const addFormats = formats.default
type Json = Record<string, unknown>

/** Checks what goes over the wire against a vendor's own OpenAPI description, where that is at hand. */
export interface ContractCheck {
  readonly onExchange: (exchange: RestExchange) => void
  readonly violations: string[]
  readonly seen: Set<string>
}

const FILES = {
  jira: { file: 'jira-platform-v3.json', prefix: '' },
  clickup: { file: 'clickup-v2.json', prefix: '/v2' },
} as const

/** Where the description is known to be wrong, or Muster goes beyond it on purpose. */
const WAIVED: readonly RegExp[] = [
  // All links of a ticket are a list, as Jira's own example of this answer shows; the schema beside it is that of one link.
  /^GET \/rest\/api\/3\/issue\/\{issueIdOrKey\}\/remotelink 200 response: data must be object$/,
  // Nobody is made responsible for a comment by its being edited: leaving the field out is what ClickUp's own examples in other languages do.
  /^PUT \/v2\/comment\/\{comment_id\} request: data must have required property 'assignee'$/,
  // Derived from an example with empty lists; the same task is described with objects where it is read.
  /^PUT \/v2\/task\/\{task_id\} 200 response: data\/(tags|assignees)\/0 must be string$/,
  // Where nobody is responsible for a comment.
  /^GET \/v2\/task\/\{task_id\}\/comment 200 response: data\/comments\/\d+\/(assignee|assigned_by) must be object$/,
  // What a task has not is null, as the description of one task says; that of the list leaves it out.
  /^GET \/v2\/team\/\{team_Id\}\/task 200 response: data\/tasks\/\d+\/(date_closed|parent|priority|due_date|start_date|points|time_estimate) must be (string|integer|number)$/,
]

/** @returns undefined where the descriptions are not at hand: they may not be copied into the project */
export function contractCheck(vendor: keyof typeof FILES): ContractCheck | undefined {
  const { file, prefix } = FILES[vendor]
  const url = new URL(`../../../shared/contracts/${file}`, import.meta.url)
  if (!existsSync(url)) return undefined
  const description = JSON.parse(readFileSync(url, 'utf8')) as { paths: Record<string, Record<string, Json>> }
  const ajv = new Ajv({ strict: false, allErrors: true, logger: false, validateFormats: false })
  addFormats(ajv)
  ajv.addSchema(description, 'doc')
  const compiled = new Map<string, ValidateFunction | undefined>()
  const violations: string[] = []
  const seen = new Set<string>()

  const validator = (parts: readonly string[]): ValidateFunction | undefined => {
    const key = parts.join(' ')
    if (!compiled.has(key)) {
      let node: unknown = description
      for (const part of parts) node = typeof node === 'object' && node !== null ? (node as Json)[part] : undefined
      const pointer = parts
        .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
        .join('/')
      compiled.set(key, node === undefined ? undefined : ajv.compile({ $ref: `doc#/${pointer}` }))
    }
    return compiled.get(key)
  }

  function check(what: string, parts: readonly string[], value: unknown): void {
    const validate = validator(parts)
    if (!validate || validate(value)) return
    for (const error of validate.errors ?? []) {
      const problem = `${what}: ${ajv.errorsText([error])}`
      if (!WAIVED.some((waiver) => waiver.test(problem)) && !violations.includes(problem)) violations.push(problem)
    }
  }

  return {
    violations,
    seen,
    onExchange({ method, path, query, requestBody, status, responseBody }) {
      const full = prefix + path
      const operation = description.paths[full]?.[method.toLowerCase()]
      const name = `${method} ${full}`
      seen.add(`${name} ${status}`)
      if (!operation) return void violations.push(`${name} is not in the description`)
      const base = ['paths', full, method.toLowerCase()]
      if (requestBody !== undefined)
        check(`${name} request`, [...base, 'requestBody', 'content', 'application/json', 'schema'], requestBody)
      const known = JSON.stringify(operation['parameters'] ?? [])
      for (const parameter of Object.keys(query))
        if (!known.includes(`"name":"${parameter.replace(/\[\]$/, '')}`))
          violations.push(`${name} takes no ${parameter}`)
      if (status >= 300) return
      check(
        `${name} ${status} response`,
        [...base, 'responses', String(status), 'content', 'application/json', 'schema'],
        responseBody,
      )
    },
  }
}
