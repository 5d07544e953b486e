import { z } from 'zod'
import { parseAllDocuments, stringify } from 'yaml'
import { UserError } from '../../core/errors.ts'
import type { KubernetesSettings } from './settings.ts'

/** Which release an object is of, as it stands on it. */
export const SHA = 'muster.dev/sha'
export const RELEASE = 'muster.dev/release'

const Container = z.looseObject({ name: z.string(), image: z.string().optional() })
const Meta = z.looseObject({ name: z.string().optional(), annotations: z.record(z.string(), z.string()).optional() })
const Thing = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: Meta.optional() })
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
  return all.map((one) => stringify(one)).join('---\n')
}

function isIt({ kind, metadata }: Thing, name: string): boolean {
  return kind === 'Deployment' && metadata?.name === name
}

function thingsIn(file: string, text: string): Thing[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors
    if (error) throw new UserError('bad_manifest', `\`${file}\` is no YAML: ${error.message.split('\n')[0]}`)
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    if (value === null || value === undefined) return []
    const thing = Thing.safeParse(value)
    if (thing.success) return thing.data.kind === 'List' ? itemsOf(file, thing.data) : [thing.data]
    throw new UserError(
      'bad_manifest',
      `\`${file}\` has something in it that is no manifest: \`apiVersion\` and \`kind\` are wanted.`,
    )
  })
}

function itemsOf(file: string, { items }: Thing): Thing[] {
  const found = z.array(Thing).safeParse(items)
  if (found.success) return found.data
  throw new UserError('bad_manifest', `\`${file}\` has a List whose items are no manifests.`)
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
