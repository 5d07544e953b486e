/**
 * Crash points: places where the process can be made to die, to prove that nothing is lost or done twice
 * (docs/reliability.md). `CRASH_AT=<point>[:<n>]` kills the process, as a power cut would, the n-th time it passes the
 * point; without it every point is nothing at all.
 */
export type CrashPoint =
  | 'signature-ok'
  | 'inbox-commit'
  | 'response-sent'
  | 'enqueued'
  | 'claimed'
  | 'model-replied'
  | 'turn-saved'
  | 'effect-intent'
  | 'request-sent'
  | 'response-received'
  | 'effect-done'
  | 'push-done'
  | 'pr-created'
  | 'approval-consumed'
  | 'deploy-started'

const [wanted, nth = '1'] = (process.env['CRASH_AT'] ?? '').split(':')
let left = Number(nth)

/** Dies here, where that was asked for. */
export const crashPoint: (point: CrashPoint) => void = wanted
  ? (point) => {
      if (point === wanted && --left === 0) process.kill(process.pid, 'SIGKILL')
    }
  : () => {}
