import fc from 'fast-check'
import { expect, it } from 'vitest'
import { circleIn } from '../../src/agent/stuck.ts'

it('sees repeats, two things in turn, and that nothing new comes of anything; not work that looks alike', () => {
  expect(circleIn(['a', 'a'])).toBeUndefined()
  expect(circleIn(['x', 'a', 'a', 'a'])).toMatch(/3 times in a row/)
  expect(circleIn(['a', 'b', 'a', 'b', 'a'])).toBeUndefined()
  expect(circleIn(['a', 'b', 'a', 'b', 'a', 'b'])).toMatch(/in turn/)
  const round = ['a', 'b', 'c', 'd']
  expect(circleIn([...round, ...round, ...round])).toBeUndefined()
  expect(circleIn([...round, ...round, ...round, 'a', 'b'])).toMatch(/nothing came of it/)
})

it('never calls it a circle where each turn brings something new', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 60 }), (deeds) => {
      expect(circleIn(deeds)).toBeUndefined()
    }),
  )
})
