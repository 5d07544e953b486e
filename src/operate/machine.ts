import { SETTINGS_PATH } from '../core/survey.ts'
import { join, resolve } from 'node:path'
import type { Settings } from '../config/env.ts'
import { proxiesIn } from '../config/proxies.ts'
import { DEVCONTAINERS, devcontainerImage, WISH_FILES, wishesOf } from '../config/wishes.ts'
import type { Env } from '../core/environment.ts'
import { UserError } from '../core/errors.ts'
import { IMAGE, registryOf } from '../core/image.ts'
import { type Choice, choose, toolOf, type ToolName, type Wish } from '../core/toolchains.ts'
import { findEngine, hasImage, pullImage } from '../workspace/container.ts'
import { fetchTool, isFetchable } from '../workspace/fetch.ts'
import { installByMise, miseFolder, miseName } from '../workspace/mise.ts'
import { toolchainsOf } from '../workspace/toolchains.ts'
import type { Asking, Machine, Outfit, Toolchain } from '../workspace/types.ts'

type MachineSettings = Pick<
  Settings,
  'setupNetwork' | 'setupHosts' | 'dataDir' | 'toolchainsDir' | 'mise' | 'containers'
>

/** What this machine has for the commands of repositories: what stands on it, and what may be fetched. */
export function machineOf(settings: MachineSettings, env: Env): Machine {
  const { setupNetwork, dataDir, toolchainsDir, mise } = settings
  const fetched = join(resolve(dataDir), 'toolchains')
  const byMise = mise === undefined ? [] : [miseFolder(resolve(dataDir))]
  const there = toolchainsOf([...(toolchainsDir ? [resolve(toolchainsDir)] : []), fetched, ...byMise])
  const fetching = new Map<string, Promise<boolean>>()
  const isByMise = (wish: Wish) => mise !== undefined && miseName(wish) !== undefined
  const fetchAny = async (wish: Wish): Promise<boolean> => {
    if (isFetchable(wish) && (await fetchTool(wish, fetched, env))) return true
    return mise !== undefined && installByMise(mise, wish, resolve(dataDir), { ...env, ...proxiesIn(env) })
  }
  /** What many need at the same time is fetched once. */
  const fetchOnce = (wish: Wish): Promise<boolean> => {
    const key = `${wish.tool}@${wish.range}`
    const known = fetching.get(key) ?? fetchAny(wish).finally(() => fetching.delete(key))
    fetching.set(key, known)
    return known
  }
  return {
    setupNetwork,
    async outfit(asking) {
      const { services } = asking
      if (asking.image !== undefined)
        // An image brings its own versions.
        return { toolchains: [], services, ...(await imageOf(asking, asking.image, settings)) }
      const wishes = await allWishes(asking)
      const choices = new Map<Wish, Choice<Toolchain>>()
      for (const wish of wishes) {
        const first = choose(wish, await there())
        const isWanted = first.kind !== 'exact' && setupNetwork && (isFetchable(wish) || isByMise(wish))
        choices.set(wish, isWanted && (await fetchOnce(wish)) ? choose(wish, await there()) : first)
      }
      return { ...outfitOf(choices, setupNetwork), services }
    },
  }
}

/** The image that is asked for, fetched where it is not here and may be. */
async function imageOf(
  { files, read }: Asking,
  asked: string,
  { containers, setupNetwork, setupHosts }: MachineSettings,
): Promise<Pick<Outfit, 'image' | 'notes'>> {
  const image = asked === 'devcontainer' ? await namedInDevcontainer(files, read) : asked
  if (image === undefined)
    throw new UserError('no_image', 'No image is named in devcontainer.json (one that it builds is not built here).', {
      hint: 'Name one in `checks.image` of .github/muster.yml.',
    })
  const engine = findEngine(containers)
  const registry = registryOf(image)
  if (setupNetwork && setupHosts.some(({ host }) => registry === host) && !(await hasImage(engine, image)))
    await pullImage(engine, image)
  return { image, notes: [] }
}

async function namedInDevcontainer(files: Asking['files'], read: Asking['read']): Promise<string | undefined> {
  const texts = new Map<string, string>()
  for (const path of DEVCONTAINERS.filter((one) => files.has(one))) texts.set(path, (await read(path)) ?? '')
  const image = devcontainerImage(texts)
  return image !== undefined && IMAGE.test(image) ? image : undefined
}

/** What the files ask for, and any version of what is called besides. */
async function allWishes({ files, read, runtimes, programs }: Asking): Promise<readonly Wish[]> {
  const texts = new Map<string, string>()
  for (const name of WISH_FILES.filter((one) => files.has(one))) {
    const text = await read(name)
    if (text !== undefined) texts.set(name, text)
  }
  const asked = wishesOf(texts, runtimes)
  // Node.js and its npm run things in many repositories of other languages; Python's file does not matter to one without Python.
  const called = new Set(programs.map(toolOf).filter((tool) => tool !== undefined))
  const wishes = asked.filter(({ tool, from }) => called.has(tool) || from === SETTINGS_PATH)
  const any = (tool: ToolName): Wish => ({ tool, range: '*', text: '', from: '' })
  return [...wishes, ...[...called].filter((tool) => !asked.some((wish) => wish.tool === tool)).map(any)]
}

const NAMES: Readonly<Record<ToolName, string>> = {
  node: 'Node.js',
  npm: 'npm',
  pnpm: 'pnpm',
  yarn: 'Yarn',
  bun: 'Bun',
  python: 'Python',
  go: 'Go',
  rust: 'Rust',
  java: 'Java',
  ruby: 'Ruby',
  php: 'PHP',
  dotnet: '.NET',
}

function outfitOf(
  choices: ReadonlyMap<Wish, Choice<Toolchain>>,
  mayFetch: boolean,
): Pick<Outfit, 'toolchains' | 'notes'> {
  const taken = [...choices.values()].flatMap((choice) => (choice.kind === 'missing' ? [] : [choice.taken]))
  const notes = [...choices]
    .map(([wish, choice]) => noteOf(wish, choice, mayFetch))
    .filter((note) => note !== undefined)
  return { toolchains: taken.filter(({ isThere }) => !isThere), notes }
}

function noteOf({ tool, range, text, from }: Wish, choice: Choice<Toolchain>, mayFetch: boolean): string | undefined {
  if (choice.kind === 'exact') return undefined
  const asked = text === '' ? `${NAMES[tool]} is called` : `${NAMES[tool]} ${text} is asked for (${from})`
  if (choice.kind === 'near') return `${asked}; ${choice.taken.version} is taken.`
  const others = choice.kind === 'missing' ? choice.others.map(({ version }) => version) : []
  const there = others.length > 0 ? `this machine has ${others.join(', ')}` : 'this machine has none'
  const remedy =
    isFetchable({ tool, range }) && !mayFetch
      ? '; MUSTER_SETUP_NETWORK=1 allows it to be fetched from npm’s registry'
      : ''
  return `${asked}; ${there}${remedy}.`
}
