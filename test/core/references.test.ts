import { expect, it } from 'vitest'
import { referencesIn } from '../../src/core/references.ts'

const URL_ = 'https://acme.slack.com/archives/C1/p1'

it.each([
  [`See ${URL_}.`, [URL_]],
  [`See <${URL_}>`, [URL_]],
  // As channels write what has a label.
  [`See [the thread](${URL_})`, [URL_]],
  [`- in a list: ${URL_}`, [URL_]],
  [`> ${URL_}`, []],
  [`\`${URL_}\``, []],
  [`~~[old](${URL_})~~`, []],
])('finds the places that %j names', (text, urls) => {
  expect(referencesIn(text).urls.map(String)).toEqual(urls)
})
