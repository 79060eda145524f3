/**
 * What both API processes do at their start, then the connect of one account, with the token of the environment.
 *
 *     GLOBAL_AUTH_TOKEN=... node start.mjs URL INSTANCE
 *
 * An answer to `POST /session` that is no success ends whatsapp-api and Evolution API alike, by a SIGKILL of their own;
 * so it does here, after a line `refused` that says why. Otherwise the program prints `started`, then how connects end:
 * with another token and with none, as after a change of the worker's token under a running API, and with the right
 * one, before and after its credentials are saved. `refused` is said with the reason, and is before credentials are
 * asked for; else it is `fresh` or `known`. Ends with the line of JSON of report.mjs.
 */
import { identityOf, openAccount } from './account.mjs'
import { Worker, say } from './client.mjs'
import { finish, total } from './report.mjs'

const [url, instance] = process.argv.slice(2)
const token = process.env.GLOBAL_AUTH_TOKEN
const GROUP = 'start'

async function connect (token) {
  try {
    const account = await openAccount(new Worker(url, token, GROUP), instance)
    return { account, end: account.fresh ? 'fresh' : 'known' }
  } catch (error) {
    return { end: `refused ${error.message}` }
  }
}

const worker = new Worker(url, token, GROUP)
try {
  await worker.start()
} catch (error) {
  say(`refused ${error.message}`)
  process.kill(process.pid, 'SIGKILL')
}
say('started')
say(`another token: ${(await connect(`${token}x`)).end}`)
say(`no token: ${(await connect(undefined)).end}`)
const { account, end } = await connect(token)
say(`the right token: ${end}`)
if (!await account.save()) total.failures++
const again = await connect(token)
say(`again: ${again.end}`)
if (identityOf(again.account.creds) !== identityOf(account.creds)) total.identities++
finish()
