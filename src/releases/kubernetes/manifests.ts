import { z } from 'zod'
import { parseAllDocuments, type Tags } from 'yaml'
import { UserError } from '../../core/errors.ts'
import type { KubernetesSettings } from './settings.ts'

/** Which release an object is of, as it stands on it. */
export const SHA = 'muster.dev/sha'
export const RELEASE = 'muster.dev/release'

const Container = z.looseObject({ name: z.string(), image: z.string().optional() })
const Meta = z.looseObject({ name: z.string().optional(), annotations: z.record(z.string(), z.string()).nullish() })
const Thing = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: Meta.nullish() })
type Thing = z.infer<typeof Thing>
const Deployment = Thing.extend({
  metadata: Meta,
  spec: z.looseObject({
    template: z.looseObject({
      metadata: Meta.optional(),
      spec: z.looseObject({ containers: z.array(Container).min(1) }),
    }),
  }),
})

/**
 * The manifests of a commit as they are applied: with which release they are of on the Deployment and its pods, and its image.
 * @param texts files of YAML, by their names
 * @throws UserError where they are none, or the Deployment is not among them
 */
export function prepared(
  texts: Readonly<Record<string, string>>,
  { deployment, image, container }: Pick<KubernetesSettings, 'deployment' | 'image' | 'container'>,
  { sha, release }: { readonly sha: string; readonly release: string },
): string {
  const things = Object.entries(texts).flatMap(([file, text]) => thingsIn(file, text))
  const found = things.filter((one) => isIt(one, deployment))
  if (found.length !== 1)
    throw new UserError(
      'no_deployment',
      `The manifests have ${found.length === 0 ? 'no' : 'more than one'} Deployment \`${deployment}\`.`,
    )
  const marks = { [SHA]: sha, [RELEASE]: release }
  const all = things.map((one) =>
    isIt(one, deployment) ? marked(one, marks, image?.replaceAll('{sha}', sha), container) : one,
  )
  // As JSON, which means the same to everybody.
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: all })
}

function isIt({ apiVersion, kind, metadata }: Thing, name: string): boolean {
  return kind === 'Deployment' && apiVersion.startsWith('apps/') && metadata?.name === name
}

/** As kubectl reads it: YAML 1.1, where `0400` is octal, `yes` is true, and a date is a text. */
const YAML = {
  version: '1.1',
  customTags: (tags: Tags) =>
    tags.filter((one) => typeof one === 'string' || one.tag !== 'tag:yaml.org,2002:timestamp'),
} as const

function thingsIn(file: string, text: string): Thing[] {
  return parseAllDocuments(text, YAML).flatMap((document) => {
    const [error] = document.errors
    if (error) throw new UserError('bad_manifest', `\`${file}\` is no YAML: ${error.message.split('\n')[0]}`)
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    return value === null || value === undefined ? [] : opened(file, value)
  })
}

/** A list stands for what is in it. */
function opened(file: string, value: unknown): Thing[] {
  const thing = Thing.safeParse(value)
  if (!thing.success)
    throw new UserError(
      'bad_manifest',
      `\`${file}\` has something in it that is no manifest: \`apiVersion\` and \`kind\` are wanted.`,
    )
  const { kind, items } = thing.data
  if (!kind.endsWith('List') || !Array.isArray(items)) return [thing.data]
  return items.flatMap((one) => opened(file, one))
}

function marked(
  thing: Thing,
  marks: Readonly<Record<string, string>>,
  image: string | undefined,
  container: string | undefined,
): Thing {
  const read = Deployment.safeParse(thing)
  if (!read.success) throw new UserError('bad_manifest', 'The Deployment has no containers in its template.')
  const { metadata, spec } = read.data
  const { template } = spec
  const { containers } = template.spec
  const at =
    container === undefined && containers.length === 1 ? 0 : containers.findIndex(({ name }) => name === container)
  if (image !== undefined && at < 0)
    throw new UserError(
      'no_container',
      container === undefined
        ? 'The Deployment has several containers, and `container` does not say which runs the image.'
        : `The Deployment has no container \`${container}\`.`,
    )
  const own = image === undefined ? containers : containers.map((one, nth) => (nth === at ? { ...one, image } : one))
  const inner = { ...template.metadata, annotations: { ...template.metadata?.annotations, ...marks } }
  return {
    ...read.data,
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...marks } },
    spec: { ...spec, template: { ...template, metadata: inner, spec: { ...template.spec, containers: own } } },
  }
}

/** Which Deployment it is of whose rollout is waited for, as was applied once. */
export function deploymentIn(applied: string): string | undefined {
  const { items } = Applied.parse(JSON.parse(applied))
  return items.find(({ kind, metadata }) => kind === 'Deployment' && metadata?.annotations?.[RELEASE])?.metadata?.name
}

const Applied = z.object({ items: z.array(Thing) })
