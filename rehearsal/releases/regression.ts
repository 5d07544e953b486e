import { playCustomers } from '../player.ts'
import { Release } from './release.ts'
import { noteOf, putService } from './service.ts'
import type { Check, ReleaseScene, ReleaseStory } from './types.ts'

/** A release that passes its checks and gets worse under traffic: taken back, kept out, mended. */
export const regression: ReleaseStory = {
  about: 'A release that answers its health check and fails under traffic: it is taken back, kept out, and mended.',
  prepare: putService,
  async play(scene) {
    const { stage, say } = scene
    say('The service as it is goes live, and customers come.')
    await Release.first(scene)
    const stopCustomers = playCustomers(stage.productionPort)
    try {
      // What it was like before is to be known.
      await new Promise((done) => setTimeout(done, 8000))
      return await worse(scene)
    } finally {
      stopCustomers()
    }
  },
}

async function worse(scene: ReleaseScene): Promise<Check[]> {
  const { stage, say } = scene
  const { people, repo, world } = stage
  const push = (note: string, message: string) =>
    people.push('alice', repo.defaultBranch, { 'note.txt': note }, message)
  say('A change is merged that nobody sees anything wrong with. It goes live, and four answers in ten fail.')
  const bad = await push('bad', 'Answer faster')
  const release = await Release.asked(scene, 'alice', 'Ship the faster answers', 'production')
  await release.approved('bob')
  const isWorse = await release.ended('regressed')
  const isBack = await release.shows(/production was taken back to/)
  await release.over()
  const note = await noteOf(stage)
  const deployment = world.deployments.find(({ sha }) => sha === bad)
  say('Somebody tries once more, with another change on top.')
  const again = await Release.refused(scene, 'alice', 'Ship it with one more change', 'production', () =>
    push('bad again', 'Answer faster still'),
  )
  const isKeptOut = await again.shows(/was taken back on .*Fixes: /s)
  say('The mistake is mended, and the commit says so.')
  await push('good', `Answer right again\n\nFixes: ${bad.slice(0, 7)} ("Answer faster")`)
  const mended = await Release.asked(scene, 'alice', 'Ship the mended answers', 'production')
  await mended.approved('bob')
  const isHealthy = await mended.ended('healthy')
  return [
    { what: 'Under traffic it was judged to have got worse', ok: isWorse },
    { what: 'It was taken back by itself, and said so', ok: isBack && note === 'zero', seen: note },
    { what: 'GitHub shows the deployment as failed', ok: deployment?.statuses.at(-1)?.state === 'failure' },
    { what: 'What has the bad commit was kept out, with the reason', ok: isKeptOut },
    {
      what: 'With the mistake mended it went live, and was healthy',
      ok: isHealthy && (await noteOf(stage)) === 'good',
    },
    {
      what: 'The plan had said that there is a way back',
      ok: await release.shows(/is kept as it is; a regression is taken back by itself/),
    },
  ]
}
