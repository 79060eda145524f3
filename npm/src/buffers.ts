/** JSON as Baileys writes and reads it: bytes are `{"type": "Buffer", "data": "<base64>"}`. */
import { types } from 'node:util'

interface Fields { [name: string]: unknown }

/** The JSON text of a value. `undefined` for what JSON has no text for. */
export function encode (value: unknown): string | undefined {
  return JSON.stringify(withoutBytes(value))
}

/** The same with bytes as Baileys has them. A replacer would see a Buffer as an array of a number for each byte. */
function withoutBytes (value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (types.isUint8Array(value)) return { type: 'Buffer', data: base64(value) }
  if ('toJSON' in value && typeof value.toJSON === 'function') return withoutBytes(value.toJSON())
  if (Array.isArray(value)) return value.map(withoutBytes)
  const { type, data } = value as Fields
  if (type === 'Buffer' && Array.isArray(data)) return { type, data: Buffer.from(data).toString('base64') }
  const copy: Fields = Object.create(null) // a field may be called __proto__
  for (const name of Object.keys(value)) copy[name] = withoutBytes((value as Fields)[name])
  return copy
}

function base64 (bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** What was parsed from JSON, with its bytes as Buffers. Changes it. */
export function withBytes (value: unknown): any {
  if (typeof value !== 'object' || value === null) return value
  const fields = value as Fields
  if (fields.type === 'Buffer' || fields.buffer === true) {
    const bytes = fields.data ?? fields.value
    if (typeof bytes === 'string') return Buffer.from(bytes, 'base64')
    if (bytes === undefined || Array.isArray(bytes)) return Buffer.from(bytes ?? [])
  }
  for (const name of Object.keys(fields)) {
    const field = fields[name]
    if (typeof field === 'object' && field !== null) {
      const revived = withBytes(field)
      if (revived !== field) define(fields, name, revived)
    }
  }
  return value
}

/** Assigning to `__proto__` would do something else. */
function define (fields: Fields, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true })
  else fields[name] = value
}
