#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { runDoctor } from './cli/doctor.ts'
import { listTasks, type Remote, showTask, taskEvents, why } from './cli/remote.ts'
import { runUntilStopped } from './cli/start.ts'
import { doctorChecks } from './compose/doctor.ts'
import { startServer } from './compose/server.ts'
import { repositorySchema } from './config/repository.ts'
import { messageOf, UserError } from './core/errors.ts'
import { runDemo } from './rehearsal/demo.ts'
import packageJson from '../package.json' with { type: 'json' }

/** The commands. What they are made of is put together in `compose/`. */

if (existsSync('.env')) process.loadEnvFile('.env')
// Whoever reads only the beginning (`| head`) closes the pipe; that is no error.
process.stdout.on('error', () => process.exit(0))
const print = (line: string) => void process.stdout.write(`${line}\n`)

function remote(): Remote {
  const { PORT, MUSTER_PUBLIC_URL, MUSTER_API_TOKEN } = process.env
  return {
    url: (MUSTER_PUBLIC_URL || `http://127.0.0.1:${PORT || 3000}`).replace(/\/+$/, ''),
    token: MUSTER_API_TOKEN || undefined,
  }
}

const program = new Command('muster').description(packageJson.description).version(packageJson.version)
program
  .command('start')
  .description('run the server')
  .action(() => runUntilStopped(() => startServer(process.env, packageJson.version)))
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
    process.exitCode = (await runDemo(options)) ? 0 : 1
  })
const task = program.command('task').description('ask a running server about tasks')
task.command('list').action(() => listTasks(remote(), print))
task.command('show <id>').action((id: string) => showTask(remote(), id, print))
task.command('events <id>').action((id: string) => taskEvents(remote(), id, print))
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
