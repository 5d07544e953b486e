/** What modules owe, as checks that any test runner can run: `muster/plugin/contracts`. */
export { channelContract, type ChannelBench } from './channels.ts'
export type { ContractCheck } from './check.ts'
export { type Benches, type Contract, contractsOf } from './all.ts'
export { addedCommandContract, commandContract } from './commands.ts'
export { providerContract, type ProviderBench, type VendorAnswer } from './providers.ts'
export { NO_RELEASES, targetContract, type TargetBench } from './targets.ts'
export { toolContract, type ToolBench } from './tools.ts'
export { workflowContract, type WorkflowBench } from './workflows.ts'
