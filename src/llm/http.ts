import { EnvHttpProxyAgent } from 'undici'

/** How long an answer may take: long thinking, and slow and local models, take long before the first byte. */
const TIMEOUT_MS = 30 * 60_000

/** What every SDK's client is made with. Retries are ours (the journal must know of them), so the SDKs' own are off. */
export function clientOptions(timeoutMs: number = TIMEOUT_MS) {
  return {
    maxRetries: 0,
    timeout: timeoutMs,
    // The HTTP client has limits of its own, five minutes each: for the first byte, and between two.
    fetchOptions: { dispatcher: new EnvHttpProxyAgent({ headersTimeout: timeoutMs, bodyTimeout: timeoutMs }) },
  }
}

export const UNREACHED = 'the model provider cannot be reached, or its answer broke off'
