/**
 * The load that a WhatsApp API process puts on its worker, in five shapes, timed.
 *
 *     GLOBAL_AUTH_TOKEN=... node load.mjs URL [--through package] [--scale 1] [--only pairing,chat50] [--seconds 600]
 *
 * Through the APIs' own client, with one request a key, or through the npm package, which has to be built.
 * Prints one line of JSON for each pass over the shapes: for every shape its milliseconds, calls, and the 50th and 99th
 * percentile of one call's milliseconds, and `failures`. Without `--seconds` there is one pass; with it, passes follow
 * one another on the same instances until the time is over. What it made in the worker is dropped at the end.
 */
import { parseArgs } from 'node:util'
import { mintPreKeys, openAccount } from '../tests/node/account.mjs'
import * as client from '../tests/node/client.mjs'

const { positionals: [url], values: options } = parseArgs({
  allowPositionals: true,
  options: {
    through: { type: 'string', default: 'client' },
    scale: { type: 'string', default: '1' },
    only: { type: 'string', default: 'pairing,history,chat50,burst1000,restart' },
    seconds: { type: 'string', default: '0' }
  }
})

const { Worker, openState } = options.through === 'package' ? await import('./package.mjs') : client

const BUSY_INSTANCES = 50
const CONTACTS = 20

const run = Date.now().toString(36)
const worker = new Worker(url, process.env.GLOBAL_AUTH_TOKEN, 'load')

/** The whole numbers below `count`, which `--scale` makes fewer or more. */
const scaled = count => whole(Math.max(1, Math.round(count * options.scale)))
const whole = count => Array.from({ length: count }, (_, index) => index)

/** About the size of a session with one contact's phone. */
const session = { _sessions: { ratchet: Buffer.alloc(700, 7).toString('base64') }, version: 'v1' }
const contact = number => `55119000${number}.0`

/** The instances that talk all day, opened outside of what is timed. */
const busyNames = whole(BUSY_INSTANCES).map(number => `chat-${run}-${number}`)
let busy = []

const shapes = {
  /** A phone is paired: 812 pre-keys in one call, and the credentials saved now and then. */
  async pairing () {
    const phone = await openAccount(worker, `pairing-${run}`, openState)
    await phone.save()
    await mintPreKeys(phone, scaled(812).length)
    for (const _ of whole(10)) await phone.save()
  },

  /** The history arrives: a thousand contacts, two small keys each, in one call. */
  async history () {
    const { keys } = await openState(worker, `history-${run}`)
    const mappings = scaled(1000).flatMap(number => [[`55119${number}`, `1234567890${number}`], [`1234567890${number}_reverse`, `55119${number}`]])
    await keys.set({ 'lid-mapping': Object.fromEntries(mappings) })
  },

  /** Fifty phones receive messages at once: each reads a contact's session and writes it back, again and again. */
  async chat50 () {
    await Promise.all(busy.map(async ({ keys, save }) => {
      for (const number of scaled(40)) {
        const id = contact(Math.floor(Math.random() * CONTACTS))
        await keys.get('session', [id])
        await keys.set({ session: { [id]: session } })
        if (number % 8 === 0) await save()
      }
    }))
  },

  /** A message to a large group: a thousand sessions asked for at once, of which one in five exists. */
  async burst1000 () {
    const ids = scaled(1000).map(number => number % 100 < CONTACTS ? contact(number % 100) : contact(`none${number}`))
    for (const _ of whole(3)) await busy[0].keys.get('session', ids)
  },

  /** The API is restarted: it lists its instances, and all of them ask for their credentials and their contacts. */
  async restart () {
    const mine = (await worker.instances()).filter(name => busyNames.includes(name))
    if (mine.length !== BUSY_INSTANCES) throw new Error(`${mine.length} of ${BUSY_INSTANCES} instances are listed`)
    for (const _ of scaled(4)) {
      await Promise.all(mine.map(async name => {
        const { fresh, keys } = await openState(worker, name)
        if (fresh) throw new Error(`${name} lost its identity`)
        await keys.get('session', whole(CONTACTS).map(contact))
      }))
    }
  }
}

async function timed (act) {
  worker.latencies.length = 0
  const begun = performance.now()
  await act()
  const milliseconds = performance.now() - begun
  const sorted = worker.latencies.toSorted((one, other) => one - other)
  const percentile = share => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  return { milliseconds, calls: sorted.length, p50: percentile(0.5), p99: percentile(0.99) }
}

await worker.start()
busy = await Promise.all(busyNames.map(name => openState(worker, name)))
// A shape may come without the ones that it builds upon.
await Promise.all(busy.map(({ save }) => save()))
await busy[0].keys.set({ session: Object.fromEntries(whole(CONTACTS).map(number => [contact(number), session])) })

const end = performance.now() + options.seconds * 1000
do {
  const pass = {}
  for (const name of options.only.split(',')) pass[name] = await timed(shapes[name])
  client.say(JSON.stringify({ ...pass, failures: worker.failures }))
} while (performance.now() < end)

for (const name of [`pairing-${run}`, `history-${run}`, ...busyNames]) await worker.drop(name)
process.exit(worker.failures ? 1 : 0)
