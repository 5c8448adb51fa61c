/**
 * Runs Actions from their deployed text under the provider's limits: `node:` and declared modules only, 20 seconds for all,
 * one write at the end, 32 kB a side, a small cache. An exception, a denial or the end of the time ends the login; what was
 * set before a denial or a redirect is written all the same.
 */
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';

import { refusedRoot, SIDES } from './users.mjs';

const TIME_MS = 20_000;
const SIDE_BYTES = 32_768;
const LOG_CHARACTERS = 256;
const CACHE = { entries: 20, key_bytes: 64, value_bytes: 4_096, bytes: 8_192, ttl_ms: 900_000, ttl_ms_max: 86_400_000 };

/** The function of a text. */
export function compile(code, modules) {
  const real = createRequire(import.meta.url);
  const require = (name) => {
    if (!name.startsWith('node:') && !modules.includes(name)) throw new Error(`module ${name} is not declared`);
    return real(name);
  };
  const log = { lines: [] };
  const line = (...parts) => log.lines.push(parts.map(String).join(' ').slice(0, LOG_CHARACTERS));
  const console = { log: line, info: line, warn: line, error: line, debug: line };
  const module = { exports: {} };
  compileFunction(code, ['exports', 'module', 'require', 'console'])(module.exports, module, require, console);
  return { handler: module.exports.onExecutePostLogin, log };
}

/** Runs the Actions of a trigger, in order; gives what they want changed, and why the login ends here, if it does. */
export async function execute(actions, event, tenant) {
  const changes = noChanges();
  let error;
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('the Actions took more than 20 seconds')), TIME_MS);
  });
  try {
    for (const action of actions) {
      await Promise.race([one(action, event, changes, tenant), late]);
      if (changes.denied !== undefined || changes.redirect !== undefined) break;
    }
  } catch (thrown) {
    error = thrown;
  } finally {
    clearTimeout(timer);
  }
  const { denied, redirect } = changes;
  if (denied !== undefined) error ??= new Error(denied);
  const drops = tenant.faults.get('denied') === 'drops' && denied !== undefined
    || tenant.faults.get('redirected') === 'drops' && redirect !== undefined;
  // an exception loses everything
  const isThrown = error !== undefined && denied === undefined;
  return { changes: isThrown || drops ? noChanges() : changes, error, redirect };
}

async function one({ name, run, secrets }, event, changes, { actions: { cache }, faults, logs }) {
  const api = offered(changes, cache, faults);
  const before = changes.user_metadata;
  try {
    await run.handler({ ...structuredClone(event), secrets: { ...secrets }, configuration: {} }, api);
  } finally {
    logs.push(...run.log.lines.splice(0).map((text) => ({ action: name, line: text })));
  }
  // linking discards what the same Action set for the person
  if (changes.linked && faults.get('primary') !== 'keeps') changes.user_metadata = before;
  changes.linked = false;
}

function noChanges() {
  return { app_metadata: {}, user_metadata: {}, id_token: {}, access_token: {}, denied: undefined, redirect: undefined, linked: false };
}

function offered(changes, cache, faults) {
  const setter = (side) => (key, value) => {
    if (faults.take(`set_${side}`)) throw new Error('a fault that the test asked for');
    const refused = refusedRoot(side, key, value);
    if (refused) throw new Error(refused);
    const next = { ...changes[side], [key]: structuredClone(value) };
    if (Buffer.byteLength(JSON.stringify(next)) > SIDE_BYTES) throw new Error(`${side} is larger than ${SIDE_BYTES} bytes`);
    changes[side] = next;
  };
  const claim = (token) => ({ setCustomClaim: (name, value) => { changes[token][name] = value; } });
  return {
    user: { setAppMetadata: setter('app_metadata'), setUserMetadata: setter('user_metadata') },
    idToken: claim('id_token'),
    accessToken: claim('access_token'),
    access: { deny: (reason) => { changes.denied = `${reason}`; } },
    redirect: { sendUserTo: (url) => { changes.redirect = url; } },
    authentication: { setPrimaryUser: () => { changes.linked = true; } },
    cache: { get: (key) => cache.get(key), set: (key, value, options) => cache.set(key, value, options), delete: (key) => cache.delete(key) },
  };
}

/** Whether a login has something to write. */
export function writes(changes) {
  return SIDES.some((side) => Object.keys(changes[side]).length > 0);
}

export class Cache {
  #entries = new Map();

  clear() {
    this.#entries.clear();
  }

  get(key) {
    const entry = this.#entries.get(key);
    return entry && entry.expires_at > Date.now() ? { ...entry } : undefined;
  }

  set(key, value, { ttl = CACHE.ttl_ms, expires_at = Date.now() + Math.min(ttl, CACHE.ttl_ms_max) } = {}) {
    const error = (code) => ({ type: 'error', code });
    if (Buffer.byteLength(key) > CACHE.key_bytes) return error('CacheKeySizeExceeded');
    if (typeof value !== 'string' || Buffer.byteLength(value) > CACHE.value_bytes) return error('CacheValueSizeExceeded');
    const next = new Map(this.#entries).set(key, { value, expires_at });
    const bytes = [...next].reduce((sum, [name, entry]) => sum + Buffer.byteLength(name) + Buffer.byteLength(entry.value), 0);
    if (next.size > CACHE.entries) return error('ItemCountExceeded');
    if (bytes > CACHE.bytes) return error('CacheSizeExceeded');
    this.#entries = next;
    return { type: 'success', record: { key, value, expires_at } };
  }

  delete(key) {
    return this.#entries.delete(key) ? { type: 'success' } : { type: 'error', code: 'KeyDoesNotExist' };
  }
}
