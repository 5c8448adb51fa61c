/**
 * What the samples of the provider's page on anonymous sessions do, in our words, and what our client does, behind the same
 * few functions: `open`, `token`, `change`, `session` and `callback`.
 */
import { AnonymousDraft } from '@handover/anonymous-session';

const provider = { live: undefined, setOnce: false, names: 'page' };

async function call(method, body) {
  const answer = await fetch('/session', { method, ...(body && { body: JSON.stringify(body) }) });
  const result = await answer.json();
  // the page's samples read `error`, the provider's SDKs say `code`
  if (!answer.ok) throw Object.assign(new Error(`status ${answer.status}`), provider.names === 'page' ? { error: result.error } : { code: result.error });
  return result;
}

/** The client that the samples call; the page does not say where it comes from. */
const anonymousClient = {
  getAccessToken: async ({ audience }) => {
    const { accessToken, expiresAt } = await call('PUT', { audience });
    if (provider.names === 'sdk') return { accessToken, expiresAt };
    return { access_token: accessToken, expires_in: Math.round(expiresAt - Date.now() / 1000) };
  },
  getSession: async () => ({ expires_at: (await call('PATCH', {})).expiresAt }),
  createSession: () => call('POST', {}),
  logout: () => call('DELETE'),
  get updateSession() {
    return provider.setOnce ? undefined : ({ metadata = {} }) => call('PATCH', metadata);
  },
};

const tokens = new Map();
const queue = { pending: [] };

/** Sends what the queue holds, as one update. */
async function sync() {
  if (queue.pending.length === 0) return;
  const metadata = Object.assign({}, ...queue.pending);
  await anonymousClient.updateSession({ metadata });
  queue.pending = [];
}

const sample = {
  open: () => addEventListener('online', () => { sync(); }),
  token: async (audience) => {
    const kept = tokens.get(audience);
    if (kept && kept.expiresAt > Date.now()) return kept.token;
    const answer = await anonymousClient.getAccessToken({ audience });
    tokens.set(audience, { token: answer.access_token, expiresAt: Date.now() + answer.expires_in * 1000 - 60_000 });
    return answer.access_token;
  },
  change: async (root, value) => {
    try {
      await anonymousClient.updateSession({ metadata: { [root]: value } });
    } catch (error) {
      if (navigator.onLine) throw error;
      queue.pending.push({ [root]: value });
      // the sample calls a method that it does not have
      queue.save();
    }
  },
  session: async () => {
    const load = async () => {
      try {
        return await anonymousClient.getSession();
      } catch (error) {
        if (error.error === 'session_expired') return anonymousClient.createSession();
        throw error;
      }
    };
    const { expires_at } = await load();
    if (expires_at - Date.now() < 3_600_000) await anonymousClient.updateSession({});
  },
  callback: async (redirected) => {
    if (!redirected.isAuthenticated) return;
    await anonymousClient.logout();
    location.hash = 'dashboard';
  },
};

const errors = [];
let draft;

const ours = {
  open: () => {
    const transport = { create: (metadata) => call('POST', metadata), update: (metadata) => call('PATCH', metadata), logout: () => call('DELETE'), getToken: (audience) => call('PUT', { audience }) };
    if (provider.setOnce) delete transport.update;
    provider.names = 'sdk';
    draft = new AnonymousDraft({ transport, flushMs: 20, onError: (error) => errors.push(error) });
  },
  token: (audience) => draft.getToken(audience),
  change: async (root, value) => draft.set(root, value),
  session: async () => draft.flush(),
  callback: async (_, claim) => {
    await draft.finishLogin(claim);
    location.hash = 'dashboard';
  },
};

Object.assign(globalThis, {
  provider,
  queue,
  open: (kind) => {
    globalThis.shop = { sample, ours }[kind];
    globalThis.changed = (root, value) => shop.change(root, value).then(() => 'done', (error) => `${error}`);
    shop.open();
  },
  logout: () => (draft ? draft.clear() : anonymousClient.logout()),
  prepare: () => draft?.prepareLogin(),
  kept: () => draft?.all(),
});
