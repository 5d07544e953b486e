import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Ajv, type ValidateFunction } from 'ajv'

type Node = Readonly<Record<string, unknown>>

/** Kubernetes' own description of its API (1.20, Apache-2.0): of it, what is used here. */
const FILE = new URL('../../fixtures/kubernetes.openapi.json', import.meta.url)
const description = JSON.parse(readFileSync(FILE, 'utf8')) as Node & {
  readonly paths: Readonly<Record<string, Node>>
}
const STATUS = '/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Status'

/** What the description says of requests and answers. @param violations where what it does not say is noted */
export function checker(violations: string[]) {
  const options = { strict: false, allErrors: false, logger: false, validateFormats: false } as const
  const open = new Ajv(options).addSchema(description, 'k8s')
  const strict = new Ajv(options).addSchema(closed(description) as Node, 'k8s')
  const compiled = new Map<string, ValidateFunction>()
  const validator = (by: Ajv, pointer: string): ValidateFunction => {
    const key = `${by === strict} ${pointer}`
    const known = compiled.get(key) ?? by.compile({ $ref: `k8s#${pointer}` })
    compiled.set(key, known)
    return known
  }
  return {
    /** What is wrong with something that is to be applied, as the server says it. */
    unknown(definition: string, body: unknown): string | undefined {
      const validate = validator(strict, `/definitions/${definition}`)
      if (validate(body)) return undefined
      const [error] = validate.errors ?? []
      const path = `.${(error?.instancePath ?? '').slice(1).replaceAll('/', '.')}`
      return error?.keyword === 'additionalProperties'
        ? `${path}.${String(error.params['additionalProperty'])}: field not declared in schema`
        : `${path}: ${error?.message}`
    },
    /** Looks at what is answered, as it leaves. */
    watch(request: IncomingMessage, response: ServerResponse): void {
      const end = response.end.bind(response)
      response.end = ((body: unknown, ...more: never[]) => {
        const { pathname } = new URL(request.url ?? '/', 'http://cluster')
        const method = (request.method ?? '').toLowerCase()
        const path = Object.keys(description.paths).find((one) => patternOf(one).test(pathname))
        const code = response.statusCode
        if (path && !description.paths[path]?.[method]) violations.push(`${method} ${pathname}: not described`)
        else if (path && typeof body === 'string' && body.startsWith('{')) {
          const validate = validator(open, code >= 400 ? STATUS : schemaOf(path, method, code))
          if (!validate(JSON.parse(body)))
            violations.push(`${method} ${pathname} ${code}: ${open.errorsText(validate.errors)}`)
        }
        return end(body as never, ...more)
      }) as typeof response.end
    },
  }
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/\/$/, '').replaceAll(/\{\w+\}/g, '[^/]+')}$`)
}

/** Failures are a Status whatever was asked, and are described by none; what was made new is what was changed. */
function schemaOf(path: string, method: string, code: number): string {
  const escaped = encodeURIComponent(path.replaceAll('~', '~0').replaceAll('/', '~1'))
  return `/paths/${escaped}/${method}/responses/${code === 201 ? 200 : code}/schema`
}

/** Whatever is not described is refused. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed)
  if (typeof node !== 'object' || node === null) return node
  const own: Record<string, unknown> = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, closed(value)]),
  )
  const isPlain = own['type'] === 'object' && typeof own['properties'] === 'object'
  return isPlain && own['additionalProperties'] === undefined ? { ...own, additionalProperties: false } : own
}
