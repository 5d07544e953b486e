import { z } from 'zod'
import type { Narrator } from '../narrator.ts'
import { Stuck } from '../observe.ts'
import { duplicates } from '../summary.ts'
import type { Check, ReleaseScene, ReleaseStory } from './types.ts'

/** Plays a story of releases, and says what of it truly happened. @returns whether all of it did */
export async function playReleases(
  story: ReleaseStory,
  scene: ReleaseScene,
  narrator: Narrator,
  started: number,
  kept: boolean,
): Promise<boolean> {
  const { checks, outcome } = await played(story, scene)
  const twice = duplicates(scene.stage.world)
  const all: Check[] = [
    ...checks,
    await whole(scene),
    { what: 'Nothing was seen twice on GitHub', ok: twice.length === 0, seen: twice.join('; ') },
  ]
  const ok = outcome === undefined && all.every((check) => check.ok)
  narrator.progress('')
  narrator.checked({
    kind: 'summary',
    ok,
    outcome: outcome ?? (ok ? 'done' : 'not everything happened'),
    checks: all,
    asksModel: story.script !== undefined,
    seconds: Math.round((Date.now() - started) / 100) / 10,
    kept,
  })
  return ok
}

const Standing = z.object({ items: z.array(z.object({ repository: z.string(), name: z.string() })) })
const Verdict = z.object({ problems: z.array(z.string()) })

/** As the server says, over its API. */
async function whole({ server }: ReleaseScene): Promise<Check> {
  const ask = async (path: string): Promise<unknown> => (await fetch(`${server.url}/api/v1/environments${path}`)).json()
  const { items } = Standing.parse(await ask(''))
  const verdicts = await Promise.all(
    items.map(async ({ repository, name }) => Verdict.parse(await ask(`/${repository}/${name}/verify`))),
  )
  const problems = verdicts.flatMap((one) => one.problems)
  const what = 'What the environments went through is written down, whole'
  return { what, ok: items.length > 0 && problems.length === 0, seen: problems.join('; ') }
}

async function played(
  story: ReleaseStory,
  scene: ReleaseScene,
): Promise<{ readonly checks: readonly Check[]; readonly outcome?: string }> {
  try {
    return { checks: await story.play(scene) }
  } catch (error) {
    if (!(error instanceof Stuck)) throw error
    return { checks: [], outcome: error.message }
  }
}
