/** Accounts and `/api/v2/users`: metadata roots replace, `null` deletes a root, `{}` empties the whole object. */
import { randomBytes } from 'node:crypto';

import { readBody, Refused } from './http.mjs';

export const RESERVED = new Set(['__tenant', '_id', 'blocked', 'clientID', 'created_at', 'email_verified', 'email',
  'globalClientID', 'global_client_id', 'identities', 'lastIP', 'lastLogin', 'loginsCount', 'metadata',
  'multifactor_last_modified', 'multifactor', 'updated_at', 'user_id']);
export const SIDES = ['app_metadata', 'user_metadata'];
const CONNECTION = 'Username-Password-Authentication';

/** Why a root cannot be stored, or undefined. */
export function refusedRoot(side, key, value) {
  if (typeof key !== 'string' || key === '' || /[.$\0]/.test(key)) return 'a name is empty or holds `.`, `$` or NUL';
  if (side === 'app_metadata' && RESERVED.has(key)) return `\`${key}\` is reserved`;
  return badName(value) ? 'a member name holds `.` or `$`' : undefined;
}

function badName(value) {
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some(badName);
  return Object.entries(value).some(([name, member]) => /[.$]/.test(name) || badName(member));
}

export class Users {
  #tenant;
  #users = new Map();

  constructor(tenant) {
    this.#tenant = tenant;
  }

  create({ email, password, app_metadata = {}, user_metadata = {}, name = email, given_name, family_name, phone_number }) {
    if (this.byEmail(email)) throw new Refused(409, 'Conflict', 'The user already exists.', { errorCode: 'auth0_idp_error' });
    const user_id = `auth0|${randomBytes(12).toString('hex')}`;
    const now = new Date().toISOString();
    const user = {
      user_id, email, email_verified: false, name, given_name, family_name, phone_number, created_at: now, updated_at: now, logins_count: 0, app_metadata: {}, user_metadata: {},
      identities: [{ connection: CONNECTION, provider: 'auth0', user_id: user_id.slice(6), isSocial: false }],
    };
    this.#users.set(user_id, { user, password });
    this.write(user_id, { app_metadata, user_metadata });
    return this.get(user_id);
  }

  get(id) {
    const found = this.#users.get(id);
    return found && structuredClone(found.user);
  }

  all() {
    return [...this.#users.values()].map(({ user }) => structuredClone(user));
  }

  byEmail(email) {
    return this.all().find((user) => user.email === email);
  }

  profile(id) {
    const { email, email_verified, name } = this.get(id);
    return { email, email_verified, name };
  }

  verify(email, password) {
    const user = this.byEmail(email);
    return user && this.#users.get(user.user_id).password === password ? user : undefined;
  }

  loggedIn(id) {
    const { user } = this.#users.get(id);
    user.logins_count += 1;
    user.last_login = new Date().toISOString();
    return user.logins_count;
  }

  /** Merges at the root. */
  write(id, changes) {
    const { user } = this.#users.get(id);
    for (const side of SIDES) {
      const roots = changes[side];
      if (roots === undefined) continue;
      if (roots !== null && (typeof roots !== 'object' || Array.isArray(roots))) {
        throw new Refused(400, 'Bad Request', `${side} is an object`, { errorCode: 'invalid_body' });
      }
      for (const [key, value] of Object.entries(roots ?? {})) {
        const refused = refusedRoot(side, key, value);
        if (refused) throw new Refused(400, 'Bad Request', `${side}: ${refused}`, { errorCode: 'invalid_body' });
      }
      const empties = roots !== null && Object.keys(roots).length === 0;
      const merged = Object.entries({ ...(empties ? {} : user[side]), ...roots }).filter(([, value]) => value !== null);
      user[side] = structuredClone(Object.fromEntries(merged));
    }
    user.updated_at = new Date().toISOString();
  }

  delete(id) {
    this.#users.delete(id);
  }
}

export function userRoutes({ users }) {
  const found = (id) => {
    const user = users.get(id);
    if (!user) throw new Refused(404, 'Not Found', 'The user does not exist.', { errorCode: 'inexistent_user' });
    return user;
  };
  return [
    ['GET', /^\/api\/v2\/users$/, () => users.all(), 'read:users'],
    ['GET', /^\/api\/v2\/users-by-email$/, (ctx) => users.all().filter((user) => user.email === ctx.query.email), 'read:users'],
    ['GET', /^\/api\/v2\/users\/([^/]+)$/, (_, id) => found(id), 'read:users'],
    ['POST', /^\/api\/v2\/users$/, async (ctx) => { const user = users.create(await readBody(ctx)); ctx.status = 201; return user; }, 'create:users'],
    ['PATCH', /^\/api\/v2\/users\/([^/]+)$/, async (ctx, id) => { found(id); users.write(id, await readBody(ctx)); return found(id); }, 'update:users'],
    ['DELETE', /^\/api\/v2\/users\/([^/]+)$/, (ctx, id) => { users.delete(id); ctx.status = 204; }, 'delete:users'],
  ];
}
