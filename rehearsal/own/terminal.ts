import { createInterface } from 'node:readline/promises'
import type { Narrator } from '../narrator.ts'
import type { Decider, OpenGate } from './journey.ts'

const PROMPTS: Readonly<Record<string, string>> = {
  plan: 'Write `approve`, or what should be different, or `cancel`:',
  budget: 'Write `continue +$2` (or another sum), or `cancel`:',
  baseline: 'Write `continue` to go on without a proof, or `cancel`:',
}

function promptFor(gate: OpenGate): string {
  if (gate.kind !== 'question')
    return PROMPTS[gate.kind] ?? `Write \`approve\`, \`cancel\` or what you want (${gate.kind}):`
  const questions = (gate.questions ?? []).map((question, index) => `  ${index + 1}. ${question}`)
  return ['You are asked:', ...questions, 'Write your answer:'].join('\n')
}

/** Whoever sits at the terminal decides. */
export function atTerminal(narrator: Narrator): { readonly decide: Decider; close(): void } {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  return {
    async decide(gate) {
      narrator.progress('')
      for (;;) {
        const words = (await lines.question(`\n${promptFor(gate)}\n> `)).trim()
        if (words !== '') return words
      }
    },
    close: () => lines.close(),
  }
}
