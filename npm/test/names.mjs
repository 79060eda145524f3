/** What the versions of Baileys are called with which the repository tests its worker: they are installed there. */
import { readFileSync } from 'node:fs'

export const place = new URL('../../tests/node/package.json', import.meta.url)
export const { dependencies } = JSON.parse(readFileSync(place))

/** Names of packages there: `baileys-7` and others. */
export const names = Object.keys(dependencies).filter(name => name.startsWith('baileys-'))
