import { UserError } from '../../core/errors.ts'
import { Lost } from '../../leases/types.ts'
import type { RunHow, Runs } from '../../releases/types.ts'
import type { Platform } from '../types.ts'
import { byName } from './byname.ts'
import { beforeWrites, type GithubClient, idOf, refusalIn, statusOf } from './client.ts'
import { shipments } from './shipments.ts'
import { answerRun, deploymentOf, type Of, type Waiting, waitingRuns, waitsAt } from './waiting.ts'
import { workflowRuns } from './workflows.ts'

/**
 * Workflows that wait at an environment of GitHub's until Muster says that they may go on: the app is a custom deployment protection rule
 * there (docs.github.com, "Creating custom deployment protection rules").
 */

const LOOK_MS = 5000

/** What Muster gates of those: what they do is told by their deployment. @param pause waits so many ms */
export function awaiting(
  client: GithubClient,
  platform: Pick<Platform, 'findRepository'>,
  pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
): Runs {
  const at = byName(client, platform.findRepository)
  const shipped = shipments(client, platform)

  return {
    isRepeatable: true,
    async start(name, _, { sha, environment, release }, mayAct, how) {
      const of = await at(name, { actions: 'write', deployments: 'write' })
      const until = Date.now() + how.patienceMs
      let found = await waitingFor(of, sha, environment, how)
      if (!found && how.again !== undefined) await again(of, (await shipped.get(name, how.again)).url, mayAct)
      while (!found && Date.now() < until) {
        await pause(LOOK_MS)
        mayAct()
        found = await waitingFor(of, sha, environment, how).catch((error: unknown) => {
          if (error instanceof UserError || error instanceof Lost) throw error
          return undefined
        })
      }
      if (!found) throw notWaiting(sha, environment)
      const one = found
      const comment = `Approved, and its turn: release ${release}.`
      await beforeWrites(mayAct, () => answerRun(of, one, { state: 'approved', comment })).catch((error: unknown) => {
        throw refusalIn(error) ?? refusalOf(error, environment)
      })
      if (how.awaits?.run === one.run) return how.awaits.deployment
      const made = await deploymentOf(of, sha, environment, how.again)
      return made && idOf(made.id)
    },
    /** One that has gone on since. */
    async find(name, _, { sha, environment }, since, how) {
      const of = await at(name, { actions: 'read', deployments: 'read' })
      if (await waitingFor(of, sha, environment, how)) return undefined
      if (how.awaits) return how.awaits.deployment
      const made = await deploymentOf(of, sha, environment, how.again)
      return made && Date.parse(made.updated_at) >= since - LOOK_MS ? idOf(made.id) : undefined
    },
    get: (name, id) => shipped.get(name, id),
    log: (name, id) => shipped.log(name, id),
    /** The run that the deployment says it is of. */
    async cancel(name, id) {
      const { url } = await shipped.get(name, id)
      const run = Number(/\/actions\/runs\/(\d+)/.exec(url)?.[1])
      if (run) await workflowRuns(client, platform).cancel(name, run)
    },
  }
}

/** The one that waits: that which asked, or any of the commit. */
async function waitingFor(of: Of, sha: string, environment: string, { awaits }: RunHow): Promise<Waiting | undefined> {
  const its = awaits ? await waitsAt(of, awaits.run, environment) : undefined
  return its ?? (await waitingRuns(of, sha, environment))[0]
}

/** The job that has deployed it before is run once more. @param url of it @throws UserError where GitHub does not */
async function again({ names, octokit }: Of, url: string, mayAct: () => void): Promise<void> {
  const job = Number(/\/actions\/runs\/\d+\/job\/(\d+)/.exec(url)?.[1])
  if (!job) throw new UserError('nothing_waits', 'Nobody knows by which job this commit was deployed.')
  await beforeWrites(mayAct, () =>
    octokit.request('POST /repos/{owner}/{repo}/actions/jobs/{job_id}/rerun', { ...names, job_id: job }),
  ).catch((error: unknown) => {
    // Somebody has begun it already.
    if (statusOf(error) === 403 && error instanceof Error && /already running/i.test(error.message)) return
    throw refusalIn(error) ?? notRerun(error)
  })
}

function notWaiting(sha: string, environment: string): UserError {
  return new UserError(
    'nothing_waits',
    `No workflow of \`${sha.slice(0, 7)}\` waits at the environment \`${environment}\`.`,
    {
      hint: 'Does one deploy there, and is this app among the protection rules of that environment on GitHub?',
    },
  )
}

function notRerun(error: unknown): unknown {
  const status = statusOf(error)
  if (status !== 403 && status !== 404 && status !== 422) return error
  return new UserError('nothing_waits', 'GitHub does not run the workflow of that commit once more.', {
    hint: 'It does for 30 days; after that, deploy a commit that reverts what is wrong.',
    cause: error,
  })
}

function refusalOf(error: unknown, environment: string): unknown {
  const status = statusOf(error)
  if (status !== 403 && status !== 404 && status !== 422) return error
  return new UserError('nothing_waits', `GitHub lets Muster say nothing about \`${environment}\`.`, {
    hint: 'This app has to be among the protection rules of that environment, with the permission "Deployments: write".',
    cause: error,
  })
}
