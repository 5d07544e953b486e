#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { Command } from 'commander'
import type { EvalArguments } from '../rehearsal/eval/command.ts'
import type { ReviewArguments } from '../rehearsal/own/review.ts'
import type { RehearseArguments } from '../rehearsal/own/rehearse.ts'
import type { Remote } from './cli/remote.ts'
import type { Running } from './cli/types.ts'
import { messageOf, UserError } from './core/errors.ts'
import { withoutEnd } from './core/text.ts'
import packageJson from '../package.json' with { type: 'json' }

/** The commands. What they are made of is put together in `compose/`. Each loads what it needs when it is called: the server is large. */
const load = {
  remote: () => import('./cli/remote.ts'),
  installs: () => import('./cli/installs.ts'),
  people: () => import('./cli/people.ts'),
  start: () => import('./cli/start.ts'),
  server: () => import('./compose/server.ts'),
  backup: () => import('./operate/backup.ts'),
  token: () => import('./operate/token.ts'),
  env: () => import('./config/env.ts'),
}

// The demo uses a database or a Redis only where it is told to, not because a server on this machine does.
const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } = process.env
if (existsSync('.env')) process.loadEnvFile('.env')
// Whoever reads only the beginning (`| head`) closes the pipe; that is no error.
process.stdout.on('error', () => process.exit(0))
const print = (line: string) => void process.stdout.write(`${line}\n`)

/** The server on this machine, where it listens; or the one that `--server` names. */
async function remote(): Promise<Remote> {
  const { PORT, HOST, MUSTER_API_TOKEN, MUSTER_DATA } = process.env
  const { server } = program.opts<{ server?: string }>()
  const everywhere = !HOST || ['0.0.0.0', '::', 'localhost'].includes(HOST)
  const here = everywhere ? '127.0.0.1' : HOST.includes(':') ? `[${HOST}]` : HOST
  const { keptToken } = await load.token()
  return {
    url: withoutEnd(server ?? `http://${here}:${PORT || 3000}`, '/'),
    token: MUSTER_API_TOKEN || keptToken(MUSTER_DATA || '.muster'),
  }
}

/** What was compiled once is not compiled again at the next start: kept with the data, where nobody else writes. */
function rememberCode(): void {
  enableCompileCache(join(process.env['MUSTER_DATA'] || '.muster', 'code'))
}

/**
 * Whether the space for what is new may grow. While the server loads, what is made stays: that space would grow to its largest, of which
 * nothing is given back.
 */
function mayGrow(may: boolean): void {
  setFlagsFromString(`--semi-space-growth-factor=${may ? 2 : 1}`)
}

/** Runs a process of the server until it is stopped. */
async function serve(which: 'start' | 'web' | 'worker', names?: string): Promise<void> {
  rememberCode()
  mayGrow(false)
  const { runUntilStopped } = await load.start()
  await runUntilStopped(async () => {
    const running = await begin(which, names)
    mayGrow(true)
    return running
  })
}

async function begin(which: 'start' | 'web' | 'worker', names: string | undefined): Promise<Running> {
  const { startServer, startWorkerProcess } = await load.server()
  const { version } = packageJson
  if (which === 'start') return startServer(process.env, version)
  if (which === 'web') return startServer(process.env, version, 'web')
  const { rolesOf } = await import('./compose/worker.ts')
  const roles = rolesOf(names)
  if ('unknown' in roles)
    throw new UserError('bad_roles', `There is no role "${roles.unknown}".`, {
      hint: `The roles are ${(await import('./core/roles.ts')).ROLES.names().join(', ')}.`,
    })
  return startWorkerProcess(process.env, version, roles)
}

/** As the server reads it. */
function githubApi(): string {
  const { GITHUB_API_URL, GITHUB_SERVER_URL } = process.env
  const server = withoutEnd(GITHUB_SERVER_URL || 'https://github.com', '/')
  return GITHUB_API_URL || (server === 'https://github.com' ? 'https://api.github.com' : `${server}/api/v3`)
}

const program = new Command('muster')
  .description(packageJson.description)
  .version(packageJson.version)
  .option('--server <url>', 'which server to ask, where a command asks one; without it the one on this machine')
program
  .command('start')
  .description('run everything in one process')
  .action(() => serve('start'))
program
  .command('web')
  .description('run the web side only: webhooks, API, set-up page (wants DATABASE_URL)')
  .action(() => serve('web'))
program
  .command('worker')
  .description('run a worker: as many as wanted, on one database (wants DATABASE_URL)')
  .option('--roles <list>', 'work on the steps of these roles only, for example sd,qa')
  .action(({ roles }: { roles?: string }) => serve('worker', roles))
program
  .command('apart', { hidden: true })
  .description('work that is suspected of ending its process; started by Muster itself')
  .action(async () => {
    rememberCode()
    await (await import('./compose/apart/child.ts')).runApart(process.env, packageJson.version)
  })
program
  .command('doctor')
  .description('look whether everything is in place, and say what to do')
  .action(async () => {
    const { runDoctor } = await import('./cli/doctor.ts')
    const { doctorChecks } = await import('./operate/doctor.ts')
    process.exitCode = (await runDoctor(await doctorChecks(process.env), print)) ? 0 : 1
  })
program
  .command('demo')
  .description('the whole journey on this machine: no account, no key')
  .option('--keep', 'leave everything running and print the addresses')
  .option('--json', 'print one JSON object per line')
  .option('--live', 'use the real model behind ANTHROPIC_API_KEY')
  .option('--record <file>', 'write every turn of the real model to a story file (with --live)')
  .option('--story <name>', 'which story to play', 'tiers')
  .action(async (options: { keep?: boolean; json?: boolean; live?: boolean; record?: string; story: string }) => {
    const { runDemo } = await import('../rehearsal/demo.ts')
    const sandbox = (await load.env()).readSandbox(process.env)
    process.exitCode = (await runDemo({ ...options, sandbox, databaseUrl, redisUrl })) ? 0 : 1
  })
program
  .command('rehearse')
  .description(
    'play an issue on a repository of this machine, to the proved branch: no GitHub account, with your model',
  )
  .requiredOption('--issue <file>', 'the issue: its title in the first line, then its text')
  .option('--repo <path>', 'the repository', '.')
  .option('--model <provider:model>', 'one model for everything; without it those of MUSTER_MODELS')
  .option('--yes', 'approve the plan, and ask nobody')
  .option('--minutes <number>', 'for how long at most', '60')
  .option('--report <file>', 'where the report goes; without it into the .git folder of the repository')
  .option('--json', 'print one JSON object per line')
  .action(async (options: RehearseArguments) => {
    const { rehearse } = await import('../rehearsal/own/rehearse.ts')
    await (await import('./plugin/load.ts')).loadPlugins(process.env)
    process.exitCode = (await rehearse(options, process.env)) ? 0 : 1
  })
program
  .command('review')
  .description(
    'look for faults in a branch of this machine, as in its pull request: no GitHub account, with your model',
  )
  .option('--repo <path>', 'the repository', '.')
  .option('--head <ref>', 'what is looked at', 'HEAD')
  .option('--base <ref>', 'what it goes into; without it the default branch')
  .option('--model <provider:model>', 'one model for everything; without it those of MUSTER_MODELS')
  .option('--minutes <number>', 'for how long at most', '30')
  .option('--json', 'print one JSON object per line')
  .action(async (options: ReviewArguments) => {
    const { reviewBranch } = await import('../rehearsal/own/review.ts')
    await (await import('./plugin/load.ts')).loadPlugins(process.env)
    process.exitCode = (await reviewBranch(options, process.env)) ? 0 : 1
  })
program
  .command('eval')
  .description('work on cases with known answers, and say how many are solved, for what: turns, dollars, time')
  .option('--cases <dir>', 'a folder of cases (docs/eval.md)')
  .option('--reviews <dir>', 'a folder of pull requests, some with a fault: what a review finds of them')
  .option('--arm <list>', 'who works on them: muster, bare (an agent with a shell and nothing else), or both', 'muster')
  .option('--model <provider:model>', 'one model for everything; without it those of MUSTER_MODELS')
  .option('--only <list>', 'these cases only')
  .option('--parallel <number>', 'so many cases at once', '1')
  .option('--minutes <number>', 'for how long each at most', '60')
  .option('--out <file>', 'write the results there, as JSON')
  .option('--recorded', "play the cases' recorded stories: no model is asked")
  .option('--record', 'write what the model answers as the stories of the cases')
  .option('--json', 'print the results as one JSON object')
  .option('--compare <files...>', 'two files of results beside each other; nothing is run')
  .option('--from-history <repo>', 'make cases of a repository: its changes whose tests fail before and pass after')
  .option('--last <number>', 'so many cases of its history', '10')
  .action(async (options: EvalArguments) => {
    const { evalCommand } = await import('../rehearsal/eval/command.ts')
    await (await import('./plugin/load.ts')).loadPlugins(process.env)
    process.exitCode = (await evalCommand(options, process.env, print)) ? 0 : 1
  })
program
  .command('check')
  .description(
    'look at a repository on this machine before the first dollar: can its tests be run, and with what settings',
  )
  .option('--repo <path>', 'the repository', '.')
  .option('--network', 'a set-up command may reach the package registries (MUSTER_SETUP_HOSTS)')
  .option('--json', 'print one JSON object')
  .action(async ({ repo, network, json }: { repo: string; network?: boolean; json?: boolean }) => {
    const { runCheck } = await import('./cli/check.ts')
    const { checkRepository } = await import('./operate/check.ts')
    const look = { path: repo, network: network === true }
    const isReady = await runCheck((tell) => checkRepository(process.env, look, tell), json === true, print)
    process.exitCode = isReady ? 0 : 1
  })
const task = program.command('task').description('ask a running server about tasks')
task
  .command('list')
  .description('the newest 50, with state and cost')
  .action(async () => (await load.remote()).listTasks(await remote(), print))
task
  .command('show <id>')
  .description('all that a task is, as JSON')
  .action(async (id: string) => (await load.remote()).showTask(await remote(), id, print))
task
  .command('events <id>')
  .description('its history: what happened when, by whom and why')
  .action(async (id: string) => (await load.remote()).taskEvents(await remote(), id, print))
task
  .command('verify <id>')
  .description('replay the history, and compare it with the state and the hash chain')
  .action(async (id: string) => {
    process.exitCode = (await (await load.remote()).verifyTask(await remote(), id, print)) ? 0 : 1
  })
task
  .command('export <id>')
  .description('everything that is stored about a task, as one JSON object')
  .action(async (id: string) => (await load.remote()).exportTask(await remote(), id, print))
const environment = program.command('env').description('ask a running server about environments')
environment
  .command('list')
  .description('what is live in each, who has it, who waits, and what is locked')
  .action(async () => (await import('./cli/environments.ts')).listEnvironments(await remote(), print))
environment
  .command('events <repository> <environment>')
  .description('its history: turns, releases, locks, what was taken back; by whom and why')
  .action(async (repository: string, name: string) =>
    (await import('./cli/environments.ts')).environmentEvents(await remote(), repository, name, print),
  )
environment
  .command('dora <repository> <environment>')
  .description('how often, how soon and how well is deployed there: the four figures of DORA')
  .option('--days <n>', 'of how many days', '28')
  .action(async (repository: string, name: string, { days }) =>
    (await import('./cli/environments.ts')).environmentDora(await remote(), repository, name, days, print),
  )
environment
  .command('verify <repository> <environment>')
  .description('replay the history, and compare it with the state and the hash chain')
  .action(async (repository: string, name: string) => {
    const { verifyEnvironment } = await import('./cli/environments.ts')
    process.exitCode = (await verifyEnvironment(await remote(), repository, name, print)) ? 0 : 1
  })
program
  .command('usage')
  .description('what models were asked on a running server, what it cost, and what came of it')
  .option('--days <n>', 'of how many days', '30')
  .option('--json', 'as JSON')
  .action(async ({ days, json }) => {
    const { showUsage } = await import('./cli/usage.ts')
    return showUsage(await remote(), days, json === true, print)
  })
const dead = program.command('dead').description('work that could not be done: look at it, try it again, give it up')
dead
  .command('list')
  .description('what could not be done, and why')
  .action(async () => (await load.remote()).listLetters(await remote(), print))
dead
  .command('show <id>')
  .description('one of them, with everything that is known about it')
  .action(async (id: string) => (await load.remote()).showLetter(await remote(), id, print))
dead
  .command('retry <id>')
  .description('try it again')
  .action(async (id: string) => (await load.remote()).settleLetter(await remote(), id, 'retry', print))
dead
  .command('drop <id>')
  .description('give it up')
  .action(async (id: string) => (await load.remote()).settleLetter(await remote(), id, 'drop', print))
const install = program
  .command('install')
  .description('workspaces and sites that Muster is installed into, by consent (OAuth)')
install
  .command('list')
  .description('where Muster is installed')
  .action(async () => (await load.installs()).listInstalls(await remote(), print))
install
  .command('add <channel>')
  .description('an address by which somebody installs it once: slack, jira or clickup')
  .action(async (channel: string) => (await load.installs()).inviteInstall(await remote(), channel, print))
install
  .command('remove <channel> <account>')
  .description('give the tokens back, and forget them')
  .action(async (channel: string, account: string) =>
    (await load.installs()).removeInstall(await remote(), channel, account, print),
  )
const people = program.command('people').description('whose accounts in other channels are whose on GitHub')
people
  .command('list')
  .description('who is linked, how, and since when')
  .action(async () => (await load.people()).listPeople(await remote(), print))
people
  .command('link <channel> <account> <member> <login>')
  .description('vouch that this account is that one on GitHub')
  .action(async (channel: string, account: string, member: string, login: string) =>
    (await load.people()).linkPerson(await remote(), githubApi(), { channel, account, member, login }, print),
  )
people
  .command('unlink <channel> <account> <member>')
  .description('forget who that account is on GitHub')
  .action(async (channel: string, account: string, member: string) =>
    (await load.people()).unlinkPerson(await remote(), { channel, account, member }, print),
  )
program
  .command('backup <file>')
  .description('write the embedded database to a file; a running server is asked for it (wants MUSTER_API_TOKEN)')
  .action(async (file: string) => {
    const { backup } = await load.backup()
    const { fetchBackup } = await load.remote()
    await backup(process.env, file, async () => fetchBackup(await remote()), print)
  })
program
  .command('restore <file>')
  .description('put a backup in the place of the embedded database')
  .option('--force', 'although there is one: it is moved aside')
  .action(async (file: string, options: { force?: boolean }) =>
    (await load.backup()).restore(process.env, file, options.force === true, print),
  )
program
  .command('why [delivery]')
  .description('what became of a webhook delivery, or of the latest ones')
  .action(async (delivery?: string) => (await load.remote()).why(await remote(), delivery, print))
program
  .command('schema')
  .description('print the JSON schema of .github/muster.yml')
  .action(async () => {
    await (await import('./plugin/load.ts')).loadPlugins(process.env)
    print(JSON.stringify((await import('./config/repository.ts')).repositorySchema(), null, 2))
  })
const plugin = program.command('plugins').description('what MUSTER_PLUGINS adds')
plugin
  .command('list')
  .description('load them as the server does, and say what each brings')
  .action(async () => (await import('./cli/plugins.ts')).listPlugins(process.env, print))
plugin
  .command('check <plugin>')
  .description('put a plug-in (a package, or a file) to the test: whether what it brings owes nothing any more')
  .option('--bench <file>', 'what its parts are put to the test with')
  .action(async (name: string, { bench }: { bench?: string }) => {
    const { checkPlugin } = await import('./cli/plugins.ts')
    process.exitCode = (await checkPlugin(process.env, name, bench, print)) ? 0 : 1
  })

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(
    `${error instanceof UserError ? `${error.message}${error.hint ? `\n${error.hint}` : ''}` : `muster: ${messageOf(error)}`}\n`,
  )
  process.exit(1)
}
