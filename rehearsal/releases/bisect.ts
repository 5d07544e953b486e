import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { playCustomers } from '../player.ts'
import { Release } from './release.ts'
import { faster, putService } from './service.ts'
import type { Check, ReleaseScene, ReleaseStory } from './types.ts'

/** Six changes go to staging together and get worse: which of them it is is found by deploying from the middle. */
export const bisect: ReleaseStory = {
  about:
    'Six changes that go to staging together and get worse: the one that did it is found, by deploys from the middle.',
  prepare(folder, [port = 0]) {
    const settings = join(folder, '.github/muster.yml')
    const staging = `  staging:
    start: node service.mjs
    port: ${port}
    watch: 6s
    approval: none
`
    putService(folder)
    writeFileSync(settings, readFileSync(settings, 'utf8') + staging)
  },
  async play(scene) {
    const { stage, say, ports } = scene
    const { people, repo, world } = stage
    const [port = 0] = ports
    say('The service as it is goes to staging, and somebody tries it all the time.')
    const first = await Release.begun(scene, 'alice', 'Put the price service on staging', 'staging')
    await first.ended('healthy', 'not enough evidence')
    const stopCustomers = playCustomers(port)
    try {
      // What it was like before is to be known.
      await new Promise((done) => setTimeout(done, 8000))
      say('Six changes are merged, and go there together. Four answers in ten fail; what was there before is put back.')
      const shas: string[] = []
      for (const nth of [1, 2, 3, 4, 5, 6])
        shas.push(
          await people.push(
            'alice',
            repo.defaultBranch,
            nth === 3 ? faster('zero') : { [`note-${nth}.md`]: `${nth}` },
            nth === 3 ? 'Answer faster' : `Note ${nth}`,
          ),
        )
      const all = await Release.begun(scene, 'alice', 'Ship six changes', 'staging')
      const isWorse = await all.ended('regressed')
      const isBack = await all.shows(/staging was taken back to/)
      await all.over()
      say('Bob asks which of them it was.')
      const isFound = await all.says('bob', '@muster bisect staging', /made it worse/)
      await all.over()
      return checks(scene, shas, { isWorse, isBack, isFound, body: said(world, all.issue) })
    } finally {
      stopCustomers()
    }
  },
}

function said({ comments, bot }: ReleaseScene['stage']['world'], number: number): string {
  return (
    comments.findLast(({ issue, user, body }) => issue === number && user === bot && body.includes('made it worse'))
      ?.body ?? ''
  )
}

function checks(
  { stage }: ReleaseScene,
  shas: readonly string[],
  { isWorse, isBack, isFound, body }: { isWorse: boolean; isBack: boolean; isFound: boolean; body: string },
): Check[] {
  const bad = shas[2]?.slice(0, 7) ?? ''
  const tried = stage.world.deployments.filter(
    ({ environment, sha }) => environment === 'staging' && shas.slice(0, 5).includes(sha),
  )
  return [
    { what: 'Together they got worse, and were taken back', ok: isWorse && isBack },
    {
      what: 'The one that did it was found, with its title and its author',
      ok: isFound && body.includes(`\`${bad}\` made it worse`) && body.includes('Answer faster'),
      seen: body.slice(0, 200),
    },
    {
      what: 'It took as few deploys as there are halves',
      ok: tried.length > 0 && tried.length <= 3,
      seen: `${tried.length}`,
    },
    {
      what: 'What was tried became no work',
      ok: !stage.world.issues.some(({ title }) => title.startsWith('staging got worse')),
    },
  ]
}
