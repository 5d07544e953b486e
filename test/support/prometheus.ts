import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unusedPort } from '../../rehearsal/stage.ts'
import { findProgram } from '../../src/workspace/programs.ts'

export const HAS_PROMETHEUS = findProgram('prometheus') !== undefined
if (!HAS_PROMETHEUS) process.stderr.write('skipped: what needs Prometheus\n')

/** A Prometheus that scrapes services every second, and the services. */
export interface Prometheus {
  readonly url: string
  /** What a service of that name tells, in the text format; undefined: nobody answers. */
  readonly tells: Record<'a' | 'b', string | undefined>
  /** Waits until what they tell now was scraped. */
  scraped(): Promise<void>
  close(): Promise<void>
}

export async function prometheus(): Promise<Prometheus> {
  const dir = mkdtempSync(join(tmpdir(), 'muster-prometheus-'))
  const tells: Prometheus['tells'] = { a: undefined, b: undefined }
  let scrapes = 0
  const served: Server[] = []
  for (const name of ['a', 'b'] as const) {
    const server = createServer((_, response) => {
      scrapes++
      const text = tells[name]
      if (text === undefined) response.writeHead(503).end()
      else response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text)
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    served.push(server)
  }
  const targets = served.map((server) => `'127.0.0.1:${(server.address() as AddressInfo).port}'`)
  const config = `scrape_configs: [{ job_name: shop, scrape_interval: 1s, static_configs: [{ targets: [${targets.join(', ')}] }] }]`
  writeFileSync(join(dir, 'prometheus.yml'), config)
  const port = await unusedPort()
  const options = ['--config.file', join(dir, 'prometheus.yml'), '--storage.tsdb.path', join(dir, 'data')]
  const child: ChildProcess = spawn('prometheus', [...options, `--web.listen-address=127.0.0.1:${port}`], {
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}`
  while (
    !(await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`prometheus ended with ${child.exitCode}`)
    await new Promise((done) => setTimeout(done, 100))
  }
  return {
    url,
    tells,
    async scraped() {
      const from = scrapes
      // One of each that began afterwards; its end is told by the next.
      while (scrapes < from + 2 * served.length + 2) await new Promise((done) => setTimeout(done, 50))
    },
    async close() {
      const gone = new Promise((done) => child.once('exit', done))
      child.kill('SIGKILL')
      await gone
      for (const server of served) server.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
