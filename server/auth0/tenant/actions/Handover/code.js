'use strict';
/*
 * Handover's post-login Action: sends an anonymous session and the named roots of the account to the webhook, and applies
 * the answer whole or not at all. It never throws, never denies a login and logs no value: `handover <code> <n>ms`.
 * Trigger post-login v3, runtime node22, no dependency. Secrets and codes: README.md beside this file.
 */
const { createHash, createHmac, randomUUID, timingSafeEqual } = require('node:crypto');

const RESERVED = new Set(('__tenant _id blocked clientID created_at email_verified email globalClientID global_client_id '
  + 'identities lastIP lastLogin loginsCount metadata multifactor_last_modified multifactor updated_at user_id').split(' '));
const NO_PERSON = /^(oauth2-(refresh-token|token-exchange|device-code)$|oidc-ciba)/;
const NO_ROOTS = ['__proto__', 'constructor', 'prototype'];
const SIDES = ['app_metadata', 'user_metadata'];
const RECEIPT = 'app_metadata.handover';
const BODY_BYTES = 262144;
const SIDE_BYTES = 32768;
const COMMANDS = 64;
const ENTRIES = 16;
const TAKEN = 16;
const WINDOW_S = 300;
const DEADLINE_MS = { standard: 2500, most: 8000 };
const RETRY_MS = { least: 600, wait: 50, spread: 100 };
const RETRIED = /^(unreachable|http_(429|502|503|504))$/;
const BREAKER = { key: 'handover.breaker', failures: 3, open_ms: 30000, keep_ms: 600000 };
const BREAKING = /^(deadline|unreachable|http_(429|5\d\d))$/;

/** Ends the hand-over, not the login; the code is what the log says. */
class Stop extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

exports.onExecutePostLogin = async (event, api) => {
  const start = performance.now();
  let code;
  try {
    code = await handOver(event, api, start);
  } catch (error) {
    code = error instanceof Stop ? error.code : 'failed';
  }
  if (code) quietly(() => console.log(`handover ${code} ${Math.round(performance.now() - start)}ms`));
};

async function handOver(event, api, start) {
  const session = event.anonymous_session;
  const secrets = event.secrets ?? {};
  const mode = secrets.HANDOVER_MODE ?? 'apply';
  if (!session?.user_id || mode === 'off' || NO_PERSON.test(event.transaction?.protocol ?? '')) return null;
  const clients = list(secrets.HANDOVER_CLIENTS);
  if (clients.length > 0 && !clients.includes(event.client?.client_id)) return null;
  const members = membersOf(session.metadata);
  if (Object.keys(members).every((name) => name === 'handover')) return null;
  if (mode !== 'apply' && mode !== 'observe') throw new Stop('config_mode');

  const config = configuration(secrets);
  const draft = draftId(members);
  const claim = mode === 'apply' ? secrets.HANDOVER_CLAIM ?? 'urn:handover:status' : '';
  if (isTaken(event.user.app_metadata?.handover, draft ?? (session.session_id || session.user_id), session.metadata)) {
    // the browser missed the claim of the login that took it
    tell(api, claim, 'already_transferred', draft);
    return null;
  }
  const request = { id: requestId(event), config, until: start + config.deadline };
  request.body = body(event, session, request);
  const decision = await guarded(api.cache, () => decide(request));
  const word = decision.reason ?? decision.status;
  if (mode === 'observe') return `observed_${word}`;

  apply(event.user, api.user, decision.sets);
  if (decision.clear || word === 'claimed_by_another_account') tell(api, claim, word, draft);
  return word;
}

/** Tells the browser what became of its draft, by name. If that fails, it keeps the draft, and the receipt keeps it from counting twice. */
function tell(api, claim, word, draft) {
  if (claim) quietly(() => api.idToken.setCustomClaim(claim, draft ? `${word} ${draft}` : word));
}

// -- what leaves the tenant ------------------------------------------------------------------------------------------

function list(text) {
  return (text ?? '').split(',').map((entry) => entry.trim()).filter(Boolean);
}

function configuration(secrets) {
  const key = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secrets.HANDOVER_SECRET ?? '');
  const bytes = Buffer.from(key?.[1] ?? '', 'base64');
  if (bytes.length < 24) throw new Stop('config_secret');
  const roots = list(secrets.HANDOVER_ROOTS);
  if (roots.length === 0 || !roots.every(isRoot)) throw new Stop('config_roots');
  const asked = Number(secrets.HANDOVER_DEADLINE_MS || DEADLINE_MS.standard);
  return {
    url: address(secrets.HANDOVER_URL),
    key: bytes,
    roots: [...new Set([...roots, RECEIPT])],
    deadline: asked > 0 ? Math.min(asked, DEADLINE_MS.most) : DEADLINE_MS.standard,
  };
}

/** https, or http to this machine; the path of the webhook may be left out. */
function address(text) {
  let url;
  try {
    url = new URL(text);
  } catch {
    throw new Stop('config_url');
  }
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) throw new Stop('config_url');
  if (url.username || url.password) throw new Stop('config_url');
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith('/v1/transfer') ? path : `${path}/v1/transfer`;
  return url;
}

function isRoot(root) {
  const [, side, key] = /^(app_metadata|user_metadata)\.([^.$\0]+)$/.exec(root) ?? [];
  return key !== undefined && !NO_ROOTS.includes(key) && !(side === 'app_metadata' && RESERVED.has(key));
}

/** The same for every try of one transaction, and a `webhook-id`: visible ASCII without a dot. */
function requestId(event) {
  const transaction = event.transaction?.id;
  const id = `auth0:${transaction ? `${event.tenant?.id}:${transaction}` : randomUUID()}`;
  return /^[!-\-/-~]{1,128}$/.test(id) ? id : `auth0:${createHash('sha256').update(id).digest('base64url')}`;
}

function body(event, session, { id, config }) {
  const { user, transaction } = event;
  const named = (side) => {
    const keys = config.roots.filter((root) => root.startsWith(`${side}.`)).map((root) => root.slice(side.length + 1));
    return Object.fromEntries(keys.filter((key) => Object.hasOwn(user[side] ?? {}, key)).map((key) => [key, user[side][key]]));
  };
  const { created_at, expires_at, session_id, metadata } = session;
  const text = JSON.stringify({
    id,
    trigger: typeof event.stats?.logins_count === 'number' && event.stats.logins_count <= 1 ? 'signup' : 'login',
    at: new Date().toISOString(),
    account: {
      id: user.user_id,
      visible: config.roots,
      app_metadata: named('app_metadata'),
      user_metadata: named('user_metadata'),
    },
    anonymous_session: { id: session.user_id, session_id, created_at, expires_at, metadata },
    context: {
      provider: 'auth0',
      tenant: event.tenant?.id,
      client_id: event.client?.client_id,
      connection: event.connection?.name,
      organization: event.organization?.id,
      protocol: transaction?.protocol,
      locale: transaction?.locale,
    },
  });
  if (Buffer.byteLength(text) > BODY_BYTES) throw new Stop('request_too_large');
  return text;
}

/** The metadata's members; it may be text of an object, and anything else has none. */
function membersOf(metadata) {
  const value = typeof metadata === 'string' ? quietly(() => JSON.parse(metadata)) : metadata;
  return value && typeof value === 'object' && !Array.isArray(value) ? value : {};
}

function draftId({ handover: id }) {
  return typeof id === 'string' && /^[A-Za-z0-9_-]{16,64}$/.test(id) ? id : undefined;
}

/**
 * Whether the account's receipt names this hand-over with this content, and every rule took it: then nothing can change.
 * A malformed receipt says nothing: the server decides.
 */
function isTaken(receipt, id, metadata) {
  if (receipt?.v !== 1 || !Array.isArray(receipt.taken) || receipt.taken.length > TAKEN || !receipt.taken.every(isEntry)) return false;
  const digest = hash(`handover\0${id}`, 8);
  const [name, , , left = []] = receipt.taken.find((entry) => entry[0].split('.')[0] === digest) ?? [];
  if (name === undefined || left.length > 0) return false;
  // an older form has no content
  return !name.includes('.') || name === `${digest}.${hash(JSON.stringify(metadata), 6)}`;
}

function isEntry(entry) {
  if (!Array.isArray(entry) || typeof entry[0] !== 'string' || !Number.isInteger(entry[1]) || !Number.isInteger(entry[2])) return false;
  return entry.length < 4 || Array.isArray(entry[3]) && entry[3].every((rule) => typeof rule === 'string');
}

function hash(text, bytes) {
  return createHash('sha256').update(text).digest().subarray(0, bytes).toString('base64url');
}

// -- the call --------------------------------------------------------------------------------------------------------

/** After three failures in a row nobody is asked for half a minute. */
async function guarded(cache, call) {
  if (Date.now() < breaker(cache).until) throw new Stop('breaker_open');
  try {
    const answer = await call();
    settle(cache, false);
    return answer;
  } catch (error) {
    settle(cache, BREAKING.test(error.code));
    throw error;
  }
}

/** Counts a call. Other logins may have counted meanwhile, so the cache is read again, and what is open stays open. */
function settle(cache, failed) {
  const { failures, until } = breaker(cache);
  if (Date.now() < until) return;
  if (failed) {
    const value = `${failures + 1} ${failures + 1 >= BREAKER.failures ? Date.now() + BREAKER.open_ms : 0}`;
    quietly(() => cache.set(BREAKER.key, value, { ttl: BREAKER.keep_ms }));
  } else if (failures > 0) {
    quietly(() => cache.delete(BREAKER.key));
  }
}

/** `failures until`; a cache that was lost, or holds something else, means: ask. */
function breaker(cache) {
  const [failures, until] = quietly(() => cache.get(BREAKER.key).value.split(' ').map(Number)) ?? [];
  return Number.isInteger(failures) && Number.isFinite(until) ? { failures, until } : { failures: 0, until: 0 };
}

function quietly(work) {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Two tries in one deadline, which covers the bodies too. */
async function decide(request) {
  const left = () => request.until - performance.now();
  request.signal = AbortSignal.timeout(Math.max(0, Math.ceil(left())));
  try {
    return checked(request, await post(request));
  } catch (error) {
    if (!RETRIED.test(error.code) || left() < RETRY_MS.least) throw error;
  }
  await new Promise((resolve) => setTimeout(resolve, RETRY_MS.wait + Math.random() * RETRY_MS.spread));
  return checked(request, await post(request));
}

async function post({ id, config, body, signal }) {
  const timestamp = `${Math.floor(Date.now() / 1000)}`;
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': sign(config.key, `${id}.${timestamp}.`, body),
  };
  try {
    const response = await fetch(config.url, { method: 'POST', redirect: 'manual', headers, body, signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Stop(response.status >= 300 && response.status < 400 ? 'redirected' : `http_${response.status}`);
    }
    const chunks = [];
    let bytes = 0;
    for await (const chunk of response.body) {
      bytes += chunk.length;
      if (bytes > BODY_BYTES) throw new Stop('answer_too_large');
      chunks.push(chunk);
    }
    return { headers: response.headers, bytes: Buffer.concat(chunks) };
  } catch (error) {
    if (error instanceof Stop) throw error;
    throw new Stop(signal.aborted ? 'deadline' : 'unreachable');
  }
}

function sign(key, prefix, bytes) {
  return `v1,${createHmac('sha256', key).update(prefix).update(bytes).digest('base64')}`;
}

// -- the answer ------------------------------------------------------------------------------------------------------

/** The decision of an answer that is ours, is fresh and asks for nothing that the provider refuses. */
function checked({ id, config }, { headers, bytes }) {
  const at = headers.get('webhook-timestamp') ?? '';
  const own = Buffer.from(sign(config.key, `response\n${id}.${at}.`, bytes));
  const entries = (headers.get('webhook-signature') ?? '').split(' ').map((entry) => Buffer.from(entry, 'latin1'));
  const fits = (entry) => entry.length === own.length && timingSafeEqual(entry, own);
  if (headers.get('webhook-id') !== id || entries.length > ENTRIES || !entries.some(fits)) throw new Stop('answer_unsigned');
  if (!/^[1-9]\d{0,11}$/.test(at) || Math.abs(Date.now() / 1000 - at) > WINDOW_S) throw new Stop('answer_late');
  const decision = quietly(() => JSON.parse(bytes));
  if (!isWord(decision?.status) || !isWord(decision.reason ?? 'none') || !Array.isArray(decision.commands)) {
    throw new Stop('answer_malformed');
  }
  if (decision.id !== id) throw new Stop('answer_of_another');
  if (decision.commands.length > COMMANDS) throw new Stop('too_many_commands');
  const sets = [];
  let clear = false;
  for (const command of decision.commands) {
    if (command?.command === 'clear_anonymous_session') clear = true;
    else sets.push(setting(command));
  }
  checkKeys(sets, config.roots);
  return { status: decision.status, reason: decision.reason, sets, clear };
}

function isWord(text) {
  return typeof text === 'string' && /^[a-z_]{1,64}$/.test(text);
}

function setting(command) {
  const side = SIDES.find((name) => command?.command === `set_${name}`);
  if (!side || !Object.hasOwn(command, 'value')) throw new Stop('unknown_command');
  return { side, key: command.key, value: command.value };
}

function checkKeys(sets, roots) {
  for (const side of SIDES) {
    const own = sets.filter((set) => set.side === side);
    const keys = own.map((set) => set.key);
    if (!keys.every((key) => typeof key === 'string' && isRoot(`${side}.${key}`)) || new Set(keys).size < keys.length) {
      throw new Stop('bad_key');
    }
    if (!keys.every((key) => roots.includes(`${side}.${key}`))) throw new Stop('root_not_named');
    for (const code of own.map((set) => quietly(() => flaw(set.value)) ?? 'bad_name')) if (code !== 'none') throw new Stop(code);
    const bytes = Buffer.byteLength(JSON.stringify(Object.fromEntries(own.map((set) => [set.key, set.value]))));
    if (bytes > SIDE_BYTES) throw new Stop('too_many_bytes');
  }
}

/** What the provider, or JavaScript, cannot keep in a value; a value that is too deep to be looked through throws. */
function flaw(value) {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) ? 'bad_number' : 'none';
  if (value === null || typeof value !== 'object') return 'none';
  if (!Array.isArray(value) && Object.keys(value).some((name) => /[.$\0]/.test(name))) return 'bad_name';
  return Object.values(value).map(flaw).find((code) => code !== 'none') ?? 'none';
}

/** All or nothing: if the provider refuses one root, those already set get their old values back. */
function apply(user, setters, sets) {
  const put = (side, key, value) =>
    side === 'app_metadata' ? setters.setAppMetadata(key, value) : setters.setUserMetadata(key, value);
  const done = [];
  try {
    for (const set of sets) {
      put(set.side, set.key, set.value);
      done.push(set);
    }
  } catch {
    for (const { side, key } of done) {
      quietly(() => put(side, key, Object.hasOwn(user[side] ?? {}, key) ? user[side][key] : null));
    }
    throw new Stop('apply_failed');
  }
}
