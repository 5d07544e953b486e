import { z } from 'zod'
import { backoffMs } from '../core/retry.ts'
import { asStored } from '../core/stored.ts'
import {
  type Answered,
  type Block,
  type Message,
  ModelError,
  type ModelCall,
  type ModelName,
  type ModelReply,
  type Router,
  type ToolResult,
  type ToolSpec,
} from '../llm/types.ts'
import type { Tool, ToolOutput } from '../tools/types.ts'
import { circleIn, type Deed, deedOf } from './stuck.ts'
import { type AgentJob, type AgentLimits, type AgentOutcome, FINISH, type Journal } from './types.ts'

/** The loop is query, act, observe; everything around it (who may what, what counts as done) is the caller's. */

const MAX_FORMAT_ERRORS = 3
/** So often what the host does not accept is sent back before the work ends without a result. */
const MAX_SENT_BACK = 6
/** And so often what is no such result at all. */
const MAX_REPAIRS = 2
/** An overloaded provider is asked again for so long, if it does not ask for a longer pause itself; then the step is parked, and takes no worker any more. */
const MAX_BUSY_MS = 45_000
const MAX_PAUSE_MS = 15_000
const WRAP_UP_AT = 0.8

export interface AgentDeps {
  readonly taskId: string
  readonly router: Router
  readonly journal: Journal
  readonly limits: AgentLimits
  readonly signal: AbortSignal
  readonly now: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly random: () => number
  readonly onBusy: (error: ModelError) => void
  /** What people have said since it was last asked; undefined: nothing. */
  readonly news?: () => Promise<string | undefined>
}

interface State<T> {
  readonly job: AgentJob<T>
  readonly deps: AgentDeps
  readonly specs: readonly ToolSpec[]
  /** The tool by which the artefact comes. */
  readonly handOver: string
  readonly opening: string
  messages: Message[]
  spentUsd: number
  /** What may be spent in all by now. */
  usd: number
  formatErrors: number
  sentBack: number
  /** How often what was handed over was no such result. */
  repairs: number
  /** What was done turn by turn, and when it was last told that it goes round in circles. */
  deeds: readonly Deed[]
  warnedOfCircle: number | undefined
  /** Who answered last. */
  last: ModelName | undefined
  objection: string
  warned: boolean
  finished: T | undefined
}

/** Runs a job until its artefact is accepted or a limit is met. Turns in the journal are not paid for again. */
export async function runAgent<T>(job: AgentJob<T>, deps: AgentDeps): Promise<AgentOutcome<T>> {
  const handOver = job.handOver ?? FINISH
  const handing = [{ ...handOver, artefact: job.artefact }, ...(job.beside ?? [])].toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )
  const specs = [
    ...job.tools.map(({ name, description, input, wants }) => ({
      name,
      description,
      input: schemaOf(input),
      ...(wants ? { wants } : {}),
    })),
    ...handing.map(({ name, description, artefact }) => ({ name, description, input: schemaOf(artefact) })),
  ]
  const past = await deps.journal.load()
  // Gone on with, it begins as it began: in words that may be found in a cache.
  const opening = past[0]?.opening ?? `${job.prompt}\n\n${limitsText(deps.limits)}`
  const state: State<T> = {
    job,
    deps,
    specs,
    handOver: handOver.name,
    opening,
    messages: [...(job.before?.messages ?? []), { role: 'user', text: opening, ...picturesOf(job) }],
    spentUsd: 0,
    usd: deps.limits.usd,
    formatErrors: 0,
    sentBack: 0,
    repairs: 0,
    deeds: [],
    warnedOfCircle: undefined,
    last: job.before?.last,
    objection: '',
    warned: false,
    finished: undefined,
  }
  const started = deps.now()
  for (let turn = 1; turn <= deps.limits.turns; turn++) {
    deps.signal.throwIfAborted()
    const known = past[turn - 1]
    if (!known && state.spentUsd >= state.usd && !(await isFunded(state))) return { kind: 'budget' }
    if (!known && deps.now() - started > deps.limits.ms) return { kind: 'limit', what: 'time' }
    const heard = turn === 1 ? undefined : known ? known.opening : await deps.news?.()
    if (heard !== undefined) state.messages = [...state.messages, { role: 'user', text: heard }]
    const { reply, by } = known ?? (await ask(state, turn, heard))
    state.last = by
    const ended = await act(state, turn, reply, known?.results)
    if (ended) return ended
  }
  return { kind: 'limit', what: 'turns' }
}

function picturesOf<T>({ pictures = [] }: AgentJob<T>) {
  return pictures.length > 0 ? { pictures } : {}
}

/** What was kept for the step is spent: there may be more. */
async function isFunded<T>(state: State<T>): Promise<boolean> {
  const more = await state.deps.limits.more()
  state.usd += more
  return more > 0
}

/** What is kept at a limit is worth more, the more of it is usable. */
function limitsText({ turns, ms }: AgentLimits): string {
  return `You have at most ${turns} turns and ${Math.round(ms / 60_000)} minutes. What is there by then is kept, and a person decides how it goes on.`
}

/** Checked all the same, and paid for with every question: how long texts may be tells a model nothing. */
const UNTOLD = new Set(['$schema', 'minLength', 'maxLength', 'additionalProperties'])

/** A JSON schema as the model is told of it. */
function schemaOf(type: z.ZodType): Record<string, unknown> {
  const schema = z.toJSONSchema(type, {
    io: 'input',
    override: ({ jsonSchema }) => {
      for (const name of UNTOLD) Reflect.deleteProperty(jsonSchema, name)
    },
  })
  const { $schema: _, ...told } = schema
  return told
}

/** One question to the model; a busy provider is asked again for a while. */
async function ask<T>(state: State<T>, turn: number, heard: string | undefined): Promise<Answered> {
  const { job, deps, specs, messages } = state
  const origin = { taskId: deps.taskId, role: job.role, step: job.step, attempt: job.attempt, turn }
  const call: ModelCall = {
    origin,
    needs: { ...job.needs, last: state.last },
    system: job.system,
    messages,
    tools: specs,
    // Without tools the first answer is the result.
    isOnce: job.tools.length === 0 && messages.length === 1,
    signal: deps.signal,
  }
  const started = deps.now()
  for (let attempt = 1; ; attempt++) {
    try {
      const answered = storable(await deps.router.ask(call))
      await deps.journal.saveReply(turn, answered, turn === 1 ? state.opening : heard)
      state.spentUsd += answered.usd
      return answered
    } catch (error) {
      if (
        !(error instanceof ModelError) ||
        error.kind !== 'busy' ||
        (error.retryAfterMs ?? 0) > MAX_PAUSE_MS ||
        deps.now() - started > MAX_BUSY_MS
      )
        throw error
      deps.onBusy(error)
      await deps.sleep(error.retryAfterMs ?? backoffMs(attempt, deps.random(), 1000))
      deps.signal.throwIfAborted()
    }
  }
}

/** What a model wrote, in the order in which the journal gives it back. */
function storable(answered: Answered): Answered {
  const blocks = answered.reply.blocks.map((block): Block => {
    if (block.type === 'tool_use') return { ...block, input: asStored(block.input) }
    return block.type === 'opaque' ? { ...block, value: asStored(block.value) } : block
  })
  return { ...answered, reply: { ...answered.reply, blocks } }
}

/** Carries out what the reply asks for, and adds both to the conversation. */
async function act<T>(
  state: State<T>,
  turn: number,
  reply: ModelReply,
  known: readonly ToolResult[] | undefined,
): Promise<AgentOutcome<T> | undefined> {
  state.messages = [...state.messages, { role: 'assistant', blocks: reply.blocks, by: state.last?.provider }]
  if (reply.stop === 'refusal') return { kind: 'limit', what: 'refusal' }
  const calls = reply.blocks.filter((block) => block.type === 'tool_use')
  if (calls.length === 0) return noCall(state, reply)
  state.formatErrors = 0
  const results: ToolResult[] = []
  let failed: Call | undefined
  for (const call of calls) {
    state.deps.signal.throwIfAborted()
    const before = known?.find((result) => result.id === call.id)
    // What was meant to stand on something that is not there would make it worse.
    const isHeld = failed !== undefined && isBuiltOn(state, call) && !wasCarriedOut(before)
    const result = isHeld ? (before ?? notDone(call, failed)) : await perform(state, call, before)
    if (result.isError && isBuiltOn(state, call) && call.name !== state.handOver) failed ??= call
    results.push(result)
  }
  // What was accepted is saved with the step's result; a process that ends before that accepts it again.
  if (state.finished !== undefined) {
    if (state.job.isKept && !known) await state.deps.journal.saveResults(turn, results)
    return { kind: 'finished', artefact: state.finished }
  }
  if (!known) await state.deps.journal.saveResults(turn, results)
  if (state.repairs > MAX_REPAIRS) return { kind: 'limit', what: 'artefact', detail: state.objection }
  if (state.sentBack >= MAX_SENT_BACK) return { kind: 'limit', what: 'checks', detail: state.objection }
  state.deeds = [...state.deeds, deedOf(reply.blocks, results)]
  const circle = circleIn(state.deeds)
  const hasLeft = !circle && state.warnedOfCircle !== undefined && turn - state.warnedOfCircle >= PATIENCE
  if (hasLeft) state.warnedOfCircle = undefined
  if (circle && state.warnedOfCircle !== undefined && turn - state.warnedOfCircle >= PATIENCE)
    return { kind: 'limit', what: 'stuck' }
  const note = [circled(state, turn, circle), wrapUp(state, turn)].filter((one) => one !== undefined).join('\n')
  state.messages = [...state.messages, { role: 'tools', results, note: note || undefined }]
  return undefined
}

/** So many turns it has after it was told; out of the circle by then, it may be told of another. */
const PATIENCE = 3

/** Told once for each circle. */
function circled<T>(state: State<T>, turn: number, circle: string | undefined): string | undefined {
  if (!circle || state.warnedOfCircle !== undefined) return undefined
  state.warnedOfCircle = turn
  return `This gets nowhere: ${circle}. Find out another way, or hand over what you have by \`${state.handOver}\`, saying what is not done.`
}

const NOT_DONE = 'not done: '

/** A call that changes something, or hands it over: it counts on those before it in the same answer. */
function isBuiltOn<T>({ job, handOver }: State<T>, { name }: Call): boolean {
  return name === handOver || job.tools.some((tool) => tool.name === name && tool.changesTree)
}

/** In journals of before, everything was. */
function wasCarriedOut(known: ToolResult | undefined): boolean {
  return known !== undefined && !known.text.startsWith(NOT_DONE)
}

function notDone(call: Call, failed: Call | undefined): ToolResult {
  return {
    id: call.id,
    text: `${NOT_DONE}\`${failed?.name ?? ''}\` before it in the same answer failed`,
    isError: true,
  }
}

function noCall<T>(state: State<T>, reply: ModelReply): AgentOutcome<T> | undefined {
  state.formatErrors++
  if (state.formatErrors >= MAX_FORMAT_ERRORS) return { kind: 'limit', what: 'format' }
  const text =
    reply.stop === 'length'
      ? 'Your answer was cut off. Do less at once, by way of the tools.'
      : `Please go on with the tools; call \`${state.handOver}\` when you are done.`
  // An empty assistant message is not accepted by providers.
  if (reply.blocks.length === 0)
    state.messages = [
      ...state.messages.slice(0, -1),
      { role: 'assistant', blocks: [{ type: 'text', text: '(nothing)' }], by: state.last?.provider },
    ]
  state.messages = [...state.messages, { role: 'user', text }]
  return undefined
}

type Call = Extract<Block, { type: 'tool_use' }>

/** One tool call. From the journal comes its result; what changed the tree is done again, so that the tree is the same. */
async function perform<T>(state: State<T>, call: Call, known: ToolResult | undefined): Promise<ToolResult> {
  if (call.name === state.handOver)
    return known?.isError ? sentBackBefore(state, known) : finish(state, call, known !== undefined)
  const tool = state.job.tools.find((one) => one.name === call.name)
  if (state.job.beside?.some(({ name }) => name === call.name))
    return { id: call.id, text: `not now: what is wanted is handed over by \`${state.handOver}\``, isError: true }
  if (!tool || !state.job.context) return { id: call.id, text: `there is no tool ${call.name}`, isError: true }
  if (known && !tool.changesTree) return known
  const output = await callTool(tool, call, state)
  return known ?? { id: call.id, ...output }
}

async function callTool<T>(tool: Tool, call: Call, { job, deps }: State<T>): Promise<ToolOutput> {
  try {
    return job.context ? await tool.call(call.input, job.context) : { text: 'no workspace', isError: true }
  } catch (error) {
    deps.signal.throwIfAborted()
    throw error
  }
}

/** How what is no such result is told. */
const INCOMPLETE = 'the result is not complete: '

/** What stands in the journal counts as it did. */
function sentBackBefore<T>(state: State<T>, known: ToolResult): ToolResult {
  if (!known.text.startsWith(INCOMPLETE)) return sendBack(state, known)
  state.repairs++
  state.objection = known.text.slice(INCOMPLETE.length)
  return known
}

function sendBack<T>(state: State<T>, result: ToolResult): ToolResult {
  state.sentBack++
  state.objection = result.text
  return result
}

async function finish<T>(state: State<T>, call: Call, wasAccepted: boolean): Promise<ToolResult> {
  const parsed = state.job.artefact.safeParse(call.input)
  if (!parsed.success) {
    state.repairs++
    state.objection = z.prettifyError(parsed.error)
    return { id: call.id, text: `${INCOMPLETE}${state.objection}`, isError: true }
  }
  const objection = wasAccepted ? undefined : await state.job.check?.(parsed.data)
  if (objection?.isError) return sendBack(state, { id: call.id, ...objection })
  state.finished = parsed.data
  return { id: call.id, text: 'accepted', isError: false }
}

/** At 80 % of what the task may have cost by then (what was spent before, and what is kept for this step), or of the step's turns, the model is told, once. */
function wrapUp<T>(state: State<T>, turn: number): string | undefined {
  const { usd, turns } = state.deps.limits
  const capUsd = state.deps.limits.capUsd + state.usd - usd
  const used = capUsd - usd + state.spentUsd
  const [most, spent] =
    used >= WRAP_UP_AT * capUsd
      ? ['budget is', `$${used.toFixed(2)} of $${capUsd.toFixed(2)}`]
      : ['turns are', `${turn} of ${turns}`]
  if (state.warned || (used < WRAP_UP_AT * capUsd && turn < WRAP_UP_AT * turns)) return undefined
  state.warned = true
  return `Most of the ${most} used up (${spent}). Wrap up: bring what you have into a usable state and call \`${state.handOver}\`, saying what is not done.`
}
