/** The login page, and a login's end: the bound Actions run, their changes are written once, their claims kept for the token. */
import { randomUUID } from 'node:crypto';

import { cookieOf } from './anonymous.mjs';
import { readBody } from './http.mjs';
import { execute, writes } from './runtime.mjs';

const WRITE_TRIES = 5;

export class Logins {
  #tenant;
  #finished = new Map();
  #claims = new Map();

  constructor(tenant) {
    this.#tenant = tenant;
  }

  /** A person logged in on the page; the claims wait for the grant of the same interaction. */
  async onPage(ctx, details, user) {
    const count = this.#tenant.users.loggedIn(user.user_id);
    const session = await this.#tenant.sessions.ofLogin(details.params.anon_transfer_token, cookieOf(ctx));
    const transaction = transactionOf(details.params, details.jti);
    this.#finished.set(details.uid, await this.#run(ctx, user.user_id, details.params.client_id, session, transaction, count));
  }

  /** The claims of a login that ended on the page, or of a silent one, which runs the Actions now. */
  async finish(ctx, id, uid) {
    if (uid && this.#finished.has(uid)) return this.#finished.get(uid);
    const { client, params } = ctx.oidc;
    const session = await this.#tenant.sessions.ofLogin(params.anon_transfer_token, cookieOf(ctx));
    const count = this.#tenant.users.loggedIn(id);
    return this.#run(ctx, id, client.clientId, session, transactionOf(params, randomUUID()), count);
  }

  /** A refresh: no browser, so no cookie, no ticket and no transaction id; its session is that of the cookie jar, if any. */
  async refresh(ctx, id, token) {
    const session = await this.#tenant.sessions.ofLogin(undefined, cookieOf(ctx));
    const { logins_count } = this.#tenant.users.get(id);
    const claims = await this.#run(ctx, id, token.clientId, session, { protocol: 'oauth2-refresh-token' }, logins_count);
    this.remember(token.grantId, claims);
  }

  remember(grant, claims) {
    this.#claims.set(grant, claims);
  }

  claims(grant) {
    return this.#claims.get(grant);
  }

  async #run(ctx, id, clientId, session, transaction, count) {
    const { actions, faults, users } = this.#tenant;
    if (faults.get('cache') === 'lost') actions.cache.clear();
    const event = eventOf(this.#tenant, ctx, users.get(id), clientId, session, transaction, count);
    const { changes, error, redirect } = await execute(actions.bound(), event, this.#tenant);
    if (writes(changes)) await this.#write(id, changes);
    if (error) throw error;
    if (redirect) throw new Redirected(redirect);
    return changes.id_token;
  }

  /** The one write of a login; a rate limit is waited out. */
  async #write(id, { app_metadata, user_metadata }) {
    const { faults, requests, users } = this.#tenant;
    for (let tries = 1; tries <= WRITE_TRIES; tries += 1) {
      requests.push({ method: 'WRITE', path: 'write_users' });
      const fault = faults.take('write_users');
      if (fault?.slow_ms) await pause(fault.slow_ms);
      if (!fault?.status) return users.write(id, sides({ app_metadata, user_metadata }));
      await pause((fault.reset_s ?? 0.05) * 1000);
    }
    throw new Error('the profile could not be written');
  }
}

/** An Action sends the person elsewhere; whoever does not come back has what was written. */
class Redirected extends Error {
  constructor(url) {
    super('redirected');
    this.url = url;
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** An empty object would empty the whole metadata. */
function sides(changes) {
  return Object.fromEntries(Object.entries(changes).filter(([, roots]) => Object.keys(roots).length > 0));
}

function transactionOf(params, id) {
  return {
    id, organization: params.organization, protocol: 'oidc-basic-profile', locale: 'en', redirect_uri: params.redirect_uri, requested_scopes: (params.scope ?? '').split(' '),
    response_type: ['code'], state: params.state, prompt: params.prompt ? params.prompt.split(' ') : [], acr_values: [], ui_locales: [],
  };
}

function eventOf(tenant, ctx, user, clientId, session, transaction, logins_count) {
  return {
    ...(session && { anonymous_session: sessionOf(session, tenant.faults.get('event') ?? {}) }),
    authentication: { methods: [{ name: 'pwd', timestamp: new Date().toISOString() }] },
    authorization: { roles: [] },
    client: { client_id: clientId, name: clientId, metadata: {} },
    connection: { id: 'con_1', name: 'Username-Password-Authentication', strategy: 'auth0', metadata: {} },
    request: { ip: '203.0.113.7', method: ctx.method, hostname: tenant.domain, language: 'en', user_agent: ctx.get('user-agent'), geoip: {}, query: {}, body: {} },
    stats: { logins_count },
    tenant: { id: tenant.name },
    transaction,
    ...(transaction.organization && { organization: { id: transaction.organization, name: 'acme-gmbh', display_name: 'Acme GmbH', metadata: {} } }),
    user,
  };
}

const TIMES = {
  iso: (at) => new Date(at).toISOString(),
  epoch: (at) => Math.floor(at / 1000),
  digits: (at) => `${at}`,
};

/** The times of a session in one of the shapes that the provider's pages show, or that a session without an end may have. */
function timesOf(created_at, expires_at, shape) {
  if (shape === 'infinite') return { created_at: 0, expires_at: null };
  if (shape === 'overview') return { created_at: TIMES.iso(created_at) };
  return { created_at: TIMES[shape](created_at), expires_at: TIMES[shape](expires_at) };
}

/** Metadata values as text, as what the client sent, or all as one text. */
function sessionOf({ user_id, session_id, created_at, expires_at, metadata }, { metadata: shape = 'text', times = 'iso' }) {
  const value = (text) => { try { return JSON.parse(text); } catch { return text; } };
  const mapped = (change) => Object.fromEntries(Object.entries(metadata).map(([name, member]) => [name, change(member)]));
  const text = mapped((member) => (typeof member === 'string' ? member : JSON.stringify(member)));
  const object = mapped((member) => (typeof member === 'string' ? value(member) : member));
  const shaped = { text, object, whole: JSON.stringify(object) }[shape];
  return { user_id, session_id, ...timesOf(created_at, expires_at, times), metadata: shaped };
}

const STYLE = `body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #eceff1; font: 16px/1.5 system-ui, sans-serif }
form { display: grid; gap: 12px; width: min(320px, 80vw); padding: 32px; border-radius: 12px; background: #fff; box-shadow: 0 2px 16px #0002 }
h1, p { margin: 0 } h1 { font-size: 20px } [role=alert] { color: #b3261e } label { display: grid; gap: 4px; font-size: 14px }
input, button { padding: 10px; border: 1px solid #b0bec5; border-radius: 6px; font: inherit } button { cursor: pointer; background: #fff }
[value=login] { border-color: #263238; background: #263238; color: #fff }`;

/** The login page; whom a client hints at finds the form filled in, since every person of a test has one password. */
function loginPage({ hint = '', failure = '' } = {}) {
  const email = hint.replace(/[^\w@.+-]/g, '');
  const password = email && !failure ? 'value="Test123!" ' : '';
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Log in</title><style>${STYLE}</style>
<form method="post"><h1>Log in to the test tenant</h1>${failure && `<p role="alert">${failure}</p>`}
<label>E-mail <input name="username" type="email" autocomplete="username" value="${email}" required></label>
<label>Password <input name="password" type="password" ${password}autocomplete="off" required></label>
<button name="action" value="login">Log in</button><button name="action" value="signup">Sign up</button></form>`;
}

const ENDED = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Log in</title><p>This login has ended. <a href="/">Back to the shop</a></p>';

export function loginRoutes(tenant) {
  const path = /^\/u\/login\/([^/]+)$/;
  return [
    ['GET', path, async (ctx) => {
      ctx.type = 'html';
      const details = await tenant.provider.interactionDetails(ctx.req, ctx.res).catch(() => undefined);
      if (!details) {
        ctx.status = 400;
        return ENDED;
      }
      return loginPage({ hint: details.params.login_hint });
    }],
    ['POST', path, async (ctx) => {
      const { username, password, action } = await readBody(ctx);
      const details = await tenant.provider.interactionDetails(ctx.req, ctx.res);
      const taken = action === 'signup' && tenant.users.byEmail(username);
      const signup = () => !taken && tenant.users.create({ email: username, password });
      const user = action === 'signup' ? signup() : tenant.users.verify(username, password);
      if (!user) {
        ctx.status = 400;
        ctx.type = 'html';
        return loginPage({ hint: username, failure: taken ? 'This person exists already.' : 'Wrong e-mail or password. Everybody’s password is Test123!' });
      }
      const result = await tenant.logins.onPage(ctx, details, user).then(
        () => ({ login: { accountId: user.user_id } }),
        (error) => (error instanceof Redirected ? error : { error: 'access_denied', error_description: error.message }),
      );
      if (result instanceof Redirected) {
        ctx.redirect(result.url);
        return undefined;
      }
      ctx.redirect(await tenant.provider.interactionResult(ctx.req, ctx.res, result));
      return undefined;
    }],
  ];
}
