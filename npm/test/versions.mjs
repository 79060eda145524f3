/** The versions of Baileys with which the repository tests its worker: they are installed there already. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const place = new URL('../../tests/node/package.json', import.meta.url)
const { dependencies } = JSON.parse(readFileSync(place))

/** Names of packages there: `baileys-7` and others. */
export const names = Object.keys(dependencies).filter(name => name.startsWith('baileys-'))

/** version -> Baileys. Of a CommonJS module all is in the default export. */
export const versions = Object.fromEntries(await Promise.all(names.map(async name => {
  const module = await import(createRequire(place).resolve(name))
  return [dependencies[name].split('@').at(-1), module.proto ? module : module.default]
})))
