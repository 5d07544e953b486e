import { z } from 'zod'
import type { EnvironmentSettings, TargetName } from '../core/settings.ts'
import { span } from '../core/span.ts'
import { CANARY, POLICY, policyOf } from './policy.ts'
import type { Target, TargetDeps } from './types.ts'

/**
 * A target: from its part of `.github/muster.yml` to what deploys there. What it needs is loaded when it is opened, not before.
 * `test/contracts/targets.test.ts` says when one is finished.
 */
export interface TargetModule {
  readonly name: TargetName
  /** As plans and reports call it. */
  readonly title: string
  /** Its environments in the file: checked, complete, and as they are stored. */
  readonly settings: TargetSettings
  /** Whether it can give two releases a share of the requests each. */
  readonly weighs: boolean
  readonly open: (deps: TargetDeps) => Promise<Target>
}

/** Told from those of other targets by its key `target`. */
export type TargetSettings = z.ZodPipe<z.ZodObject, z.ZodTransform<EnvironmentSettings, Record<string, unknown>>>

/** The keys of any environment, as they are written. */
const COMMON = {
  watch: span.default(600).describe('How long a release is watched before the report.'),
  auto: z.boolean().default(false).describe('Plan the deploy by itself once the pull request is merged.'),
  approval: z
    .enum(['other', 'self', 'none'])
    .default('other')
    .describe('Who approves a deploy: somebody other than the requester, the requester too, or nobody.'),
  ...POLICY,
}
const Common = z.object({ ...COMMON, ...CANARY })

/** The target that is meant where none is named. */
const DEFAULT: TargetName = 'local-process'

interface Definition extends Omit<TargetModule, 'settings' | 'weighs'> {
  /** In a sentence, for whoever writes the file. */
  readonly describe: string
  /** Its own keys, as they are written. */
  readonly keys: z.ZodRawShape
  /** Whether it can give two releases a share of the requests each: then its environments may have `canary`. */
  readonly weighs?: boolean | undefined
  /** What is stored of them beside the common ones, where that is something else: plain data. */
  readonly stored?: (own: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
}

/** Declares a target. @throws Error where one of its keys is one that every environment has */
export function defineTarget(definition: Definition): TargetModule {
  const { name, title, open, describe, keys, weighs = false, stored = (own) => own } = definition
  const taken = Object.keys(keys).find((key) => key === 'target' || Object.hasOwn(Common.shape, key))
  if (taken) throw new Error(`the target ${name}: every environment has a key ${taken}`)
  const literal = z.literal(name)
  const target = name === DEFAULT ? literal.optional().meta({ default: name }) : literal
  const common = weighs ? { ...COMMON, ...CANARY } : COMMON
  const file = z
    .strictObject({ target: target.describe(describe), ...common, ...keys })
    .refine((all) => !all.prometheus || !('canary' in all) || all.canary === undefined, {
      error: '`prometheus` tells no two releases apart, so it cannot be had with `canary`',
      path: ['prometheus'],
    })
  const settings = file.transform((all) => {
    const { watch, auto, approval, ...policy } = Common.parse(all)
    const own = Object.fromEntries(Object.entries(all).filter(([key]) => Object.hasOwn(keys, key)))
    return { ...stored(own), auto, approval, target: name, watchSeconds: watch, policy: policyOf(policy) }
  })
  return { name, title, weighs, open, settings }
}
