/** The files of a Worker. @param more of what describes it */
export function worker(module: string, more: object = {}): Readonly<Record<string, string>> {
  const config = { name: 'shop', main: 'index.js', compatibility_date: '2026-04-01', ...more }
  return { 'index.js': module, 'wrangler.jsonc': `// A Worker.\n${JSON.stringify(config)}` }
}
