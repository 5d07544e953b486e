import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { playCustomers } from '../player.ts'
import { Release } from './release.ts'
import { noteOf, putService, watchedFor } from './service.ts'
import type { Check, ReleaseScene, ReleaseStory } from './types.ts'

const DAY_MS = 86_400_000
const date = (at: number) => new Date(at).toISOString().slice(0, 10)

/** Three deploys of one environment, a lock, a freeze, and an approval of what does not hold any more. */
export const queue: ReleaseStory = {
  about:
    'Three deploys of one environment at once, a lock, a freeze, an approval that does not hold any more, and a way back from elsewhere.',
  prepare(folder, [port = 0]) {
    const settings = join(folder, '.github/muster.yml')
    const [from, to] = [Date.now() - 2 * DAY_MS, Date.now() + 3 * DAY_MS].map(date)
    const staging = `  staging:
    start: node service.mjs
    port: ${port}
    watch: 6s
    approval: self
    freeze:
      - { from: ${from}, to: ${to}, reason: "stocktaking" }
`
    putService(folder)
    writeFileSync(settings, readFileSync(settings, 'utf8') + staging)
  },
  async play(scene) {
    const { stage, say } = scene
    const { people, repo } = stage
    say('The service as it is goes live. Then bob locks production: stocktaking.')
    const first = await Release.first(scene)
    const stopCustomers = playCustomers(stage.productionPort)
    try {
      await people.comment('bob', first.issue, '@muster lock production stocktaking')
      const shas: string[] = []
      for (const note of ['one', 'two'])
        shas.push(await people.push('alice', repo.defaultBranch, { 'note.txt': note }, `Note ${note}`))
      return await threeAtOnce(scene, first, shas)
    } finally {
      stopCustomers()
    }
  },
}

async function threeAtOnce(scene: ReleaseScene, first: Release, shas: readonly string[]): Promise<Check[]> {
  const { stage, say } = scene
  const { people } = stage
  const [older = '', newer = ''] = shas
  say(
    'Three deploys are asked for and approved, one of them of an older commit. All of them wait: production is locked.',
  )
  const one = await Release.asked(scene, 'alice', 'Ship the first note', `production ${older}`)
  const two = await Release.asked(scene, 'alice', 'Ship the second note', `production ${newer}`)
  const three = await Release.asked(scene, 'alice', 'Ship the first note once more', `production ${older}`)
  const wrong = await three.says('bob', '@muster approve 0123abc', /nothing was approved/)
  for (const release of [one, two, three]) await release.approved('bob')
  await three.waits(3)
  const isLocked = await three.shows(/production is locked.*third in line/s)
  const before = await noteOf(stage)
  say('Bob unlocks it: one goes live after the other, each watched to its verdict.')
  await people.comment('bob', first.issue, '@muster unlock production')
  const ends = [await one.ended('healthy'), await two.ended('healthy')]
  const stale = await three.replanned()
  const isWarned = await three.shows(/takes a commit away that is live on production now.*Note two/s)
  await people.comment('bob', three.issue, '@muster reject it is in already')
  await three.over()
  say('Staging is frozen for some days: whoever asks is told until when, and takes it back.')
  const frozen = await Release.asked(scene, 'alice', 'Ship to staging', 'staging')
  await frozen.approved('alice')
  await frozen.waits(1)
  const isFrozen = await frozen.shows(/Nothing is deployed to staging until.*stocktaking/s)
  await people.comment('alice', frozen.issue, '@muster reject')
  await frozen.over()
  const order = stage.world.deployments.filter(({ statuses }) => statuses.some(({ state }) => state === 'success'))
  const isBack = await backFromElsewhere(scene, first)
  return [
    { what: 'An approval of another plan was refused', ok: wrong },
    {
      what: 'While it was locked nothing went live, and whoever waited was told why and where in line',
      ok: isLocked && before === 'zero',
    },
    {
      what: 'Unlocked, one went live after the other, in the order in which they came',
      ok: order.map(({ sha }) => sha).join() === [first.sha, older, newer].join(),
      seen: order.map(({ sha }) => sha.slice(0, 7)).join(', '),
    },
    { what: 'Each was watched to its verdict', ok: ends.every(Boolean) },
    {
      what: 'What would have undone the newer one was not deployed: it was planned anew, and the plan said so',
      ok: stale && isWarned,
    },
    { what: 'A freeze held a deploy up, and said until when', ok: isFrozen },
    {
      what: 'What was watched yet was taken back at once, as somebody asked in another conversation',
      ok: isBack && (await noteOf(stage)) === 'two',
      seen: await noteOf(stage),
    },
  ]
}

/** Whoever is on call does not look for the conversation that a release was asked for in. */
async function backFromElsewhere(scene: ReleaseScene, first: Release): Promise<boolean> {
  const { stage, say } = scene
  say('A release that would be watched for half an hour shows a wrong price. In another conversation bob goes back.')
  const files = { ...(await watchedFor(stage, '30m')), 'note.txt': 'three' }
  await stage.people.push('alice', stage.repo.defaultBranch, files, 'Note three')
  const four = await Release.asked(scene, 'alice', 'Ship the third note', 'production')
  await four.approved('bob')
  const isSeen = await four.serves('three')
  await stage.people.comment('bob', first.issue, '@muster rollback production')
  const isToldThere = await four.shows(/production was taken back to.*bob asked for it/s)
  await four.over()
  const isToldHere = await first.shows(/production serves \S+ again/)
  return isSeen && isToldThere && isToldHere
}
