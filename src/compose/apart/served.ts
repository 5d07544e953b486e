import { type Claim, Lost } from '../../leases/types.ts'
import type { ApartDeps } from './parent.ts'
import type { ChildSide, FarTarget, ParentSide } from './types.ts'

/** One process of a suspect, as the one that serves it knows it. */
export interface Served {
  readonly claim: Claim
  /** Aborted when the work is to stop, and when its process has ended: nothing is done in its name any more. */
  readonly signal: AbortSignal
  /** What is known of its work. */
  readonly seen: { begun: boolean; progressed: boolean }
  readonly child: () => Pick<ChildSide, 'unpack' | 'tools'>
}

/** What the process of a suspect may ask of the one that started it. */
export function served(
  { store, queue, targets, kick }: Pick<ApartDeps, 'store' | 'queue' | 'targets' | 'kick'>,
  { claim, signal, seen, child }: Served,
): ParentSide {
  const mayAct = () => {
    signal.throwIfAborted()
    if (!claim.isMine()) throw new Lost(`${claim.fence.name} may belong to somebody else by now`)
  }
  return {
    store: {
      ...store,
      leases: {
        ...store.leases,
        forgive: (fence) => {
          seen.progressed = true
          return store.leases.forgive(fence)
        },
      },
    },
    queue: {
      add: (job, options) => queue.add(job, options),
      addMany: (jobs) => queue.addMany(jobs),
      restore: (jobs) => queue.restore(jobs),
      ping: () => queue.ping(),
    },
    targets: Object.fromEntries(
      Object.entries(targets.byName).map(([name, target]): [string, FarTarget] => [
        name,
        {
          current: (environment) => target.current(environment),
          observe: (id) => target.observe(id),
          log: (id) => target.log(id),
          probe: (environment, sha) => target.probe(environment, sha),
          samples: (environment, from, to) => target.samples(environment, from, to),
          measuredSince: (environment, before) => target.measuredSince(environment, before),
          restorable: async (environment) => (await target.restorable?.(environment)) ?? [],
          restore: async (request) => {
            await target.restore?.({ ...request, signal, mayAct })
          },
          weigh: async (request) => {
            await target.weigh?.({ ...request, signal, mayAct })
          },
          apply: (request) =>
            target.apply({
              ...request,
              unpack: (dir) => child().unpack(dir),
              tools: (commands) => child().tools(commands),
              signal,
              mayAct,
            }),
        },
      ]),
    ),
    work: {
      begins: async () => void (seen.begun = true),
      kick: async () => kick(),
    },
  }
}
