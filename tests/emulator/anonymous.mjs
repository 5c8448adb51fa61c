/** Anonymous sessions: made once with their metadata, re-minted by token or cookie, handed to a login by ticket or cookie. */
import { randomBytes, randomUUID } from 'node:crypto';

import { EncryptJWT, jwtDecrypt, SignJWT } from 'jose';

import { readBody, Refused } from './http.mjs';

const COOKIE = 'auth0_anon';
const TICKET = 'urn:auth0:anon_transfer';
const LIFETIME_S = 30 * 86_400;
const ACCESS_S = 86_400;
const TICKET_S = 30;
const METADATA_BYTES = 1_024;

export class Sessions {
  #tenant;
  #key = randomBytes(32);
  #sessions = new Map();
  #tickets = new Set();

  constructor(tenant) {
    this.#tenant = tenant;
  }

  create(metadata) {
    const now = Date.now();
    const lifetime = this.#tenant.faults.get('token_ttl_s') ?? LIFETIME_S;
    const session = { user_id: `anon@${randomUUID()}`, session_id: randomUUID(), created_at: now, expires_at: now + lifetime * 1000, metadata };
    this.#sessions.set(session.session_id, session);
    return session;
  }

  seal(claims, seconds) {
    const token = new EncryptJWT(claims).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' });
    return token.setIssuedAt().setExpirationTime(`${seconds} s`).encrypt(this.#key);
  }

  async open(token) {
    const opened = await jwtDecrypt(token, this.#key).catch((error) => error);
    if (opened.code === 'ERR_JWT_EXPIRED') throw oauth('session_expired', 'the session has expired');
    const session = this.#sessions.get(opened.payload?.session);
    if (!session || opened.payload.ticket) throw oauth('invalid_session_token', 'the session token is not valid');
    if (session.expires_at <= Date.now()) throw oauth('session_expired', 'the session has expired');
    return session;
  }

  async ticket(session) {
    const id = randomUUID();
    this.#tickets.add(id);
    return this.seal({ session: session.session_id, ticket: id }, TICKET_S);
  }

  /** The session that a login takes along: that of a ticket, which is used once, else that of the cookie. */
  async ofLogin(ticket, cookie) {
    if (ticket) {
      const { payload } = await jwtDecrypt(ticket, this.#key).catch(() => ({}));
      const session = this.#tickets.delete(payload?.ticket) && this.#sessions.get(payload.session);
      if (session && session.expires_at > Date.now()) return session;
    }
    return cookie ? this.open(cookie).catch(() => undefined) : undefined;
  }
}

export function anonymousRoutes(tenant) {
  return [
    ['POST', /^\/anonymous\/token$/, async (ctx) => token(tenant, ctx, await readBody(ctx))],
    ['POST', /^\/anonymous\/logout$/, (ctx) => { setCookie(ctx, null); return {}; }],
  ];
}

/** Lets the pages of a client call the anonymous routes; true if the request only asked whether it may (CORS). */
export function cors(tenant, ctx) {
  const origin = ctx.get('origin');
  if (!origin || !tenant.allows(origin)) return false;
  ctx.set({ 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', vary: 'origin' });
  if (ctx.method !== 'OPTIONS') return false;
  ctx.set({ 'access-control-allow-methods': 'POST', 'access-control-allow-headers': ctx.get('access-control-request-headers') });
  ctx.status = 204;
  return true;
}

async function token(tenant, ctx, { client_id, session_token, audience, scope, metadata }) {
  if (!await tenant.provider.Client.find(client_id)) throw oauth('unauthorized_client', 'unknown client', 401);
  const { sessions } = tenant;
  // a cookie whose session is gone counts as none; a token whose session is gone is the caller's to handle
  const beside = metadata && tenant.faults.get('beside') === 'new';
  const cookie = beside ? undefined : cookieOf(ctx);
  const own = session_token ? await sessions.open(session_token) : await sessions.ofLogin(undefined, cookie);
  if (own && metadata) throw oauth('invalid_request', 'metadata is set when a session is created');
  if (audience === TICKET) {
    if (!own) throw oauth('invalid_request', 'there is no session');
    return { anon_transfer_token: await sessions.ticket(own), token_type: 'N_A', expires_in: TICKET_S };
  }
  if (metadata && (typeof metadata !== 'object' || Array.isArray(metadata) || Buffer.byteLength(JSON.stringify(metadata)) > METADATA_BYTES)) {
    throw oauth('invalid_request', `metadata is an object of at most ${METADATA_BYTES} bytes`);
  }
  const session = own ?? sessions.create(metadata ?? {});
  const seconds = Math.max(1, Math.ceil((session.expires_at - Date.now()) / 1000));
  const access = new SignJWT({ scope, sid: session.session_id }).setProtectedHeader({ alg: 'RS256', kid: 'tenant' });
  const access_token = await access.setSubject(session.user_id).setIssuer(tenant.url).setAudience(audience ?? tenant.url)
    .setIssuedAt().setExpirationTime(`${ACCESS_S} s`).sign(tenant.key.privateKey);
  const answer = { access_token, token_type: 'Bearer', expires_in: ACCESS_S, scope, session_expires_in: seconds };
  if (own) return answer;
  const session_token_new = await sessions.seal({ session: session.session_id, sub: session.user_id }, seconds);
  setCookie(ctx, session_token_new, seconds);
  return { ...answer, session_token: session_token_new };
}

function setCookie(ctx, value, seconds = 0) {
  ctx.cookies.set(COOKIE, value, { httpOnly: true, secure: true, sameSite: 'none', path: '/', maxAge: seconds * 1000, overwrite: true, signed: false });
}

export function cookieOf(ctx) {
  return ctx.cookies.get(COOKIE, { signed: false });
}

function oauth(error, description, statusCode = 400) {
  return new Refused(statusCode, error, description, { error_description: description });
}
