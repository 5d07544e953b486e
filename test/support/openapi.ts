import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Ajv, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'

// The package is CommonJS: under Node its function is the `default` of the default export.
const addFormats = formats.default
import type { Exchange } from '../../rehearsal/github/server.ts'

/** Checks what goes over the wire against GitHub's own OpenAPI description. */
export interface ApiCheck {
  readonly onExchange: (exchange: Exchange) => void
  readonly violations: string[]
  /** `METHOD path status` of everything that was seen. */
  readonly seen: Set<string>
}

type Json = Record<string, unknown>

/** Where the description says "nullable" but its list of values has no null, null is meant (OpenAPI 3.0.3, "Proposal: Clarify Semantics of nullable"). */
function allowNull(node: unknown): void {
  if (typeof node !== 'object' || node === null) return
  const schema = node as Json
  const choices = schema['anyOf'] ?? schema['oneOf']
  if (schema['nullable'] === true && schema['type'] === undefined) {
    delete schema['nullable']
    if (Array.isArray(choices)) choices.push({ type: 'null' })
  }
  if (schema['nullable'] === true && Array.isArray(schema['enum']) && !schema['enum'].includes(null))
    schema['enum'].push(null)
  for (const inner of Object.values(schema)) allowNull(inner)
}

/** Where the description asks for what cannot be. */
const WAIVED: readonly RegExp[] = [
  // An installation's account must be a user and an enterprise at once (`allOf`) in this list; its own schema says `anyOf`.
  /^GET \/app\/installations 200 response: data\/0\/account must have required property 'name'$/,
]

export function openApiCheck(): ApiCheck {
  const file = createRequire(import.meta.url).resolve('@octokit/openapi/generated/api.github.com.json')
  const description = JSON.parse(readFileSync(file, 'utf8')) as { paths: Record<string, Record<string, Json>> }
  allowNull(description)
  const ajv = new Ajv({ strict: false, allErrors: false, validateFormats: true, logger: false })
  addFormats(ajv)
  ajv.addSchema(description, 'gh')
  const compiled = new Map<string, ValidateFunction | undefined>()
  const violations: string[] = []
  const seen = new Set<string>()

  const pointer = (...parts: string[]) =>
    `gh#/${parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`
  const validator = (key: string, parts: string[]): ValidateFunction | undefined => {
    if (!compiled.has(key)) {
      let node: unknown = description
      for (const part of parts) node = typeof node === 'object' && node !== null ? (node as Json)[part] : undefined
      compiled.set(key, node === undefined ? undefined : ajv.compile({ $ref: pointer(...parts) }))
    }
    return compiled.get(key)
  }

  function check(what: string, parts: string[], value: unknown): void {
    const validate = validator(parts.join(' '), parts)
    if (!validate || validate(value)) return
    const problem = `${what}: ${ajv.errorsText(validate.errors)}`
    if (!WAIVED.some((waiver) => waiver.test(problem))) violations.push(problem)
  }

  return {
    violations,
    seen,
    onExchange({ method, path, query, requestBody, status, responseBody }) {
      const operation = description.paths[path]?.[method.toLowerCase()]
      const name = `${method} ${path}`
      seen.add(`${name} ${status}`)
      if (!operation) return void violations.push(`${name} is not in GitHub's API`)
      const base = ['paths', path, method.toLowerCase()]
      if (requestBody !== undefined)
        check(`${name} request`, [...base, 'requestBody', 'content', 'application/json', 'schema'], requestBody)
      const known = new Set(JSON.stringify(operation['parameters'] ?? []).match(/"name":"(\w+)"|parameters\/([\w-]+)/g))
      if (Object.keys(query).length > 0 && known.size === 0)
        violations.push(`${name} takes no query, but got ${Object.keys(query).join(', ')}`)
      const responses = operation['responses'] as Json
      if (!responses[String(status)] && status < 500 && status !== 401)
        return void violations.push(`${name} never answers ${status}`)
      check(
        `${name} ${status} response`,
        [...base, 'responses', String(status), 'content', 'application/json', 'schema'],
        responseBody,
      )
    },
  }
}
