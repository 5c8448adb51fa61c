/** The script of the page under test: the client, Auth0's own SDK, and what a test calls by name. */
import { Auth0Client } from '@auth0/auth0-spa-js';
import { AnonymousDraft, auth0 } from '@handover/anonymous-session';

async function call(method, body) {
  const answer = await fetch('/session', { method, ...(body && { body: JSON.stringify(body) }) });
  const result = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(`status ${answer.status}`), { code: result.error });
  return result;
}

/** The shop's own provider; without `update` its metadata is set once. */
const transport = {
  create: (metadata) => call('POST', metadata),
  update: (metadata) => call('PATCH', metadata),
  logout: () => call('DELETE'),
  getToken: (audience) => call('PUT', { audience }),
};
const { update: _, ...setOnce } = transport;

const errors = [];
const onError = (error) => errors.push(typeof error.code === 'string' ? error.code : error.name);

Object.assign(globalThis, {
  errors,
  AnonymousDraft,
  auth0,
  transport,
  setOnce,
  draftOf: (options) => (globalThis.draft = new AnonymousDraft({ transport, flushMs: 20, onError, ...options })),
  draftSetOnce: (options) => (globalThis.draft = new AnonymousDraft({ transport: setOnce, flushMs: 20, onError, ...options })),
  /** Auth0's client, and a draft that it carries into a login. */
  auth0Of: (domain, options) => {
    const client = new Auth0Client({ domain, clientId: 'page', issuer: `https://${domain}`, authorizationParams: { redirect_uri: `${location.origin}/` }, ...options });
    globalThis.client = client;
    globalThis.draft = new AnonymousDraft({ transport: auth0(client), flushMs: 20, onError });
  },
});
