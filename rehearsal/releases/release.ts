import { type TaskView, waitFor } from '../observe.ts'
import { noteOf } from './service.ts'
import type { ReleaseScene } from './types.ts'

type Report = NonNullable<TaskView['state']['releases'][number]['report']>

/** One release that people ask for in an issue of its own, and see through. */
export class Release {
  readonly issue: number
  readonly #scene: ReleaseScene
  #sha = ''

  private constructor(scene: ReleaseScene, issue: number) {
    this.#scene = scene
    this.issue = issue
  }

  /** @param what the environment, and the commit where another than the newest is meant */
  static async asked(scene: ReleaseScene, who: string, title: string, what: string): Promise<Release> {
    const { number } = await scene.stage.people.openIssue(who, title, `@muster deploy ${what}`)
    const release = new Release(scene, number)
    await release.#until('a release plan', ({ state }) => state.gate?.kind === 'deploy')
    return release
  }

  /** One that nobody has to approve. */
  static async begun(scene: ReleaseScene, who: string, title: string, what: string): Promise<Release> {
    const { number } = await scene.stage.people.openIssue(who, title, `@muster deploy ${what}`)
    return new Release(scene, number)
  }

  /** What has become an issue by itself. @param title what it is called */
  static async opened(scene: ReleaseScene, title: RegExp): Promise<Release> {
    const until = Date.now() + scene.patienceMs
    const find = () => scene.stage.world.issues.find((one) => !one.pull && title.test(one.title))
    while (!find() && Date.now() < until) await new Promise((done) => setTimeout(done, 150))
    const release = new Release(scene, find()?.number ?? 0)
    await release.#until('a plan', ({ state }) => state.gate?.kind === 'plan')
    return release
  }

  /** Its pull request is reviewed and merged, once it is proved. */
  async merged(who: string): Promise<void> {
    const { people } = this.#scene.stage
    const { state } = await this.#until(
      'a proved pull request',
      (task) => task.state.pullRequest?.draft === false && task.state.proofs.at(-1)?.verdict.proved === true,
    )
    const pull = state.pullRequest?.number ?? 0
    await people.review(who, pull, 'APPROVED', 'Thank you, good.', [])
    await people.merge(who, pull)
    await this.#until('the merge', (task) => task.state.merged !== undefined)
  }

  /** A release is asked for in its conversation. */
  async askedAgain(who: string, environment: string): Promise<void> {
    await this.#scene.stage.people.comment(who, this.issue, `@muster deploy ${environment}`)
    await this.#until('a release plan', ({ state }) => state.gate?.kind === 'deploy')
  }

  /** The service as it is, live in production. */
  static async first(scene: ReleaseScene): Promise<Release> {
    const first = await Release.asked(scene, 'alice', 'Put the price service into production', 'production')
    await first.approved('bob')
    await first.ended('healthy', 'not enough evidence')
    return first
  }

  /** Asked for, and turned away when it is planned. @param first what is done right before */
  static async refused(
    scene: ReleaseScene,
    who: string,
    title: string,
    what: string,
    first: () => Promise<unknown>,
  ): Promise<Release> {
    await first()
    const { number } = await scene.stage.people.openIssue(who, title, `@muster deploy ${what}`)
    return new Release(scene, number)
  }

  /** What was deployed. */
  get sha(): string {
    return this.#sha
  }

  async approved(who: string): Promise<void> {
    await this.#scene.stage.people.comment(who, this.issue, '@muster approve')
    await this.#until('the approval', ({ state }) => state.gate === undefined)
  }

  /** Waits until it stands there in line. */
  async waits(position: number): Promise<void> {
    await this.#until('its place in line', ({ state }) => {
      const turn = state.releases.at(-1)?.turn
      return turn?.state === 'waits' && turn.told?.position === position
    })
  }

  /** @returns whether it ended with one of these verdicts */
  async ended(...verdicts: string[]): Promise<boolean> {
    return verdicts.includes((await this.report()).verdict)
  }

  /** What the report says, once there is one. */
  async report(): Promise<Report> {
    const { state } = await this.#until('a report', ({ state: { releases } }) => releases.at(-1)?.report !== undefined)
    const report = state.releases.at(-1)?.report
    if (!report) throw new Error('it was there')
    this.#sha = report.sha
    return report
  }

  /** Waits until it is given so many percent of the requests. */
  async has(percent: number): Promise<void> {
    await this.#until(`${percent} % of the requests`, ({ state: { releases } }) => {
      const { watch, report } = releases.at(-1) ?? {}
      return watch?.beside?.percent === percent || report !== undefined
    })
  }

  /** Whether customers come to see this. */
  async serves(note: string): Promise<boolean> {
    const { stage, patienceMs } = this.#scene
    const until = Date.now() + patienceMs
    while ((await noteOf(stage)) !== note && Date.now() < until) await new Promise((done) => setTimeout(done, 150))
    return (await noteOf(stage)) === note
  }

  /** Planned once more by itself. */
  async replanned(): Promise<boolean> {
    const { state } = await this.#until(
      'a new plan',
      (task) => task.state.releases.length > 1 && task.state.gate?.kind === 'deploy',
    )
    return state.releases[0]?.deployed?.ok === false
  }

  async over(): Promise<void> {
    await this.#until('the end', ({ status }) => status === 'done')
  }

  /** Says something, and waits for words of Muster's in answer. */
  async says(who: string, text: string, answer: RegExp): Promise<boolean> {
    await this.#scene.stage.people.comment(who, this.issue, text)
    return this.shows(answer)
  }

  /** Whether Muster's words in the issue come to say this. */
  async shows(words: RegExp): Promise<boolean> {
    const { stage, patienceMs } = this.#scene
    const until = Date.now() + patienceMs
    const isShown = () =>
      stage.world.comments.some(
        ({ issue, user, body }) => issue === this.issue && user === stage.world.bot && words.test(body),
      )
    while (!isShown() && Date.now() < until) await new Promise((done) => setTimeout(done, 150))
    return isShown()
  }

  #until(what: string, wanted: (task: TaskView) => boolean): Promise<TaskView> {
    return waitFor(this.#scene.server, this.issue, what, wanted, this.#scene.patienceMs)
  }
}
