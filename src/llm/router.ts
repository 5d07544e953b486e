import { answeredOnce } from './answers.ts'
import { fitted, roomOf, sizeOf, withSummary } from './fit.ts'
import { summaryCall, summaryIn } from './summary.ts'
import type { Capabilities } from './module.ts'
import { TokenCounts } from './counts.ts'
import { hasPictures, messagesFor, withoutPictures } from './flatten.ts'
import { type ModelsByTier, orderOf, sameModel, type Weighed } from './order.ts'
import type { OutcomeRow } from '../store/usage/types.ts'
import { tierByOutcome } from './outcome.ts'
import type { Prices } from './prices.ts'
import { PROVIDERS } from './registry.ts'
import {
  type AnswerStore,
  type Answered,
  type Message,
  type ModelCall,
  ModelError,
  type ModelName,
  type ModelProvider,
  type ModelReply,
  type ModelRequest,
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
  readonly counts: TokenCounts
  /** A code that nobody can guess, the same for all of a task: what is told anew is found in the vendor's cache. */
  readonly nonceOf: (taskId: string) => string
  readonly now: () => number
  /** How many tokens a conversation with a model may have, where the operator says it. */
  readonly windowOf?: ((model: ModelName) => number | undefined) | undefined
  /** Whether a model sees pictures, where the operator says it. */
  readonly picturesOf?: ((model: ModelName) => boolean | undefined) | undefined
  /** What came of earlier work, where models are chosen by that. */
  readonly outcomes?: (() => Promise<readonly OutcomeRow[]>) | undefined
  /** Where answers to questions that may be repeated are kept. */
  readonly answers?: AnswerStore | undefined
  /** Told when older work could not be summarised: it is told in a few words then. */
  readonly onUnsummarised?: ((error: ModelError) => void) | undefined
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
export function createRouter(given: Omit<RouterDeps, 'counts'>): Router {
  const deps: RouterDeps = { ...given, counts: new TokenCounts() }
  const router: Router = {
    async ask(call) {
      const needs = await weighed(deps, call)
      const { models, reason } = orderOf(needs, deps.models, isLocal)
      if (models.length === 0) throw nobodyMay(call)
      const failures: ModelError[] = []
      for (const [nth, model] of models.entries()) {
        try {
          return await askOne(deps, router, { ...call, needs }, model, [reason, ...failures.map(whyNot)].join('; '))
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
  return router
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
  deps: RouterDeps,
  router: Router,
  call: ModelCall,
  model: ModelName,
  reason: string,
): Promise<Answered> {
  const { provider, prices, nonceOf, now, answers, picturesOf } = deps
  const { needs, messages: _, tools, isRepeatable, ...rest } = call
  const capabilities: Partial<Capabilities> = PROVIDERS.get(model.provider)?.capabilities ?? {}
  const maxTokens = Math.min(MAX_TOKENS, capabilities.outputTokens ?? MAX_TOKENS)
  const started = now()
  const fitting = await within(deps, router, call, model, maxTokens)
  const costOf = prices.asking(model)
  const sees = picturesOf?.(model) ?? capabilities.pictures === true
  const told = messagesFor(fitting.messages, model.provider, nonceOf(call.origin.taskId))
  const request = {
    ...rest,
    ...model,
    tools: tools.filter(({ wants }) => wants === undefined || capabilities[wants] === true),
    messages: sees ? told : withoutPictures(told),
    maxTokens,
  }
  const ask = () => asked(provider, request)
  const { reply, isKnown } =
    isRepeatable && answers ? await answeredOnce(answers, request, ask) : { reply: await ask(), isKnown: false }
  if (!isKnown && !hasPictures(request.messages))
    deps.counts.saw(model, sizeOf(request.messages) + besidesOf(request), reply.usage)
  const usd = costOf(reply.model, reply.usage) + fitting.usd
  const why = [reason, ...(isKnown ? ['answered before'] : []), ...fitting.notes].join('; ')
  return { reply, by: model, tier: needs.tier, reason: why, ms: now() - started, usd }
}

/** A picture may be whole and still be refused, for what is in it: then it is told of in words. */
async function asked(provider: ModelProvider, request: ModelRequest): Promise<ModelReply> {
  try {
    return await provider.complete(request)
  } catch (error) {
    if (!(error instanceof ModelError) || error.kind !== 'request' || !hasPictures(request.messages)) throw error
    return provider.complete({ ...request, messages: withoutPictures(request.messages) })
  }
}

/** A conversation that fits, what was left out of it, and what a summary of that cost, dollars. */
interface Fitting {
  readonly messages: readonly Message[]
  readonly notes: readonly string[]
  readonly usd: number
}

/** @throws ModelError `window` where the conversation does not fit, whatever is left out */
async function within(
  { windowOf, nonceOf, onUnsummarised, counts }: RouterDeps,
  router: Router,
  call: ModelCall,
  model: ModelName,
  maxTokens: number,
): Promise<Fitting> {
  const { messages, origin } = call
  const each = counts.of(model)
  const windowTokens = windowOf?.(model) ?? PROVIDERS.get(model.provider)?.capabilities.windowTokens ?? WINDOW
  const tokens = windowTokens - maxTokens
  const besides = besidesOf(call)
  const found = fitted(messages, besides, tokens, each)
  if (!found) throw tooLong(model)
  const { leftOut, shortened } = found
  const notes = leftOut === undefined ? [] : [`${leftOut} left out`]
  if (shortened === undefined) return { messages: found.messages, notes, usd: 0 }
  const nonce = nonceOf(origin.taskId)
  try {
    const answered = await router.ask(summaryCall(call, messages, shortened, nonce))
    const summary = summaryIn(answered, nonce)
    const whole = summary === undefined ? undefined : withSummary(messages, shortened, summary)
    if (!whole || sizeOf(whole) > roomOf(tokens, besides, each))
      return { messages: found.messages, notes, usd: answered.usd }
    const by = `summarised by ${answered.by.provider}:${answered.by.model} for $${answered.usd.toFixed(4)}`
    return { messages: whole, notes: [...notes, by], usd: answered.usd }
  } catch (error) {
    if (!(error instanceof ModelError)) throw error
    // A few words without a model do as well.
    onUnsummarised?.(error)
    return { messages: found.messages, notes, usd: 0 }
  }
}

/** Characters that are sent beside the conversation. */
function besidesOf({ system, tools }: Pick<ModelCall, 'system' | 'tools'>): number {
  return system.length + JSON.stringify(tools).length
}

function tooLong({ provider, model }: ModelName): ModelError {
  return new ModelError('window', `the conversation is longer than ${provider}:${model} can take`, {
    hint: 'Name a model with a larger window in `MUSTER_MODELS` (for one of your own, `LOCAL_MODEL_WINDOW` says how large it is), then `retry`.',
  })
}
