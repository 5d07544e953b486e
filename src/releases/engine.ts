import { deploy } from './deploy.ts'
import { plan } from './plan.ts'
import type { ReleaseDeps, Releases } from './types.ts'
import { takeBack } from './takeback.ts'
import { watch } from './watch.ts'

/** Plans, deploys and watches over targets. Intent is stored before any side effect; an approval is checked again at the last moment. */
export function releaseEngine(deps: ReleaseDeps): Releases {
  return {
    plan: (task, release) => plan(deps, task, release),
    deploy: (task, release, signal, mayAct) => deploy(deps, task, release, signal, mayAct),
    watch: (task, release, signal, mayAct) => watch(deps, task, release, { signal, mayAct }),
    takeBack: (task, release, signal, mayAct) => takeBack(deps, task, release, signal, mayAct),
  }
}
