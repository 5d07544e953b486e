import { createRequire } from 'node:module'
import { Resvg } from '@resvg/resvg-js'
import { escape } from '../../core/markup.ts'

interface Point {
  readonly second: number
  readonly requests: number
  readonly errors: number
}

const WIDTH = 760
const HEIGHT = 300
const BOX = { left: 56, right: 16, top: 48, bottom: 40 } as const
const COLOURS = { requests: '#4c8bf5', errors: '#d93025', text: '#1d1c1d', muted: '#616061', line: '#e0e0e0' } as const
const FONT = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf')

/** Requests and errors over a watch, as a picture: Slack draws no diagrams. @returns a PNG */
export function chartPng(title: string, series: readonly Point[]): Buffer {
  const picture = new Resvg(chartSvg(title, series), {
    fitTo: { mode: 'width', value: WIDTH * 2 },
    font: { fontFiles: [FONT], loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' },
    background: '#ffffff',
  })
  return picture.render().asPng()
}

/** The same as SVG: bars are requests in each slice, the line is errors. */
export function chartSvg(title: string, series: readonly Point[]): string {
  const top = niceMaximum(Math.max(1, ...series.map(({ requests, errors }) => Math.max(requests, errors))))
  const inner = { width: WIDTH - BOX.left - BOX.right, height: HEIGHT - BOX.top - BOX.bottom }
  const slot = inner.width / Math.max(1, series.length)
  const x = (index: number) => BOX.left + slot * (index + 0.5)
  const y = (value: number) => BOX.top + inner.height * (1 - value / top)
  const bars = series.map(({ requests }, index) =>
    rect(x(index) - slot * 0.35, y(requests), slot * 0.7, BOX.top + inner.height - y(requests)),
  )
  const line = series.map(({ errors }, index) => `${round(x(index))},${round(y(errors))}`).join(' ')
  const every = Math.max(1, Math.ceil(series.length / 12))
  const labels = series.flatMap(({ second }, index) =>
    index % every === 0 ? [label(x(index), HEIGHT - 20, `${second} s`, 'middle')] : [],
  )
  const grid = [0, 0.5, 1].map(
    (part) =>
      `<line x1="${BOX.left}" x2="${WIDTH - BOX.right}" y1="${round(y(top * part))}" y2="${round(y(top * part))}" stroke="${COLOURS.line}"/>${label(BOX.left - 8, y(top * part) + 4, String(top * part), 'end')}`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="DejaVu Sans" font-size="12">
<text x="${BOX.left}" y="22" font-size="15" fill="${COLOURS.text}">${escape(title)}</text>
<rect x="${BOX.left}" y="30" width="10" height="10" fill="${COLOURS.requests}"/>${label(BOX.left + 16, 39, 'requests', 'start')}
<rect x="${BOX.left + 90}" y="34" width="14" height="3" fill="${COLOURS.errors}"/>${label(BOX.left + 110, 39, 'errors', 'start')}
${grid.join('')}${bars.join('')}<polyline points="${line}" fill="none" stroke="${COLOURS.errors}" stroke-width="2.5"/>${labels.join('')}</svg>`
}

function rect(x: number, y: number, width: number, height: number): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(Math.max(0, height))}" rx="2" fill="${COLOURS.requests}"/>`
}

function label(x: number, y: number, text: string, anchor: string): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${COLOURS.muted}">${escape(text)}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** The next of 2, 4, 10, 20, 40, 100, …: its half is whole. */
function niceMaximum(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 4, 10].find((one) => one * unit >= value) ?? 10
  return Math.max(2, factor * unit)
}
