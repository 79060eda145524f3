/**
 * A process that has an account and writes all its keys in each set, until it is told to end.
 *
 *     TOKEN=... node owner.mjs URL NAME
 *
 * Prints `held` where another process has the account, `open`, and at the end what came of it as JSON.
 */
import { HeldElsewhere, Lost, openSession } from 'baileys-sessionworker'
import { IDENTITY } from './fake.mjs'

const [url, name] = process.argv.slice(2)
const say = line => process.stdout.write(`${line}\n`)
const ids = Array.from({ length: 20 }, (_, id) => `${id}`)
const total = { stored: 0, lost: 0, failed: 0, mixed: 0, told: [] }

const options = { url, token: process.env.TOKEN, group: 'bots', instance: 'one', initAuthCreds: () => structuredClone(IDENTITY) }
const session = await openSession(options).catch(error => {
  if (!(error instanceof HeldElsewhere)) throw error
  say('held')
  process.exit()
})
session.onLost(({ reason }) => total.told.push(reason))
await session.saveCreds()
let isOver = false
process.stdin.once('data', () => { isOver = true })

for (let number = 1; !isOver; number++) {
  try {
    await session.keys.set({ session: Object.fromEntries(ids.map(id => [id, { name, number }])) })
    total.stored++
    const found = Object.values(await session.keys.get('session', ids)) // of one set, whosever it is
    if (new Set(found.map(value => JSON.stringify(value))).size !== 1) total.mixed++
  } catch (error) {
    if (error instanceof Lost) total.lost++
    else total.failed++
    await new Promise(setImmediate)
  }
  if (number === 1) say('open')
}
await session.close()
say(JSON.stringify(total))
process.exit()
