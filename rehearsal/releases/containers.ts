import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { call, type Engine, findEngine } from '../../src/workspace/container.ts'
import { messageOf } from '../../src/core/errors.ts'
import { unusedPort } from '../stage.ts'
import { makeImage } from './image.ts'
import type { Containers } from './types.ts'

/** What is made of this rehearsal: others may be played beside it. */
export const LABEL = `muster.rehearsal=${process.pid}`
export const NODE_IMAGE = `localhost/muster-rehearsal-node:${process.pid}`
/** The sample repository. */
const SAMPLE = 'acme/price-service'
const SERVES = "require('http').createServer((q, r) => r.end('ok')).listen(8080)"
const ENGINES = ['podman', 'podman --runtime=runc --cgroup-manager=cgroupfs', 'docker']
/** Where an engine may not raise its own limits, as root in a container. */
export const LOW_LIMITS = '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
const PATIENCE_MS = 15_000

/** Finds one that truly serves: what is installed may not work everywhere. Undefined, and said why, where none does. */
export async function containersHere(say: (text: string) => void): Promise<Containers | undefined> {
  const dir = mkdtempSync(join(tmpdir(), 'muster-engine-'))
  const conf = join(dir, 'containers.conf')
  writeFileSync(conf, LOW_LIMITS)
  const own = process.env['CONTAINERS_CONF']
  let why = ''
  for (const name of ENGINES)
    try {
      const engine = findEngine(name)
      makeNodeImage(name)
      const file = await servesWith(engine, own === undefined ? [undefined, conf] : [own])
      // What its images are built of is on this machine alone.
      const env = {
        MUSTER_CONTAINERS: name,
        MUSTER_DEPLOY_IMAGES: `${SAMPLE}=localhost/`,
        ...(file === undefined ? {} : { CONTAINERS_CONF: file }),
      }
      return { env, clean: () => cleaned(engine, dir) }
    } catch (error) {
      why ||= messageOf(error).split('\n')[0] ?? ''
    }
  if (own === undefined) delete process.env['CONTAINERS_CONF']
  rmSync(dir, { recursive: true })
  say(`No container engine serves here (${why.slice(0, 150)}): the releases are processes.`)
  return undefined
}

/** Makes an image with Node.js. */
export function makeNodeImage(engine: string): void {
  makeImage(engine, NODE_IMAGE, { '/usr/local/bin/node': process.execPath })
}

/** Takes away the images that were made here. */
export async function removeImages(engine: Engine): Promise<void> {
  const { output } = await call(engine, ['images', '--quiet', '--filter', `label=${LABEL}`])
  const made = [...new Set(output.trim().split(/\s+/))].filter(Boolean)
  await call(engine, ['rmi', '--force', ...made, NODE_IMAGE])
}

/** @returns the first of these files of settings with which it serves @throws Error where there is none */
async function servesWith(engine: Engine, files: readonly (string | undefined)[]): Promise<string | undefined> {
  const errors: unknown[] = []
  for (const file of files)
    try {
      // The engine reads it, here and where the server calls it.
      if (file !== undefined) process.env['CONTAINERS_CONF'] = file
      await serves(engine)
      return file
    } catch (error) {
      errors.push(error)
    }
  throw errors[0]
}

/** @throws Error where nothing that it runs is reached */
async function serves(engine: Engine): Promise<void> {
  const port = await unusedPort()
  const options = ['--detach', '--rm', '--pull=never', `--publish=127.0.0.1:${port}:8080`]
  const { exitCode, output } = await call(engine, ['run', ...options, NODE_IMAGE, 'node', '-e', SERVES])
  if (exitCode !== 0) throw new Error(output.trim().split('\n').at(-1))
  const id = output.trim().split('\n').at(-1) ?? ''
  try {
    await answered(`http://127.0.0.1:${port}/`)
  } finally {
    await call(engine, ['rm', '--force', id])
  }
}

async function answered(url: string): Promise<void> {
  const until = Date.now() + PATIENCE_MS
  while (Date.now() < until) {
    const isThere = await fetch(url, { signal: AbortSignal.timeout(2000) })
      .then((answer) => answer.ok)
      .catch(() => false)
    if (isThere) return
    await new Promise((done) => setTimeout(done, 200))
  }
  throw new Error('what it runs is not reached')
}

async function cleaned(engine: Engine, dir: string): Promise<void> {
  await removeImages(engine)
  rmSync(dir, { recursive: true, force: true })
}
