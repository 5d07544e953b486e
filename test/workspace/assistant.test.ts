import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Assistant, type Start } from '../../src/workspace/assistant.ts'
import { chooseSandbox } from '../../src/workspace/choose.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'

/** A program of this machine in place of one in a sandbox. @param begun counts how often it was started */
function program(script: string, begun: { times: number }): Start {
  return ({ talk, signal }) =>
    new Promise((resolve) => {
      begun.times += 1
      const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'], signal })
      child.once('error', resolve)
      child.once('close', resolve)
      talk?.({ input: child.stdin, output: child.stdout })
    })
}

const ECHO = `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (line === 'die') process.exit(1)
  if (line === 'long') return process.stdout.write('{' + 'x'.repeat(9_000_000))
  if (line !== 'silence') process.stdout.write('walls: built\\n{' + line + '}\\n')
})`

it('stays for many questions, which are answered in turn, and begins again where it has ended', async () => {
  const begun = { times: 0 }
  const assistant = new Assistant(program(ECHO, begun))
  expect(await Promise.all(['a', 'b', 'c'].map((one) => assistant.ask(one, 60_000)))).toEqual(['{a}', '{b}', '{c}'])
  expect(begun.times).toBe(1)
  await expect(assistant.ask('die', 60_000)).rejects.toThrow()
  expect(await assistant.ask('d', 60_000)).toBe('{d}')
  expect(begun.times).toBe(2)
  await assistant.close()
})

it('a question without an answer, or with one without an end, ends it and keeps nobody waiting', async () => {
  const assistant = new Assistant(program(ECHO, { times: 0 }))
  await expect(assistant.ask('silence', 300)).rejects.toThrow('no answer in time')
  expect(await assistant.ask('after', 60_000)).toBe('{after}')
  await expect(assistant.ask('long', 60_000)).rejects.toThrow('without an end')
  expect(await assistant.ask('once more', 60_000)).toBe('{once more}')
  await assistant.close()
})

it('one that cannot be started says why, each time', async () => {
  const assistant = new Assistant(() => Promise.reject(new Error('no walls')))
  await expect(assistant.ask('a', 60_000)).rejects.toThrow('no walls')
  await expect(assistant.ask('b', 60_000)).rejects.toThrow('no walls')
  await assistant.close()
})

it.each(['bubblewrap', 'unshare', 'none'] as const)('stays in the sandbox %s', async (kind) => {
  const isThere = await chooseSandbox(kind).then(
    () => true,
    () => false,
  )
  if (!isThere) return void process.stderr.write(`skipped: there is no ${kind} here\n`)
  const dir = mkdtempSync(join(tmpdir(), 'muster-assistant-'))
  const sandbox = openSandbox(kind)
  const script = `let n = 0; for await (const line of (await import('node:readline')).createInterface({ input: process.stdin }))
    process.stdout.write(JSON.stringify({ line, n: ++n, where: process.cwd() }) + '\\n')`
  const argv = ['node', '--input-type=module', '-e', script]
  const assistant = new Assistant((command) => sandbox.run({ dir, argv, ...command }))
  try {
    const where = kind === 'none' ? dir : '/work'
    expect(JSON.parse(await assistant.ask('one', 60_000))).toEqual({ line: 'one', n: 1, where })
    expect(JSON.parse(await assistant.ask('two', 60_000))).toEqual({ line: 'two', n: 2, where })
  } finally {
    await assistant.close()
    rmSync(dir, { recursive: true, force: true })
  }
})
