import { connect } from '../../src/compose/apart/calls.ts'
import type { ChildSide, FarTarget, ParentSide } from '../../src/compose/apart/types.ts'

/** A process for a suspect that ends as it is told, by the name of its event: with the protocol, and without the rest of Muster. */
const calls = connect(process, {
  child: {
    async work({ job }) {
      const how = job.kind === 'event' ? job.id : ''
      if (how === 'refuses') throw new Error('there is no slot')
      if (how === 'starts-not') process.exit(3)
      await calls.remote<ParentSide['work']>('work').begins()
      if (how === 'aborts') process.abort()
      if (how === 'exits') process.exit(0)
      if (how === 'killed') process.kill(process.pid, 'SIGKILL')
      if (how === 'hangs') for (;;);
      if (how === 'fails') throw new Error('the work failed')
      if (how === 'waits') await new Promise(() => {})
      if (how === 'deploys') {
        const target = calls.remote<{ readonly 'local-process': FarTarget }>('targets')['local-process']
        void target.apply({ releaseId: 'r', taskId: 't', sha: 's', environment: {} } as never)
        await target.observe('r')
        process.kill(process.pid, 'SIGKILL')
      }
    },
    stop: async () => process.exit(0),
    unpack: () => new Promise(() => {}),
    tools: () => new Promise(() => {}),
    answers: async () => {},
  } satisfies ChildSide,
})
process.once('disconnect', () => process.exit(0))
