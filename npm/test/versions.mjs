/** The versions of Baileys with which the repository tests its worker, all of them loaded: that takes its seconds. */
import { createRequire } from 'node:module'
import { dependencies, names, place } from './names.mjs'

/** version -> Baileys. Of a CommonJS module all is in the default export. */
export const versions = Object.fromEntries(await Promise.all(names.map(async name => {
  const module = await import(createRequire(place).resolve(name))
  return [dependencies[name].split('@').at(-1), module.proto ? module : module.default]
})))
