/**
 * What plug-ins are made of: `import … from 'muster/plugin'`. It has a version of its own (`SURFACE`): what is here is not taken away
 * and does not change its meaning before the first number of that rises. Everything else in Muster may change at any time.
 */
export { z } from 'zod'
export { type Plugin, definePlugin, type PluginChannel, type PluginRole } from './define.ts'
export { SURFACE } from './register.ts'
export type { PluginId } from '../core/registry.ts'

// Errors that people read, with what to do.
export { UserError } from '../core/errors.ts'

// What is said: a plain string is somebody else's words, Muster's own are written with `say`.
export {
  ask,
  type Block,
  brief,
  code,
  details,
  type Document,
  heading,
  list,
  mono,
  paragraph,
  theirs,
  say,
  table,
  type Words,
} from '../core/reply/document.ts'
export { clip, quoteBlock, sanitise } from '../core/sanitise.ts'

// Workflows and their steps.
export {
  artefactOf,
  defineStep,
  defineWorkflow,
  eachOf,
  type GateDefinition,
  type Instance,
  isEachDone,
  NOBODY,
  onceWhen,
  type PeopleRow,
  type Stage,
  type StepDefinition,
  type WorkflowDefinition,
} from '../core/workflows/define.ts'
export type { Extension } from '../core/workflows/extend.ts'
export type { Gate, Person, Step, StepKind, Task, TaskEvent } from '../core/task/types.ts'
export type { ChildEnd, ChildRequest } from '../core/task/children.ts'
export type { Added } from '../core/command.ts'
export type { AddedCommand } from '../core/commands/added.ts'
export {
  accepted,
  type Decided,
  ignored,
  type PersonCommand,
  refused,
  type StepResult,
} from '../core/deciding/commands.ts'

// Roles: what a step has at hand, and how a model is asked.
export { charterWith, designText, finished, newNonce, requestText, specText } from '../roles/prompt.ts'
export type { PromptSection } from '../roles/sections.ts'
export { LimitReached, type RoleJob, type StepContext, type StepHandler } from '../roles/types.ts'
export { withCheckout } from '../roles/workspace.ts'
export type { Checkout } from '../workspace/types.ts'

// Tools that models call.
export { defineTool } from '../tools/tools.ts'
export type { Permission, Tool, ToolContext, ToolOutput } from '../tools/types.ts'

// Model providers.
export type { Capabilities, Price, ProviderHealth, ProviderModule, ProviderSetup } from '../llm/module.ts'
export {
  type Block as ModelBlock,
  type Message,
  ModelError,
  type ModelProvider,
  type ModelReply,
  type ModelRequest,
  type ToolSpec,
  type Usage,
} from '../llm/types.ts'

// Targets of releases.
export { defineTarget, type TargetModule } from '../releases/module.ts'
export type {
  ApplyInput,
  Environment,
  Observed,
  PreflightInput,
  Target,
  TargetDeps,
  TargetHost,
} from '../releases/types.ts'
export { span } from '../core/span.ts'
export type { Sample } from '../core/traffic.ts'

// Channels.
export type { AnyTraits, PluginPlace, PluginSurface } from '../core/channels/registry.ts'
export type { Channel, ChannelModule, ChannelSetup, OpenDeps } from '../channels/module.ts'
export { SendError } from '../channels/types.ts'
export type { CatchUp, ChannelFacts, Headers, SendContext, Sender, Verifier } from '../channels/types.ts'
export { headerIn, isHmac, unreadable } from '../channels/signature.ts'
export {
  type Member,
  type Remark,
  type Said,
  type SaidWhat,
  type Surface,
  surfaceAccount,
  surfaceKey,
  type Ticket,
} from '../core/said.ts'
export type { Unheard } from '../core/heard.ts'
export type { Arrival } from '../core/inbound.ts'
export { hashOf } from '../core/hash.ts'
export { isTooDeep, jsonIn } from '../core/json.ts'
// From a document to what a channel shows: typed nodes whose foreign words are harmless, and Markdown of them.
export { surfaceCard } from '../core/reply/card.ts'
export type { Reading } from '../core/reply/foreign.ts'
export { writeMarkdown } from '../core/reply/markdown.ts'
export { shown } from '../core/reply/read.ts'
export { type Inline, plainText, type Rich, type RichDocument } from '../core/reply/rich.ts'
export { withTexts } from '../core/reply/texts.ts'
export type { EffectBody, EffectResult } from '../core/effects.ts'
export type { Cost, Limits } from '../core/rate.ts'

// The environment, as settings are read from it.
export { address, type Env, type EnvProblem, needed, secret } from '../core/environment.ts'
