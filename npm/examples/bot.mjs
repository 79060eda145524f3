// A WhatsApp bot whose session is kept by a sessionworker:  TOKEN=... node bot.mjs sales
import { initAuthCreds, makeCacheableSignalKeyStore, makeWASocket, proto } from 'baileys'
import { openSession } from 'baileys-sessionworker'
import pino from 'pino' // comes with Baileys

const logger = pino({ level: 'warn' })
const [instance] = process.argv.slice(2)
const address = { url: process.env.WORKER_URL ?? 'http://127.0.0.1:5656', token: process.env.TOKEN }

const session = await openSession({ ...address, group: 'bots', instance, initAuthCreds, proto, patience: 35 })
const auth = { creds: session.creds, keys: makeCacheableSignalKeyStore(session.keys, logger) }

function connect () {
  const sock = makeWASocket({ auth, logger })
  sock.ev.on('creds.update', session.saveCreds)
  sock.ev.on('connection.update', async ({ connection, qr, lastDisconnect }) => {
    if (qr) console.log('Show this as a QR code:', qr)
    if (connection === 'open') console.log('connected')
    if (connection !== 'close' || isOver) return
    const loggedOut = lastDisconnect?.error?.output?.statusCode === 401
    if (loggedOut) await session.drop()
    else setTimeout(connect, 1_000)
  })
  current = sock
}

let isOver = false
let current
session.onLost(lost => { isOver = true; current?.end(lost) }) // another process has this account now
process.once('SIGTERM', async () => { isOver = true; current?.end(undefined); await session.close() })
connect()
