import fc from 'fast-check'
import { expect, it } from 'vitest'
import { picturesIn } from '../../src/channels/github/pictures.ts'

const image = (src: string) => `<p><a href="x"><img width="10" alt="a" src="${src}" style="max-width: 100%;"></a></p>`

it('pictures of an issue are those that its server stores, four at most, each once', () => {
  const stored = 'https://private-user-images.githubusercontent.com/1/2-a.png?jwt=a&amp;b=c'
  const html = [
    image(stored),
    image(stored),
    image('https://user-images.githubusercontent.com/1/b.png'),
    image('https://camo.githubusercontent.com/abc/def'),
    image('https://evil.example/spy.png'),
    image('http://private-user-images.githubusercontent.com/plain.png'),
    image('https://github.com.evil.example/a.png'),
    image('https://private-user-images.githubusercontent.com@evil.example/a.png'),
    image('http://169.254.169.254/latest/meta-data'),
    '<img src="file:///etc/passwd">',
    '<img data-src="https://user-images.githubusercontent.com/1/lazy.png">',
  ].join('\n')
  expect(picturesIn(html, 'https://github.com')).toEqual([
    'https://private-user-images.githubusercontent.com/1/2-a.png?jwt=a&b=c',
    'https://user-images.githubusercontent.com/1/b.png',
  ])
  expect(picturesIn(image('https://media.ghes.example/user/1?token=x'), 'https://ghes.example')).toHaveLength(1)
  expect(picturesIn(image('https://ghes.example/storage/user/1'), 'https://ghes.example')).toHaveLength(1)
  const many = Array.from({ length: 9 }, (_, nth) => image(`https://user-images.githubusercontent.com/1/${nth}.png`))
  expect(picturesIn(many.join(''), 'https://github.com')).toHaveLength(4)
})

it('pictures are read of any text, and lead nowhere else', () => {
  const part = fc.constantFrom(
    '<img',
    ' src="',
    'https://',
    'user-images.githubusercontent.com',
    '/a',
    '"',
    '>',
    ' ',
    '@',
    '\\',
    'evil',
    '&amp;',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      for (const address of picturesIn(parts.join(''), 'https://github.com'))
        expect(['user-images.githubusercontent.com', 'github.com']).toContain(new URL(address).hostname)
    }),
  )
})
