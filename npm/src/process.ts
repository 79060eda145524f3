/** What there is once in a process, although the package may be loaded twice: as ESM and as CommonJS. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'

/** One account of this process: who has it, and a queue for those who want it. */
export interface Place {
  /** The session that has the account. */
  holder: { retire: () => Promise<void> } | undefined
  /** Settles when the last one that wanted the account has it, or not. */
  turn: Promise<unknown>
}

interface Shared {
  owner: string
  places: Map<string, Place>
}

const NAME = Symbol.for('baileys-sessionworker')

const shared: Shared = ((globalThis as { [NAME]?: Shared })[NAME] ??= { owner: ownerOfProcess(), places: new Map() })

/** Who this process is for the worker: one name a process, else each reconnect would lock itself out. */
export const { owner } = shared

/** The place of an account, by all that tells it from others. */
export function placeOf (...account: string[]): Place {
  const name = JSON.stringify(account)
  let place = shared.places.get(name)
  if (place === undefined) shared.places.set(name, place = { holder: undefined, turn: Promise.resolve() })
  return place
}

function ownerOfProcess (): string {
  const host = hostname().replace(/[^\x21-\x7e]/g, '_').slice(0, 64)
  return `${host}-${process.pid}-${randomBytes(8).toString('hex')}`
}
