import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { playCustomers } from '../player.ts'
import { Release } from './release.ts'
import { containersHere, LABEL, NODE_IMAGE } from './containers.ts'
import { faster, noteOf, outage, putService, right } from './service.ts'
import type { Check, ReleaseScene, ReleaseStory } from './types.ts'

const WATCH = '    watch: 30s\n    canary: { steps: [20, 50] }\n'
const DOCKERFILE = `FROM ${NODE_IMAGE}
LABEL ${LABEL}
COPY service.mjs answer.mjs note.txt /
CMD ["node", "/service.mjs"]
`

/** A release that is given a share of the requests first: a bad one meets few people, and a good one is not blamed for what is wrong elsewhere. */
export const canary: ReleaseStory = {
  about:
    'Releases that are given a share of the requests first: a bad one is met by few, and a good one is not blamed for a fault elsewhere.',
  equip: containersHere,
  prepare(folder, _ports, containers) {
    putService(folder)
    const settings = join(folder, '.github/muster.yml')
    const shared = readFileSync(settings, 'utf8').replace(/ {4}watch: 6s\n/, WATCH)
    writeFileSync(settings, containers ? shared.replace(/ {4}start: .*\n/, '    target: container\n') : shared)
    if (containers) writeFileSync(join(folder, 'Dockerfile'), DOCKERFILE)
  },
  async play(scene) {
    const { stage, say } = scene
    say(`The service as it is goes live${scene.containers ? ', in a container' : ''}, and customers come.`)
    await Release.first(scene)
    // So many that a good release can be told from one that is worse by the usual margin, though both fail for a moment.
    const customers = [playCustomers(stage.productionPort), playCustomers(stage.productionPort)]
    try {
      const { bad, checks } = await worse(scene)
      return [...checks, ...(await fine(scene, bad))]
    } finally {
      for (const stop of customers) stop()
    }
  },
}

async function worse(scene: ReleaseScene): Promise<{ readonly bad: string; readonly checks: readonly Check[] }> {
  const { stage, say } = scene
  const { people, repo } = stage
  say('A change with a fault is merged: four answers in ten fail. It is given one request in five at first.')
  const bad = await people.push('alice', repo.defaultBranch, faster('faster'), 'Answer faster')
  const release = await Release.asked(scene, 'alice', 'Ship the faster answers', 'production')
  await release.approved('bob')
  const { verdict, before, after, canary: had } = await release.report()
  const isBack = await release.shows(/production was taken back to/)
  await release.over()
  const note = await noteOf(stage)
  const share = after.requests / Math.max(1, after.requests + before.requests)
  const checks = [
    {
      what: 'The plan said how it is given more and more',
      ok: await release.shows(/20 %, then 50 %, for 15 s each, then all/),
    },
    { what: 'It was judged by what served beside it at the same time', ok: verdict === 'regressed', seen: verdict },
    { what: 'Few had met it by then', ok: share < 0.45 && had?.end === 'back', seen: `${Math.round(100 * share)} %` },
    { what: 'It was taken back by itself', ok: isBack && note === 'zero', seen: note },
  ]
  return { bad, checks }
}

async function fine(scene: ReleaseScene, bad: string): Promise<Check[]> {
  const { stage, say } = scene
  const { people, repo } = stage
  say('The fault is mended. While the new release is tried, something that both rest on is out for a moment.')
  await people.push(
    'alice',
    repo.defaultBranch,
    right('good'),
    `Answer right again\n\nFixes: ${bad.slice(0, 7)} ("Answer faster")`,
  )
  const release = await Release.asked(scene, 'alice', 'Ship the mended answers', 'production')
  await release.approved('bob')
  await release.has(50)
  await outage(stage)
  const { verdict, before, after, canary: had } = await release.report()
  const seen = `${verdict}: ${after.errors} of ${after.requests}, ${before.errors} of ${before.requests} beside it`
  const isAll = had?.end === 'promoted' && (await onlyNote(scene, 'good'))
  return [
    { what: 'Both failed while that was out', ok: before.errors > 0 && after.errors > 0, seen },
    { what: 'The release was not blamed for it', ok: verdict === 'healthy', seen },
    { what: 'It was given everything at the end', ok: isAll, seen: had?.end },
  ]
}

async function onlyNote({ stage }: ReleaseScene, note: string): Promise<boolean> {
  const notes = await Promise.all(Array.from({ length: 40 }, () => noteOf(stage)))
  return notes.every((one) => one === note)
}
