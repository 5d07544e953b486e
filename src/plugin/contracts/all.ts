import { ofAll, type OfBrought, type Plugin } from '../define.ts'
import { type ChannelBench, channelContract } from './channels.ts'
import type { ContractCheck } from './check.ts'
import { addedCommandContract } from './commands.ts'
import { type ProviderBench, providerContract } from './providers.ts'
import { roleContract } from './roles.ts'
import { sectionContract } from './sections.ts'
import { type TargetBench, targetContract } from './targets.ts'
import { type ToolBench, toolContract } from './tools.ts'
import { type WorkflowBench, workflowContract } from './workflows.ts'

/** What the parts of a plug-in are put to the test with, by their names. */
export interface Benches {
  readonly targets?: Readonly<Record<string, TargetBench>> | undefined
  readonly providers?: Readonly<Record<string, ProviderBench>> | undefined
  readonly workflows?: Readonly<Record<string, WorkflowBench>> | undefined
  readonly tools?: Readonly<Record<string, ToolBench>> | undefined
  readonly channels?: Readonly<Record<string, ChannelBench>> | undefined
}

export interface Contract {
  /** What is put to the test. */
  readonly about: string
  /** A text where it cannot be. */
  readonly checks: readonly ContractCheck[] | string
}

/** What each of them owes. */
const OWES: OfBrought<[Benches], readonly Contract[]> = {
  roles: (all) => all.map(({ name }) => ({ about: `the role ${name}`, checks: roleContract(name) })),
  commands: (all) => all.map((one) => ({ about: `the command ${one.name}`, checks: addedCommandContract(one) })),
  workflows: (all, { workflows }) =>
    all.map((one) => withBench('workflow', one.name, workflows, (bench) => workflowContract(one, bench))),
  // What its steps do is their roles'; that somebody does them, registering looks at.
  extensions: () => [],
  tools: (all, { tools }) => all.map((one) => withBench('tool', one.name, tools, (bench) => toolContract(one, bench))),
  providers: (all, { providers }) =>
    all.map((one) => withBench('provider', one.name, providers, (bench) => providerContract(one, bench))),
  targets: (all, { targets }) =>
    all.map((one) => withBench('target', one.name, targets, (bench) => targetContract(one, bench))),
  channels: (all, { channels }) =>
    all.map(({ traits: { name } }) => withBench('channel', name, channels, (bench) => channelContract(name, bench))),
  sections: (all) =>
    Object.entries(all).map(([name, one]) => ({ about: `the section ${name}`, checks: sectionContract(one) })),
}

/** What everything owes that a plug-in brings; it is registered. */
export function contractsOf(plugin: Plugin, benches: Benches): readonly Contract[] {
  return ofAll(OWES, plugin, benches).flat()
}

function withBench<Bench>(
  what: string,
  name: string,
  benches: Readonly<Record<string, Bench>> | undefined,
  suite: (bench: Bench) => readonly ContractCheck[],
): Contract {
  const bench = benches?.[name]
  const about = `the ${what} ${name}`
  return {
    about,
    checks: bench ? suite(bench) : `it has no bench: the file of \`--bench\` exports { ${what}s: { '${name}': … } }`,
  }
}
