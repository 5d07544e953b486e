import { type Machine, NO_OUTFIT } from '../../src/workspace/types.ts'

/** A machine with nothing but what every command finds, and without a network. */
export const BARE_MACHINE: Machine = { setupNetwork: false, outfit: async () => NO_OUTFIT }
