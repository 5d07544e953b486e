import { z } from 'zod'
import { runAgent } from '../../src/agent/loop.ts'
import type { Journal, JournalTurn } from '../../src/agent/types.ts'
import { quoteBlock } from '../../src/core/sanitise.ts'
import type { Router } from '../../src/llm/types.ts'
import { newNonce } from '../../src/roles/prompt.ts'
import { TOOLS } from '../../src/tools/tools.ts'
import { asRepository } from '../../src/workspace/local.ts'
import type { Request } from '../own/request.ts'
import type { Bench } from './score.ts'

/**
 * The bare agent, for comparison: one tool, a shell; one history; the limits of mini-swe-agent (250 steps, $3, a minute for a command),
 * and its way of working: find, reproduce, fix, run again, look at the edges.
 */
const LIMITS = { turns: 250, usd: 3, commandMs: 60_000 } as const

const SYSTEM = `You are a software engineer with a shell at the root of a git repository. Solve the issue you are given by changing the code.

Work like this: find the code concerned; write a small script or test that reproduces the problem and see it fail; change the source; run it again; look at edge cases, and run the tests that are there. You may use any command (cat, grep, sed, python3 …). There is no network. When the issue is solved, call \`finish\`. Do not commit.`

const Finish = z.object({ summary: z.string().min(1).max(4000).describe('What was wrong, and what you changed.') })

export interface BareResult {
  readonly outcome: 'finished' | 'stopped'
  readonly reason: string
  readonly sha: string | undefined
  readonly turns: number
  readonly usd: number
}

export interface BareDeps {
  readonly router: Router
  readonly bench: Bench
  readonly ms: number
}

/** One issue, worked on by the bare agent. Its change becomes a commit of the bench's copy. */
export async function runBare({ router, bench, ms }: BareDeps, request: Request): Promise<BareResult> {
  const spent = { turns: 0, usd: 0 }
  const { outcome, diff } = await bench.clone(bench.baseSha, async (checkout) => {
    await checkout.disregard()
    const ended = await runAgent(
      {
        role: 'bare',
        step: 'solve',
        attempt: 1,
        needs: { tier: 'complex', privacy: 'any' },
        system: SYSTEM,
        prompt: `Solve this issue:\n\n${quoteBlock('issue', `${request.title}\n\n${request.body}`, newNonce())}`,
        tools: [TOOLS.of('run')],
        context: { checkout, timeoutMs: LIMITS.commandMs, mayWrite: () => ({ ok: true, detail: '' }) },
        artefact: Finish,
      },
      {
        taskId: 'eval',
        router,
        journal: counting(spent),
        limits: { turns: LIMITS.turns, ms, usd: LIMITS.usd, capUsd: LIMITS.usd, more: () => Promise.resolve(0) },
        signal: new AbortController().signal,
        now: Date.now,
        sleep: (wait) => new Promise((done) => setTimeout(done, wait)),
        random: Math.random,
        onBusy: () => {},
      },
    )
    return { outcome: ended, ...(await checkout.diff()) }
  })
  const reason = outcome.kind === 'finished' ? 'finished' : outcome.kind === 'limit' ? outcome.what : outcome.kind
  return {
    outcome: outcome.kind === 'finished' ? 'finished' : 'stopped',
    reason,
    sha: diff === '' ? undefined : await committed(bench, diff),
    ...spent,
  }
}

/** A journal that keeps nothing but what it cost. */
function counting(spent: { turns: number; usd: number }): Journal {
  return {
    load: () => Promise.resolve<JournalTurn[]>([]),
    saveReply(_, { usd }) {
      spent.turns++
      spent.usd += usd
      return Promise.resolve()
    },
    saveResults: () => Promise.resolve(),
  }
}

async function committed({ git, baseSha }: Bench, diff: string): Promise<string> {
  const author = { name: 'bare', email: 'bare@example.com' }
  const repository = asRepository('case', 'main')
  const { sha } = await git.commitAndPush({
    repository,
    branch: 'bare',
    parentSha: baseSha,
    diff,
    message: 'The bare agent',
    author,
    at: 0,
  })
  return sha
}
