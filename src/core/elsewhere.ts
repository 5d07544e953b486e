/** A branch that is not merged, and what it changes. */
export interface OpenBranch {
  readonly name: string
  readonly sha: string
  readonly author: string
  /** Of its last commit, ms. */
  readonly at: number
  readonly files: readonly string[]
  /** The first lines of its commits' messages. */
  readonly subjects: readonly string[]
}

/** Somebody else's work that this change may get in the way of. */
export interface Elsewhere {
  readonly branch: string
  readonly author: string
  readonly at: number
  /** Whether it names the same issue. */
  readonly sameIssue: boolean
  /** Files that both change. */
  readonly files: readonly string[]
}

const MOST = 5
const MOST_FILES = 8

/**
 * Which open branches are about the same issue, or change the same files, those about the issue first.
 * @param number the issue's; 0: none
 * @param own the branch that this change is made on
 */
export function underWay(
  branches: readonly OpenBranch[],
  { number, files, own }: { readonly number: number; readonly files: readonly string[]; readonly own: string },
): readonly Elsewhere[] {
  const planned = new Set(files)
  return branches
    .filter(({ name }) => name !== own && !name.startsWith(`${own}-wip-`))
    .map(({ name, author, at, files: changed, subjects }) => ({
      branch: name,
      author,
      at,
      sameIssue: number > 0 && (namesIssue(name, number) || subjects.some((one) => closesIssue(one, number))),
      files: changed.filter((file) => planned.has(file)).slice(0, MOST_FILES),
    }))
    .filter(({ sameIssue, files: both }) => sameIssue || both.length > 0)
    .toSorted((a, b) => Number(b.sameIssue) - Number(a.sameIssue) || b.files.length - a.files.length || b.at - a.at)
    .slice(0, MOST)
}

/** `12-fix`, `fix/12`, `issue-12`, `gh-12`: a number by itself, not a part of a version. */
function namesIssue(branch: string, number: number): boolean {
  return branch.split('/').some((part) => {
    const words = part.toLowerCase().split(/[-_#]/)
    return (
      words[0] === `${number}` || (/^(?:issue|issues|gh|bug|fix)$/.test(words[0] ?? '') && words.includes(`${number}`))
    )
  })
}

function closesIssue(subject: string, number: number): boolean {
  return subject.split(/[^#\w]+/).includes(`#${number}`)
}
