/** The people and the tools of a tenant: all of it other people's code, but for the browser's few lines. */
import { readFileSync } from 'node:fs';

import { AuthClient } from '@auth0/auth0-auth-js';
import { ManagementClient } from 'auth0';
import fetchCookie from 'fetch-cookie';

import { start } from './index.mjs';

const CALLBACK = 'https://shop.test/callback';
const SHOP = {
  client_id: 'shop', client_secret: 'a-secret-of-the-shop', redirect_uris: [CALLBACK], token_endpoint_auth_method: 'client_secret_post',
  grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
};
const TOOLS = {
  client_id: 'tools', client_secret: 'a-secret-of-the-tools', token_endpoint_auth_method: 'client_secret_post',
  redirect_uris: [], grant_types: ['client_credentials'], response_types: [],
};

/** The certificate of localhost, which our processes and the test's browser trust. */
export function certificate() {
  return { key: readFileSync(process.env.TENANT_KEY), cert: readFileSync(process.env.NODE_EXTRA_CA_CERTS) };
}

/** The client of a page in a browser, which has no secret. */
function page(origin) {
  const own = [`${origin}/`];
  return {
    client_id: 'page', token_endpoint_auth_method: 'none', redirect_uris: own, post_logout_redirect_uris: own, web_origins: [origin],
    grant_types: ['authorization_code'], response_types: ['code'],
  };
}

/** A tenant with a shop, a second client, a client for tools and a client of a page; ID tokens may carry these custom claims. */
export async function startTenant(claims, origin, options = {}) {
  // a page that is nobody else's is the tenant's own
  const clients = (own) => [SHOP, { ...SHOP, client_id: 'kiosk' }, TOOLS, page(origin ?? own)];
  const tenant = await start({ certificate: certificate(), clients, claims, name: 'acme', ...options });
  const management = new ManagementClient({ domain: tenant.domain, clientId: TOOLS.client_id, clientSecret: TOOLS.client_secret });
  const fault = async (faults) => {
    const answer = await fetch(`${tenant.url}/_emulator/faults`, { method: 'PUT', body: JSON.stringify(faults) });
    if (!answer.ok) throw new Error(`faults: ${answer.status}`);
  };
  const ask = async (what) => (await fetch(`${tenant.url}/_emulator/${what}`)).json();
  return { ...tenant, tools: TOOLS, management, fault, ask };
}

/** Deploys an Action by the provider's own client and binds it as the only one. */
export async function deploy({ management }, code, secrets) {
  const listed = Object.entries(secrets).map(([name, value]) => ({ name, value }));
  const body = { name: 'Action under test', code, secrets: listed, runtime: 'node22', supported_triggers: [{ id: 'post-login', version: 'v3' }] };
  const found = (await management.actions.list()).data.find((action) => action.name === body.name);
  const { id } = found ? await management.actions.update(found.id, body) : await management.actions.create(body);
  await management.actions.deploy(id);
  await management.actions.triggers.bindings.updateMany('post-login', { bindings: [{ ref: { type: 'action_id', value: id }, display_name: body.name }] });
}

/** Binds another Action behind those that are bound; gives what takes it away again. */
export async function deployBehind({ management }, code) {
  const { bindings } = management.actions.triggers;
  const bound = (await bindings.list('post-login')).data.map(({ action, display_name }) => ({ ref: { type: 'action_id', value: action.id }, display_name }));
  const { id } = await management.actions.create({ name: 'Another', code, runtime: 'node22', supported_triggers: [{ id: 'post-login', version: 'v3' }] });
  await management.actions.deploy(id);
  await bindings.updateMany('post-login', { bindings: [...bound, { ref: { type: 'action_id', value: id }, display_name: 'Another' }] });
  return { remove: async () => { await bindings.updateMany('post-login', { bindings: bound }); await management.actions.delete(id); } };
}

/** One person's browser: cookies, redirects, a form. */
export class Visitor {
  constructor(tenant, clientId = 'shop') {
    this.tenant = tenant;
    this.fetch = fetchCookie(fetch);
    this.auth = new AuthClient({ domain: tenant.domain, clientId, clientSecret: SHOP.client_secret, customFetch: this.fetch });
  }

  /** Fills an anonymous session; the provider takes text values only. */
  async shop(metadata) {
    const texts = Object.entries(metadata).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
    this.session = await this.auth.anonymous.createSession({ metadata: Object.fromEntries(texts) });
    return this.session;
  }

  /** What the provider's browser SDK makes for every visitor after a silent login failed: a session without metadata. */
  async arrive() {
    this.session = await this.auth.anonymous.createSession();
    return this.session;
  }

  ticket() {
    return this.auth.anonymous.mintTransferToken(this.session.sessionToken);
  }

  signup(email, options) {
    return this.enter({ email, action: 'signup', ...options });
  }

  login(email, options) {
    return this.enter({ email, action: 'login', ...options });
  }

  /** Logs in on the page, or without one where the tenant still knows the person; gives the tokens, or throws what the tenant says. */
  async enter({ email, action = 'login', password = 'Test123!', ticket, prompt, organization, scope = 'openid email' }) {
    const authorizationParams = { redirect_uri: CALLBACK, scope, ...(ticket && { anon_transfer_token: ticket }), ...(prompt && { prompt }), ...(organization && { organization }) };
    const { authorizationUrl, codeVerifier } = await this.auth.buildAuthorizationUrl({ authorizationParams });
    let { url, page } = await this.#follow(authorizationUrl);
    if (page) {
      const form = new URLSearchParams({ username: email, password, action });
      ({ url, page } = await this.#follow(url, { method: 'POST', body: form }));
    }
    if (page) throw new Error(`the page stayed: ${url.pathname}`);
    const error = url.searchParams.get('error');
    if (error) throw new Error(`${error}: ${url.searchParams.get('error_description')}`);
    this.tokens = await this.auth.getTokenByCode(url, { codeVerifier });
    return this.tokens.claims;
  }

  /** Logs out at the provider, and says yes on its page. */
  async logout() {
    const { page } = await this.#follow(`${this.tenant.url}/v2/logout`);
    const form = new URLSearchParams({ logout: 'yes', xsrf: /name="xsrf" value="([^"]+)"/.exec(page)[1] });
    await this.#follow(/action="([^"]+)"/.exec(page)[1], { method: 'POST', body: form });
  }

  refresh() {
    return this.auth.getTokenByRefreshToken({ refreshToken: this.tokens.refreshToken });
  }

  async #follow(from, options = {}) {
    let url = new URL(from);
    let answer = await this.fetch(url, { ...options, redirect: 'manual' });
    for (let hops = 0; answer.headers.has('location') && hops < 10; hops += 1) {
      url = new URL(answer.headers.get('location'), url);
      // the shop, or wherever an Action sends the person
      if (url.origin !== this.tenant.url) return { url, page: undefined };
      answer = await this.fetch(url, { redirect: 'manual' });
    }
    if (answer.status >= 500) throw new Error(`${url.pathname}: ${answer.status} ${await answer.text()}`);
    return { url, page: await answer.text() };
  }
}

/** The account as the provider's own client shows it. */
export async function account({ management }, email) {
  const [found] = await management.users.listUsersByEmail({ email });
  return found;
}
