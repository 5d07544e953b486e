import type { Stage } from '../../rehearsal/stage.ts'
import { type Scene, type SceneOptions, soon } from './scene.ts'

/** What Muster has said in a thread on GitHub. */
export const said = ({ world }: Stage, number: number) =>
  world.comments.filter((one) => one.issue === number && one.user === world.bot).map((one) => one.body)

/** A scene in which a plan waits for people, on an issue of alice's. */
export async function atPlan(start: (options: SceneOptions) => Promise<Scene>, options: SceneOptions = {}) {
  const started = await start({ settings: () => 'approve_plan: always\nreview: { quiet: 1s }\n', ...options })
  const { people } = started.stage
  const issue = await people.openIssue('alice', 'Wrong price', 'Twelve bolts cost too much.')
  await people.label('alice', issue.number, 'muster')
  await soon(async () => (await started.task()).state.gate?.kind).toBe('plan')
  const told = () => said(started.stage, issue.number)
  const reasons = async () => (await started.events()).map((one) => one.decision?.reason)
  return { ...started, people, number: issue.number, told, reasons }
}
