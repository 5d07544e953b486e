/** What is begun once, whoever asks for it. */
export interface Once<A> {
  /** Begins it, or waits for whoever is beginning it. @throws whatever its beginning threw: then the next who asks begins it again */
  begin(arg: A): Promise<void>
  isBegun(): boolean
  /** Nothing is begun from now on; waits for whoever is beginning it, whatever comes of that. */
  end(): Promise<void>
}

/**
 * Has something begun once, though two ask for it at the same time: the page on which an app is set up, and the look by which
 * a process hears that there is one.
 */
export function once<A>(doBegin: (arg: A) => Promise<void>): Once<A> {
  let beginning: Promise<void> | undefined
  let state: 'waits' | 'begun' | 'ended' = 'waits'
  const run = async (arg: A) => {
    try {
      await doBegin(arg)
      if (state === 'waits') state = 'begun'
    } finally {
      beginning = undefined
    }
  }
  return {
    async begin(arg) {
      if (state === 'waits') await (beginning ??= run(arg))
    },
    isBegun: () => state === 'begun',
    async end() {
      state = 'ended'
      await beginning?.catch(() => {})
    },
  }
}
