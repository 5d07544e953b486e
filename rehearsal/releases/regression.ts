import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { playCustomers } from '../player.ts'
import { Release } from './release.ts'
import { faster, noteOf, putService } from './service.ts'
import type { Check, ReleaseScene, ReleaseStory } from './types.ts'

/** A release that passes its tests and gets worse under traffic: taken back, kept out, and mended by the work that it becomes. */
export const regression: ReleaseStory = {
  about:
    'A release that passes its tests and fails under traffic: it is taken back and kept out, becomes an issue with the evidence, and is mended.',
  script: 'mend',
  prepare(folder) {
    putService(folder)
    const settings = join(folder, '.github/muster.yml')
    const text = readFileSync(settings, 'utf8')
    writeFileSync(settings, text.replace(/ {4}watch: 6s\n/, '    watch: 6s\n    mend: { budget: 3 }\n'))
  },
  async play(scene) {
    const { stage, say } = scene
    say('The service as it is goes live, and customers come.')
    await Release.first(scene)
    const stopCustomers = playCustomers(stage.productionPort)
    try {
      // What it was like before is to be known.
      await new Promise((done) => setTimeout(done, 8000))
      const checks = await worse(scene)
      return [...checks, ...(await mended(scene))]
    } finally {
      stopCustomers()
    }
  },
}

async function worse(scene: ReleaseScene): Promise<Check[]> {
  const { stage, say } = scene
  const { people, repo, world } = stage
  say('A change is merged that nobody sees anything wrong with. It goes live, and four answers in ten fail.')
  const bad = await people.push('alice', repo.defaultBranch, faster('faster'), 'Answer faster')
  const release = await Release.asked(scene, 'alice', 'Ship the faster answers', 'production')
  await release.approved('bob')
  const isWorse = await release.ended('regressed')
  const isBack = await release.shows(/production was taken back to/)
  await release.over()
  const note = await noteOf(stage)
  const deployment = world.deployments.find(({ sha }) => sha === bad)
  say('Somebody tries once more, with another change on top.')
  const again = await Release.refused(scene, 'alice', 'Ship it with one more change', 'production', () =>
    people.push('alice', repo.defaultBranch, { 'notes.md': 'more' }, 'Say more'),
  )
  return [
    { what: 'Under traffic it was judged to have got worse', ok: isWorse },
    {
      what: 'The plan had said that there is a way back',
      ok: await release.shows(/is kept as it is; a regression is taken back by itself/),
    },
    { what: 'It was taken back by itself, and said so', ok: isBack && note === 'zero', seen: note },
    { what: 'GitHub shows the deployment as failed', ok: deployment?.statuses.at(-1)?.state === 'failure' },
    {
      what: 'What has the bad commit was kept out, with the reason',
      ok: await again.shows(/was taken back on .*Fixes: /s),
    },
  ]
}

async function mended(scene: ReleaseScene): Promise<Check[]> {
  const { stage, say } = scene
  say(
    'Meanwhile it has become an issue with the evidence. Muster finds the cause; bob approves the plan, reviews and merges.',
  )
  const mend = await Release.opened(scene, /^production got worse with/)
  const issue = stage.world.issues.find(({ number }) => number === mend.issue)
  await mend.approved('bob')
  await mend.merged('bob')
  await mend.askedAgain('alice', 'production')
  await mend.approved('bob')
  const isHealthy = await mend.ended('healthy')
  const evidence = /TypeError.*trim/s.test(issue?.body ?? '') && /requests failed/.test(issue?.body ?? '')
  return [
    { what: 'It became an issue that has its figures and its error', ok: evidence, seen: issue?.body },
    {
      what: 'Mended it went live though it has the bad commit, and was healthy',
      ok: isHealthy && (await noteOf(stage)) === 'faster',
    },
    { what: 'The report compares both', ok: await mend.shows(/which was taken back, .* requests failed .*it helped/s) },
  ]
}
