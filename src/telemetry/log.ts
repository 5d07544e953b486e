import { AsyncLocalStorage } from 'node:async_hooks'
import { type Logger, pino } from 'pino'

export type Log = Pick<Logger, 'info' | 'warn' | 'error' | 'debug' | 'fatal'>

/** What every line says about where it belongs. */
export interface LogContext {
  readonly delivery?: string
  readonly task?: string
  readonly step?: string
}

const context = new AsyncLocalStorage<LogContext>()

/** Everything logged inside carries these fields. */
export function withLogContext<T>(fields: LogContext, action: () => T): T {
  return context.run({ ...context.getStore(), ...fields }, action)
}

/** The delivery that what happens now goes back to. */
export function currentDelivery(): string | undefined {
  return context.getStore()?.delivery
}

/**
 * The log: JSON lines (or readable ones on a terminal), with the delivery and the task on every line. Known secrets are
 * removed from the finished line, wherever they stand in it.
 */
export function createLog(options: { level: string; redact: (text: string) => string; pretty: boolean }): Log {
  return pino({
    level: options.level,
    base: { service: 'muster' },
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: () => ({ ...context.getStore() }),
    hooks: { streamWrite: (line) => options.redact(line) },
    ...(options.pretty
      ? {
          transport: {
            target: 'pino-pretty',
            options: { ignore: 'pid,hostname,service', translateTime: 'SYS:HH:MM:ss' },
          },
        }
      : {}),
  })
}
