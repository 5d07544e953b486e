import assert from 'node:assert/strict'
import { test } from 'node:test'
import { slug } from '../src/slug.js'

test('a slug that fits stays as it is', () => assert.equal(slug('one two', { max: 7 }), 'one-two'))
test('words are kept whole', () => assert.equal(slug('one two three', { max: 10 }), 'one-two'))
test('a word that ends at the cut is kept', () => assert.equal(slug('one two three', { max: 7 }), 'one-two'))
test('a long first word is cut', () => assert.equal(slug('incomprehensible', { max: 5 }), 'incom'))
