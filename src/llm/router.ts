import { type Fitted, fitted } from './fit.ts'
import type { Capabilities } from './module.ts'
import { messagesFor } from './flatten.ts'
import { type ModelsByTier, orderOf, sameModel, type Weighed } from './order.ts'
import type { OutcomeRow } from '../store/usage/types.ts'
import { tierByOutcome } from './outcome.ts'
import type { Prices } from './prices.ts'
import { PROVIDERS } from './registry.ts'
import {
  type Answered,
  type Message,
  type ModelCall,
  ModelError,
  type ModelName,
  type ModelProvider,
  type Needs,
  type Router,
} from './types.ts'

/** Thinking counts as output, so there must be room for it. */
const MAX_TOKENS = 32_000
/** Of a provider that does not say. */
const WINDOW = 128_000

export interface RouterDeps {
  readonly provider: ModelProvider
  readonly models: ModelsByTier
  readonly prices: Prices
  /** A code that nobody can guess, the same for all of a task: what is told anew is found in the vendor's cache. */
  readonly nonceOf: (taskId: string) => string
  readonly now: () => number
  /** How many tokens a conversation with a model may have, where the operator says it. */
  readonly windowOf?: ((model: ModelName) => number | undefined) | undefined
  /** What came of earlier work, where models are chosen by that. */
  readonly outcomes?: (() => Promise<readonly OutcomeRow[]>) | undefined
  /** Told when one could not be asked, and another was. */
  readonly onFallback: (from: ModelName, to: ModelName, error: ModelError) => void
}

/** Whether another one is asked: one that is down, or has no credit, or does not know us, says nothing about the question. */
const FALLS_BACK: Readonly<Record<ModelError['kind'], boolean>> = {
  busy: true,
  credit: true,
  key: true,
  request: false,
  story: false,
  window: true,
}

/** Decides who is asked, and asks: the only one who does. */
export function createRouter(deps: RouterDeps): Router {
  return {
    async ask(call) {
      const needs = await weighed(deps, call)
      const { models, reason } = orderOf(needs, deps.models, isLocal)
      if (models.length === 0) throw nobodyMay(call)
      const failures: ModelError[] = []
      for (const [nth, model] of models.entries()) {
        try {
          return await askOne(deps, { ...call, needs }, model, [reason, ...failures.map(whyNot)].join('; '))
        } catch (error) {
          if (!(error instanceof ModelError) || !FALLS_BACK[error.kind]) throw error
          failures.push(error)
          const next = models[nth + 1]
          if (next) deps.onFallback(model, next, error)
        }
      }
      throw worst(failures)
    },
  }
}

/** With the tier that what came of earlier work speaks for. Who goes on with a conversation is asked on, whatever that says by now. */
async function weighed({ models, outcomes }: RouterDeps, { needs }: ModelCall): Promise<Weighed> {
  const { last, stakes, tier } = needs
  if (!outcomes || !stakes) return needs
  const others: readonly Needs['tier'][] = [tier, 'general']
  const going = last && others.find((one) => models[one].some((model) => sameModel(model, last)))
  if (going) return { ...needs, tier: going }
  const found = tierByOutcome(tier, models, await outcomes(), stakes)
  return { ...needs, tier: found.tier, reason: found.reason }
}

function isLocal(provider: string): boolean {
  return PROVIDERS.get(provider)?.isLocal === true
}

function whyNot({ kind }: ModelError): string {
  return `the one before: ${kind}`
}

/** What is said where nobody answered: one that may answer later is waited for. */
function worst(failures: readonly ModelError[]): ModelError {
  const busy = failures.filter(({ kind }) => kind === 'busy')
  const soonest = busy.toSorted((a, b) => (a.retryAfterMs ?? 0) - (b.retryAfterMs ?? 0))[0]
  const found = soonest ?? failures.find(({ kind }) => kind === 'credit') ?? failures[0]
  return found ?? new ModelError('busy', 'no model provider answers')
}

function nobodyMay({ needs }: ModelCall): ModelError {
  return new ModelError('key', `no local model is set up, and this repository wants no other (${needs.tier})`, {
    hint: 'Its settings say `privacy: local`. The operator should set `LOCAL_MODEL_URL` and name a local model in `MUSTER_MODELS`, then `retry`.',
  })
}

async function askOne(
  { provider, prices, nonceOf, now, windowOf }: RouterDeps,
  call: ModelCall,
  model: ModelName,
  reason: string,
): Promise<Answered> {
  const { needs, messages, tools, ...rest } = call
  const capabilities: Partial<Capabilities> = PROVIDERS.get(model.provider)?.capabilities ?? {}
  const { outputTokens = MAX_TOKENS, windowTokens = WINDOW } = capabilities
  const maxTokens = Math.min(MAX_TOKENS, outputTokens)
  const { messages: fitting, leftOut } = within((windowOf?.(model) ?? windowTokens) - maxTokens, messages, call, model)
  const costOf = prices.asking(model)
  const started = now()
  const reply = await provider.complete({
    ...rest,
    ...model,
    tools: tools.filter(({ wants }) => wants === undefined || capabilities[wants] === true),
    messages: messagesFor(fitting, model.provider, nonceOf(call.origin.taskId)),
    maxTokens,
  })
  const usd = costOf(reply.model, reply.usage)
  const why = leftOut === undefined ? reason : `${reason}; ${leftOut} left out`
  return { reply, by: model, tier: needs.tier, reason: why, ms: now() - started, usd }
}

/** @throws ModelError `window` where the conversation does not fit, whatever is left out */
function within(tokens: number, messages: readonly Message[], { system, tools }: ModelCall, model: ModelName): Fitted {
  const found = fitted(messages, system.length + JSON.stringify(tools).length, tokens)
  if (found) return found
  throw new ModelError('window', `the conversation is longer than ${model.provider}:${model.model} can take`, {
    hint: 'Name a model with a larger window in `MUSTER_MODELS` (for one of your own, `LOCAL_MODEL_WINDOW` says how large it is), then `retry`.',
  })
}
