#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { runDoctor } from './cli/doctor.ts'
import {
  exportTask,
  fetchBackup,
  listLetters,
  listTasks,
  type Remote,
  settleLetter,
  showLetter,
  showTask,
  taskEvents,
  verifyTask,
  why,
} from './cli/remote.ts'
import { backup, restore } from './compose/backup.ts'
import { inviteInstall, listInstalls, removeInstall } from './cli/installs.ts'
import { linkPerson, listPeople, unlinkPerson } from './cli/people.ts'
import { runUntilStopped } from './cli/start.ts'
import { doctorChecks } from './compose/doctor.ts'
import { runApart } from './compose/apart/child.ts'
import { startServer, startWorkerProcess } from './compose/server.ts'
import { rolesOf } from './compose/worker.ts'
import { repositorySchema } from './config/repository.ts'
import { messageOf, UserError } from './core/errors.ts'
import { withoutEnd } from './core/text.ts'
import { keptToken } from './compose/token.ts'
import { runDemo } from './rehearsal/demo.ts'
import packageJson from '../package.json' with { type: 'json' }

/** The commands. What they are made of is put together in `compose/`. */

// The demo uses a database or a Redis only where it is told to, not because a server on this machine does.
const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } = process.env
if (existsSync('.env')) process.loadEnvFile('.env')
// Whoever reads only the beginning (`| head`) closes the pipe; that is no error.
process.stdout.on('error', () => process.exit(0))
const print = (line: string) => void process.stdout.write(`${line}\n`)

function remote(): Remote {
  const { PORT, MUSTER_PUBLIC_URL, MUSTER_API_TOKEN, MUSTER_DATA } = process.env
  return {
    url: withoutEnd(MUSTER_PUBLIC_URL || `http://127.0.0.1:${PORT || 3000}`, '/'),
    token: MUSTER_API_TOKEN || keptToken(MUSTER_DATA || '.muster'),
  }
}

/** As the server reads it. */
function githubApi(): string {
  const { GITHUB_API_URL, GITHUB_SERVER_URL } = process.env
  return GITHUB_API_URL || (GITHUB_SERVER_URL ? `${GITHUB_SERVER_URL}/api/v3` : 'https://api.github.com')
}

const program = new Command('muster').description(packageJson.description).version(packageJson.version)
program
  .command('start')
  .description('run everything in one process')
  .action(() => runUntilStopped(() => startServer(process.env, packageJson.version)))
program
  .command('web')
  .description('run the web side only: webhooks, API, set-up page (wants DATABASE_URL)')
  .action(() => runUntilStopped(() => startServer(process.env, packageJson.version, 'web')))
program
  .command('worker')
  .description('run a worker: as many as wanted, on one database (wants DATABASE_URL)')
  .option('--roles <list>', 'work on the steps of these roles only, for example sd,qa')
  .action(async ({ roles: names }: { roles?: string }) => {
    const roles = rolesOf(names)
    if ('unknown' in roles)
      throw new UserError('bad_roles', `There is no role "${roles.unknown}".`, {
        hint: 'The roles are pm, sa, sd, qa, sre.',
      })
    await runUntilStopped(() => startWorkerProcess(process.env, packageJson.version, roles))
  })
program
  .command('apart', { hidden: true })
  .description('work that is suspected of ending its process; started by Muster itself')
  .action(() => runApart(process.env, packageJson.version))
program
  .command('doctor')
  .description('look whether everything is in place, and say what to do')
  .action(async () => {
    process.exitCode = (await runDoctor(doctorChecks(process.env), print)) ? 0 : 1
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
    process.exitCode = (await runDemo({ ...options, databaseUrl, redisUrl })) ? 0 : 1
  })
const task = program.command('task').description('ask a running server about tasks')
task.command('list').action(() => listTasks(remote(), print))
task.command('show <id>').action((id: string) => showTask(remote(), id, print))
task.command('events <id>').action((id: string) => taskEvents(remote(), id, print))
task
  .command('verify <id>')
  .description('replay the history, and compare it with the state and the hash chain')
  .action(async (id: string) => {
    process.exitCode = (await verifyTask(remote(), id, print)) ? 0 : 1
  })
task
  .command('export <id>')
  .description('everything that is stored about a task, as one JSON object')
  .action((id: string) => exportTask(remote(), id, print))
const dead = program.command('dead').description('work that could not be done: look at it, try it again, give it up')
dead.command('list').action(() => listLetters(remote(), print))
dead.command('show <id>').action((id: string) => showLetter(remote(), id, print))
dead.command('retry <id>').action((id: string) => settleLetter(remote(), id, 'retry', print))
dead.command('drop <id>').action((id: string) => settleLetter(remote(), id, 'drop', print))
const install = program
  .command('install')
  .description('workspaces and sites that Muster is installed into, by consent (OAuth)')
install.command('list').action(() => listInstalls(remote(), print))
install
  .command('add <channel>')
  .description('an address by which somebody installs it once: slack, jira or clickup')
  .action((channel: string) => inviteInstall(remote(), channel, print))
install
  .command('remove <channel> <account>')
  .description('give the tokens back, and forget them')
  .action((channel: string, account: string) => removeInstall(remote(), channel, account, print))
const people = program.command('people').description('whose accounts in other channels are whose on GitHub')
people.command('list').action(() => listPeople(remote(), print))
people
  .command('link <channel> <account> <member> <login>')
  .description('vouch that this account is that one on GitHub')
  .action((channel: string, account: string, member: string, login: string) =>
    linkPerson(remote(), githubApi(), { channel, account, member, login }, print),
  )
people
  .command('unlink <channel> <account> <member>')
  .action((channel: string, account: string, member: string) =>
    unlinkPerson(remote(), { channel, account, member }, print),
  )
program
  .command('backup <file>')
  .description('write the embedded database to a file; a running server is asked for it (wants MUSTER_API_TOKEN)')
  .action((file: string) => backup(process.env, file, () => fetchBackup(remote()), print))
program
  .command('restore <file>')
  .description('put a backup in the place of the embedded database')
  .option('--force', 'although there is one: it is moved aside')
  .action((file: string, options: { force?: boolean }) => restore(process.env, file, options.force === true, print))
program
  .command('why [delivery]')
  .description('what became of a webhook delivery, or of the latest ones')
  .action((delivery?: string) => why(remote(), delivery, print))
program
  .command('schema')
  .description('print the JSON schema of .github/muster.yml')
  .action(() => print(JSON.stringify(repositorySchema(), null, 2)))

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(
    `${error instanceof UserError ? `${error.message}${error.hint ? `\n${error.hint}` : ''}` : `muster: ${messageOf(error)}`}\n`,
  )
  process.exit(1)
}
