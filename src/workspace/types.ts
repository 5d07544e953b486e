import type { Readable, Writable } from 'node:stream'
import type { OpenBranch } from '../core/elsewhere.ts'
import type { ServiceName } from '../core/settings.ts'
import type { Ranked, Wanted } from '../core/symbols.ts'
import type { Repository } from '../core/task/types.ts'
import type { Available } from '../core/toolchains.ts'

/** What builds the walls; `none` builds none, which is the operator's explicit choice. */
export type SandboxKind = 'bubblewrap' | 'unshare' | 'container' | 'none'

/** A file or folder of the host, and where it is inside. */
export interface Bind {
  readonly from: string
  readonly to: string
}

/** A folder of the host that one command finds inside, beside those that every command does. */
export interface Mount extends Bind {
  readonly isWritable?: boolean | undefined
  /** The variable that says where it is. */
  readonly variable?: string | undefined
}

/** One version of a language's programs on this machine. */
export interface Toolchain extends Available {
  /** What commands have to be given; nothing where every command finds it anyway. */
  readonly folders: readonly Bind[]
  /** The folders with its programs, as commands find them. */
  readonly bin: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** What a repository's own commands find besides what every command does. */
export interface Outfit {
  readonly toolchains: readonly Toolchain[]
  /** What is started beside each of them. */
  readonly services: readonly ServiceName[]
  /** The image that they run in; it brings its own versions. */
  readonly image?: string | undefined
  /** What was asked for and is not there, or not quite, in words. */
  readonly notes: readonly string[]
}
export const NO_OUTFIT: Outfit = { toolchains: [], services: [], notes: [] }

/** What this machine has for the commands of repositories. */
export interface Machine {
  /** Whether a set-up command may use the network. */
  readonly setupNetwork: boolean
  outfit(asking: Asking): Promise<Outfit>
}

/** What a repository says of what its commands are run with. */
export interface Asking {
  /** Every file that it has. */
  readonly files: ReadonlySet<string>
  read(path: string): Promise<string | undefined>
  /** Versions by tool, from its settings. */
  readonly runtimes: Readonly<Record<string, string>>
  readonly services: readonly ServiceName[]
  /** An image, or `devcontainer` for the one that is named there. */
  readonly image: string | undefined
  /** What its commands call, whatever the version. */
  readonly programs: readonly string[]
}

/** A file that is only there inside. */
export interface InsideFile {
  readonly path: string
  readonly text: string
}

/** What there is inside a sandbox; everything else of the machine is not. Whoever builds walls builds these. */
export interface Walls {
  readonly readable: readonly Bind[]
  readonly writable: readonly Bind[]
  /** Files that are only there inside. */
  readonly files: readonly InsideFile[]
  /** How much fits into `/tmp`, which begins empty. */
  readonly tmpBytes: number
  readonly env: Readonly<Record<string, string>>
}

/** One way of building a sandbox's walls. It is never started as root (`unprivileged.ts`). */
export interface Builder {
  /**
   * @param filter system calls to refuse (`seccomp.ts`); undefined where there is none for this machine
   * @returns what stands before the command, what it reads from its file descriptors 3, 4 …, and what its result says: the
   * command's own, or why nothing ran
   * @throws UserError `no_sandbox` where a program is missing
   */
  start(
    walls: Walls,
    filter: Buffer | undefined,
  ): {
    readonly argv: string[]
    readonly inputs: readonly Buffer[]
    readonly read: (result: RunResult) => RunResult | { readonly refused: string }
  }
}

/** A place where commands run that a model had a hand in: no network, no secrets, limited in everything. */
export interface Sandbox {
  /** Whether a program can be talked with while it runs; undefined: it cannot. */
  canTalk?(): Promise<boolean>
  run(command: SandboxCommand): Promise<RunResult>
}

export interface SandboxCommand {
  /** The folder of the host that is `/work` inside, writable. */
  readonly dir: string
  /** The folder of the host that is the home inside, writable; without one it is in `/tmp` and begins empty. */
  readonly home?: string | undefined
  /** A folder of the host that is readable inside as `base` says. */
  readonly base?: string | undefined
  readonly mounts?: readonly Mount[] | undefined
  /** An image of this machine's container engine that it runs in, instead of beside the machine's own programs. */
  readonly image?: string | undefined
  /** What is started beside it, and ends with it. */
  readonly services?: readonly ServiceName[] | undefined
  /** Folders whose programs are found before all others. */
  readonly bin?: readonly string[] | undefined
  readonly argv: readonly string[]
  readonly stdin?: string | undefined
  /** Given what it reads and what it prints, while it runs: nothing of that is in the result then. */
  readonly talk?: ((streams: { readonly input: Writable; readonly output: Readable }) => void) | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly timeoutMs: number
  readonly network?: boolean | undefined
  /** At most so many characters of output are kept: the first and the last half. */
  readonly maxOutput?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface RunResult {
  /** The exit code; 124 when the time was up, 137 when it was killed. */
  readonly exitCode: number
  readonly timedOut: boolean
  /** Standard output and error, as they came. */
  readonly output: string
  readonly seconds: number
}

export type RunOptions = Partial<Pick<SandboxCommand, 'stdin' | 'env' | 'timeoutMs' | 'network' | 'maxOutput'>>

/** What stays in a clone gave no answer to a question; it begins anew with the next. */
export class NoAnswer extends Error {}

/** A fresh clone at one commit, in the sandbox. */
export interface Checkout {
  readonly dir: string
  readonly sha: string
  /** Runs a program of Muster's with the clone as its working directory. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>
  /** Runs a shell command of the repository's there, with what that says it needs. */
  exec(command: string, options?: RunOptions): Promise<RunResult>
  readonly outfit: Outfit
  /**
   * Asks a program of Muster's that stays there: one line in, one line out. @param script JavaScript that answers lines until its input ends
   * @throws NoAnswer where it ends, or is too slow
   * @returns undefined where none can stay; then it is run once for each question
   */
  ask?(script: string, question: string, timeoutMs: number): Promise<string | undefined>
  /** Everything that differs from a commit (the one cloned, if not told otherwise), as a binary git patch with one character a byte (files need not be UTF-8); made inside the sandbox. */
  diff(against?: string): Promise<{ diff: string; files: string[] }>
  /**
   * What differs from a commit now is nobody's change (a set-up has left it, say): it is no part of a later diff for as long as it
   * stays as it is.
   */
  disregard(against?: string): Promise<void>
  /** Has another commit of the repository there, whole. @throws UserError */
  switchTo(sha: string): Promise<void>
  /** Puts what is stored elsewhere of some files (LFS) where they were taken over from another commit. */
  fillFrom(sha: string, paths: readonly string[]): Promise<void>
  /** Folders that belong to other repositories: what changes there is no part of a diff. */
  readonly others: readonly string[]
  /** Whether it came with what a set-up had left in one before. */
  readonly isSetUp: boolean
  /**
   * To be called once it is set up (or will not be): whoever waits for the same goes on.
   * @param isKept the clone as it is now is what later ones that name the same key begin with, if there is room for it
   */
  settle(isKept: boolean): Promise<void>
  /** Keeps what was built for later clones that name the same key: folders of these names, and the home. Nothing else of the tree is. */
  keepBuilt(folders: readonly string[]): Promise<void>
  dispose(): Promise<void>
}

/** What a clone may begin with, instead of with nothing. */
export interface CheckoutOptions {
  /** Stands for all that a set-up depends on; undefined: nothing is kept, and nothing is taken. */
  readonly snapshot?: string | undefined
  /** Stands for all that what is built can be used with; it holds what the set-up left, too. */
  readonly built?: string | undefined
  /** The paths of the submodules that are wanted; no other is there. */
  readonly submodules?: readonly string[] | undefined
  /** Other commits that the clone will be compared with. */
  readonly against?: readonly string[] | undefined
  readonly outfit?: Outfit | undefined
}

export interface CommitInput {
  readonly repository: Repository
  readonly branch: string
  readonly parentSha: string
  readonly diff: string
  readonly message: string
  readonly author: { readonly name: string; readonly email: string }
  /** Time of the commit in ms: fixed, so that the same input always is the same commit. */
  readonly at: number
}

/** Git on the host's side: it only ever works in its own bare copies, never in a tree that a model could write. */
export interface Git {
  /** Brings the copy up to date and answers the SHA of a branch, a tag, the head of a pull request (`refs/pull/<number>/head`) or a SHA. @throws UserError */
  resolve(repository: Repository, ref: string): Promise<string>
  checkout(repository: Repository, sha: string, signal: AbortSignal, options?: CheckoutOptions): Promise<Checkout>
  /** Commits the patch onto its parent and pushes the branch; done twice it is the same commit. */
  commitAndPush(input: CommitInput): Promise<{ sha: string }>
  /**
   * Joins patches that were made against one commit, in their order, without a working tree. What does not fit onto what was joined
   * before is left out: `left` says which, counted from 0, and `sha` is a commit with the others, known to this machine alone.
   */
  joined(
    repository: Repository,
    parentSha: string,
    diffs: readonly string[],
  ): Promise<{
    readonly diff: string
    readonly files: readonly string[]
    readonly left: readonly number[]
    readonly sha: string
  }>
  /** The files of a commit, large ones and those of submodules among them, unpacked into a folder (for a deploy). @throws UserError where they are not whole */
  archive(repository: Repository, sha: string, dir: string, submodules?: readonly string[]): Promise<void>
  /** A text file at a commit, or undefined where there is none. */
  show(repository: Repository, sha: string, path: string): Promise<string | undefined>
  /** Every file of a commit with the name of its content. */
  files(repository: Repository, sha: string): Promise<readonly TreeFile[]>
  /** The files of a commit that matter for a request, by what they define and who uses it; undefined where that is not known in time. @param wanted what the request speaks of */
  symbols?(
    repository: Repository,
    sha: string,
    wanted: Wanted,
    patienceMs: number,
  ): Promise<readonly Ranked[] | undefined>
  /** The branches that are not merged into a commit, the newest first: some dozens at most, none that nobody touched for two months. */
  openBranches(repository: Repository, into: string): Promise<readonly OpenBranch[]>
  /** Branches of the repository itself that have a commit, some dozens at most: a fork's are not among them. */
  branchesWith(repository: Repository, sha: string): Promise<readonly string[]>
  changedFiles(repository: Repository, from: string, to: string): Promise<string[]>
  mergeBase(repository: Repository, one: string, other: string): Promise<string>
  isAncestor(repository: Repository, ancestor: string, of: string): Promise<boolean>
  /** Whether a commit between says that it takes another one back (`This reverts commit …`) or mends it (`Fixes: …`). */
  mends(repository: Repository, bad: string, upTo: string): Promise<boolean>
  /** The name of what a commit holds: the same for two commits with the same files. */
  treeOf(repository: Repository, sha: string): Promise<string>
  /** What was merged in between, the newest first: a branch counts by its merge alone. */
  merges(
    repository: Repository,
    from: string,
    to: string,
    limit: number,
  ): Promise<{ sha: string; title: string; author: string; at?: number | undefined }[]>
  log(
    repository: Repository,
    from: string | undefined,
    to: string,
    limit: number,
  ): Promise<{ sha: string; title: string; author: string; at?: number | undefined }[]>
}

/** A file of a commit. */
export interface TreeFile {
  readonly path: string
  /** The same as long as its content is. */
  readonly object: string
}

/** Where the host fetches from and pushes to, with a short-lived credential for one repository. */
export interface Remotes {
  /** @returns without a credential for what anybody may read */
  remote(repository: Repository, access: 'read' | 'write'): Promise<{ url: string; authorization: string | undefined }>
  /** Another repository of the same server, for what stands inside one as a submodule; undefined where it may not be read. */
  named?(owner: string, name: string): Promise<Repository | undefined>
  /** A folder of this machine with large files, as LFS keeps them, where nobody else has them. */
  largeFiles?(repository: Repository): string
  /** How large a repository's history is, KiB, as its server says; undefined where it does not. */
  sizeKib?(repository: Repository): Promise<number | undefined>
  /** What git's way there needs besides: proxies, authorities. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /**
   * Git was refused (403), and does not show why: asks the platform whether that is a limit, which passes, or a refusal.
   * @returns for how long to wait, ms; undefined where it is a refusal
   */
  askedToWait(repository: Repository): Promise<number | undefined>
}
