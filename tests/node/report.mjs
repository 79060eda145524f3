/** What the tests' programs have in common: how they are steered, and what they report at their end. */
import { createInterface } from 'node:readline'
import { say } from './client.mjs'
import { version } from './versions.mjs'

/**
 * - `baileys`: the version that was the client;
 * - `messages` that were meant to arrive, and `lost` ones that did not;
 * - `identities`: how often an account came back as somebody else;
 * - `values` that were compared, and `missing`: keys that do not hold what was acknowledged, byte for byte;
 * - `failures`: calls that failed, less those that a stopped worker provokes;
 * - `interruptions` survived.
 */
export const total = {
  baileys: version, messages: 0, lost: 0, identities: 0, values: 0, missing: [], failures: 0, interruptions: 0
}

const standardInput = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

/** Print a line, and go on when one comes back: it is what is returned. */
export async function pause (line) {
  say(line)
  const { done, value } = await standardInput.next()
  if (done) throw new Error('standard input ended while a line was awaited')
  return value
}

/** Report in one line of JSON, and end: with exit status 1 if anything is lost. */
export function finish () {
  say(JSON.stringify(total))
  process.exit(total.lost || total.identities || total.missing.length || total.failures ? 1 : 0)
}
