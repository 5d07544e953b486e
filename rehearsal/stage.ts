import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readManifest } from '../src/channels/github/manifest.ts'
import { importFolder } from './github/git.ts'
import { People } from './github/people.ts'
import { type Exchange, type RehearsalGithub, startGithub } from './github/server.ts'
import { openTeam, type Team } from './team.ts'
import { type Level, type Repo, World } from './github/world.ts'

/** Everything a rehearsal needs around the server: a GitHub with a repository, people, and a folder for it all. */
export interface Stage {
  readonly dir: string
  readonly github: RehearsalGithub
  readonly world: World
  readonly repo: Repo
  readonly people: People
  /** Slack and Jira, where the story is told there too. */
  readonly team: Team | undefined
  /** The port on which the repository's production is served. */
  readonly productionPort: number
  /** @param keep leaves the folder for a look at the logs */
  close(keep?: boolean): Promise<void>
}

const SAMPLE = fileURLToPath(new URL('./sample', import.meta.url))

/** Whose repository is played with, and what is in it. */
export interface Scene {
  readonly owner: string
  readonly name: string
  readonly people: Readonly<Record<string, Level>>
  /** Makes the bare repository in a folder. @returns the name of its default branch */
  readonly bring: (dir: string, stage: { readonly dir: string; readonly productionPort: number }) => Promise<string>
}

export interface StageOptions {
  readonly onExchange?: (exchange: Exchange) => void
  /** Another repository than the sample. */
  readonly scene?: Scene
  /** Changes the sample repository before it is imported. */
  readonly prepare?: (folder: string) => void
  /** With a Slack and a Jira of the team's. */
  readonly withTeam?: boolean
  /** Where GitHub listens; undefined: where nobody does. */
  readonly port?: number
}

/** The sample: alice and bob may write, carol may only read. */
function sampleScene(prepare: StageOptions['prepare']): Scene {
  return {
    owner: 'acme',
    name: 'price-service',
    people: { alice: 'admin', bob: 'write', carol: 'read' },
    async bring(into, { dir, productionPort }) {
      const folder = join(dir, 'sample')
      mkdirSync(folder)
      cpSync(SAMPLE, folder, { recursive: true })
      const settings = join(folder, '.github/muster.yml')
      writeFileSync(settings, readFileSync(settings, 'utf8').replace('port: 8080', `port: ${productionPort}`))
      prepare?.(folder)
      await importFolder(into, folder, 'alice', 'Price service')
      return 'main'
    },
  }
}

/** A GitHub that is empty yet, with Muster's app. */
function emptyWorld(): World {
  const manifest = readManifest(new URL('../app.yml', import.meta.url))
  return new World({ slug: 'muster', permissions: manifest.default_permissions, events: manifest.default_events })
}

/** Sets the stage. */
export async function setStage(options: StageOptions = {}): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'muster-rehearsal-'))
  const productionPort = await unusedPort()
  const { owner: login, name, people, bring } = options.scene ?? sampleScene(options.prepare)
  const world = emptyWorld()
  const owner = login in people ? world.addAccount(login) : world.addAccount(login, 'Organization')
  const levels = Object.entries(people).map(
    ([who, level]) => [(who === login ? owner : world.addAccount(who)).id, level] as const,
  )
  const bare = join(dir, 'git', login, `${name}.git`)
  const repo: Repo = {
    id: 9001,
    owner,
    name,
    dir: bare,
    defaultBranch: await bring(bare, { dir, productionPort }).catch((error: unknown) => {
      rmSync(dir, { recursive: true, force: true })
      throw error
    }),
    createdAt: '2026-01-05T09:00:00Z',
    people: new Map(levels),
  }
  world.repos.push(repo)
  const github = await startGithub(world, {
    ...(options.onExchange ? { onExchange: options.onExchange } : {}),
    ...(options.port ? { port: options.port } : {}),
  })
  const team = options.withTeam ? await openTeam(world) : undefined
  const close = async (keep = false) => {
    await github.close()
    await team?.close()
    if (!keep) rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
  return { dir, github, world, repo, people: new People(world, github.hooks, repo), team, productionPort, close }
}

/** What the environment of a server on a stage says: where it listens, whose app it is, and which GitHub it talks to. */
export function serverEnv(stage: Stage, port: number): Readonly<Record<string, string>> {
  const { app } = stage.world
  return {
    PORT: String(port),
    HOST: '127.0.0.1',
    MUSTER_DATA: join(stage.dir, 'data'),
    MUSTER_PUBLIC_URL: `http://127.0.0.1:${port}`,
    APP_ID: String(app.id),
    PRIVATE_KEY: app.privateKey,
    WEBHOOK_SECRET: app.webhookSecret,
    GITHUB_CLIENT_ID: app.clientId,
    GITHUB_CLIENT_SECRET: app.clientSecret,
    GITHUB_API_URL: `${stage.github.url}/api/v3`,
    GITHUB_SERVER_URL: stage.github.url,
    // Nothing that was deployed outlives the stage.
    MUSTER_RELEASES_AT_STOP: 'stop',
  }
}

/** A port nobody listens on right now. */
export async function unusedPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}
