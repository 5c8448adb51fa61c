import { createStore, type Store } from './store.js';
import type { Metadata, Token, Transport } from './transport.js';

export interface DraftOptions {
  transport: Transport;
  /** Names the draft in the storage and its lock: one for each site on an origin. */
  key?: string;
  /** The most bytes of JSON that one call may carry. */
  bytesMax?: number;
  /** How long changes are gathered into one call, in milliseconds. */
  flushMs?: number;
  /** A root that nobody changed for so long is dropped, in milliseconds. */
  ageMaxMs?: number;
  /** `localStorage` if it is left out; without one the draft lives in memory. */
  storage?: Storage;
  /** Gets every failure of the provider and of the storage; the draft keeps its values. */
  onError?: (error: unknown) => void;
}

/** The roots that the provider does not hold: they did not fit, or a call failed. They stay in the draft. */
export interface Left {
  left: string[];
}

/** A root's revision, which begins with the time of the change, and its value; `null` is a removed root. */
type Entry = [revision: string, value: unknown];

interface State {
  /** The hand-over id, which names this draft in the claim of a login. */
  id: string | undefined;
  /** The revisions that the live session carries. None: there is no session of ours. */
  sent?: Record<string, string>;
  expiresAt?: number | undefined;
}

const STATE = '';
const ROOT = '/';
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const THIRTY_DAYS_MS = 2_592_000_000;
const LOGOUT_MS = 2_000;
const PREPARE_MS = 5_000;
const CLAIM = /^(?:(claimed_by_another_account)|(?:already_)?transferred|unchanged) (.+)$/;
const SESSION_GONE = /^(session_expired|invalid_session_token)$/;

/**
 * What a visitor does before a login: values by root (`cart`, `preferences`, …), kept on the device.
 *
 * The device's copy is the truth; the provider's session carries a copy of it into a login. A failure of the provider loses
 * nothing, and a draft is removed only when a claim that names it proves that an account has it.
 */
export class AnonymousDraft {
  readonly #options: DraftOptions & { key: string; bytesMax: number; flushMs: number; ageMaxMs: number };
  readonly #transport: Transport;
  readonly #store: Store;
  readonly #closed = new AbortController();
  readonly #tokens = new Map<string | undefined, { until: number; token: Promise<Token> }>();
  #id: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(options: DraftOptions) {
    this.#options = { key: 'handover', bytesMax: 1_024, flushMs: SECOND_MS, ageMaxMs: THIRTY_DAYS_MS, ...options };
    this.#transport = options.transport;
    this.#store = createStore(`${this.#options.key}/`, options.storage ?? browserStorage(), (error) => this.#report(error));
    for (const event of ['online', 'pageshow']) {
      globalThis.addEventListener?.(event, () => void this.flush(), { signal: this.#closed.signal });
    }
    this.#schedule();
  }

  /** A copy of the root's value, or undefined. */
  get<Value = unknown>(root: string): Value | undefined {
    return (this.#entry(root)?.[1] ?? undefined) as Value | undefined;
  }

  /** A copy of every root's value. */
  all(): Record<string, unknown> {
    const values = this.#roots().map((root) => [root, this.get(root)] as const);
    return Object.fromEntries(values.filter(([, value]) => value != null));
  }

  /** Replaces a root's value; `null` removes it. The value is JSON. */
  set(root: string, value: unknown): void {
    if (root === 'handover') throw new TypeError('`handover` is reserved: choose another root');
    // an empty draft is a new one, whatever became of the values before
    if (!this.#roots().length || !this.#id) this.#write({ id: randomId() });
    if (this.#transport.update || value != null) this.#store.write(ROOT + root, [`${Date.now()}.${randomId()}`, value ?? null]);
    else this.#store.remove(ROOT + root);
    this.#schedule();
  }

  /** Sends what changed to a provider that takes updates. Never rejects. */
  flush(): Promise<void> {
    return this.#attempt(() => this.#send());
  }

  /**
   * Gives the login a session with the draft, before the page goes to the provider: the roots of `order` first, then the
   * others, each that still fits. Never rejects, and takes at most five seconds.
   */
  async prepareLogin(order?: string[]): Promise<Left> {
    await this.#attempt(() => this.#send(true, order), PREPARE_MS);
    return { left: this.#lacks() };
  }

  /**
   * Ends the hand-over, after the login, with the ID token's claim `urn:handover:status`.
   *
   * Removes the roots that the login transferred. It does nothing without a claim, and with one of another draft.
   */
  async finishLogin(claim: unknown): Promise<void> {
    const [, drop, id] = CLAIM.exec(claim as string) ?? [];
    if (!id || id !== this.#state()?.id) return;
    const left = this.#lacks();
    for (const root of this.#roots()) if (!left.includes(root)) this.#store.remove(ROOT + root);
    if (drop || !Object.keys(this.all()).length) return this.clear();
    this.#write({ id });
    await this.#logout();
  }

  /** Removes the draft from the device, then ends its session, for which it waits at most two seconds. Never rejects. */
  async clear(): Promise<void> {
    this.#store.names('').forEach((name) => this.#store.remove(name));
    await this.#logout();
  }

  /**
   * An access token of the anonymous session. All callers share one request, and its token until a minute before its end.
   * Rejects with the transport's error.
   */
  async getToken(audience?: string): Promise<string> {
    this.#state();
    let kept = this.#tokens.get(audience);
    if (!kept || !(kept.until > Date.now())) {
      const fresh = { until: Infinity, token: this.#transport.getToken!(audience) };
      fresh.token.then(
        ({ expiresAt }) => (fresh.until = expiresAt * SECOND_MS - MINUTE_MS),
        () => this.#tokens.delete(audience),
      );
      this.#tokens.set(audience, (kept = fresh));
    }
    return kept.token.then(({ accessToken }) => accessToken);
  }

  /** Stops the timer and the listeners. The draft stays on the device. */
  close(): void {
    this.#closed.abort();
    clearTimeout(this.#timer);
  }

  // -- the device ----------------------------------------------------------------------------------------------------

  #state(): State | undefined {
    const state = this.#store.read(STATE) as State | undefined;
    if (this.#id && this.#id !== state?.id) {
      this.#store.forget();
      this.#tokens.clear();
    }
    this.#id = state?.id;
    return this.#id ? state : undefined;
  }

  #write(state: State): void {
    this.#id = state.id;
    this.#store.write(STATE, state);
  }

  #roots(): string[] {
    return this.#store.names(ROOT).filter((root) => this.#entry(root));
  }

  /** A root that nobody changed for too long is removed from the device too. */
  #entry(root: string): Entry | undefined {
    this.#state();
    const entry = this.#store.read(ROOT + root) as Entry | undefined;
    if (!entry || Date.now() - parseFloat(entry[0]) < this.#options.ageMaxMs) return entry;
    this.#store.remove(ROOT + root);
    return undefined;
  }

  /** The roots whose value the live session does not carry. */
  #lacks(): string[] {
    const sent = this.#state()?.sent;
    return this.#roots().filter((root) => this.#entry(root)![0] !== sent?.[root]);
  }

  // -- the provider --------------------------------------------------------------------------------------------------

  #schedule(): void {
    if (!this.#transport.update || this.#closed.signal.aborted) return;
    const backoff = Math.min(MINUTE_MS, SECOND_MS * 2 ** (this.#failures - 1));
    this.#timer ??= setTimeout(() => void this.flush(), this.#failures ? backoff : this.#options.flushMs);
  }

  /** Runs one call at a time, over all tabs, so that an older value never arrives after a newer one. Waits so long for it. */
  async #attempt(run: () => Promise<unknown>, ms = MINUTE_MS): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // a page without https has no locks, and no other tab to wait for
    const work = (navigator.locks?.request(this.#options.key, run) ?? run()).then(
      () => (this.#failures = 0),
      (error) => {
        this.#failures += 1;
        this.#report(error);
        this.#schedule();
      },
    );
    await Promise.race([work, new Promise((resolve) => setTimeout(resolve, ms))]);
  }

  /** Sends what the session lacks, or all of it before a login. */
  async #send(login?: boolean, order?: string[]): Promise<void> {
    const state = this.#state();
    const lacks = this.#lacks();
    if (!login && !(this.#transport.update && lacks.length)) return;
    if (this.#transport.update && state?.sent && !(state.expiresAt! * SECOND_MS <= Date.now())) {
      try {
        return await this.#call('update', state, login ? this.#roots() : lacks, order);
      } catch (error: any) {
        if (!SESSION_GONE.test(error.code)) throw error;
      }
    }
    await this.#renew(order);
  }

  /** Makes a session with the whole draft. One that is in its way, made by the SDK or another tab, is ended. */
  async #renew(order?: string[]): Promise<void> {
    for (let again = false; ; again = true) {
      this.#tokens.clear();
      if (again || !this.#transport.update) {
        await this.#transport.logout().then(() => this.#state() && this.#write({ id: this.#id }), (error) => this.#report(error));
      }
      try {
        return await this.#call('create', { id: this.#state()?.id }, Object.keys(this.all()), order);
      } catch (error: any) {
        if (again || error.code !== 'invalid_request') throw error;
      }
    }
  }

  /** Sends the roots that fit, in order, and notes their revisions. */
  async #call(method: 'create' | 'update', state: State, roots: string[], order: string[] = []): Promise<void> {
    let metadata: Metadata = { handover: state.id };
    let sent: Record<string, string> | undefined;
    for (const root of new Set([...order.filter((name) => roots.includes(name)), ...roots])) {
      const [revision, value] = this.#entry(root)!;
      const asIs = this.#transport.update || typeof value === 'string';
      const grown = { ...metadata, [root]: asIs ? value : JSON.stringify(value) };
      if (new Blob([JSON.stringify(grown)]).size > this.#options.bytesMax) continue;
      metadata = grown;
      sent = { ...sent, [root]: revision };
    }
    if (!sent || !state.id) return;
    const session = await this.#transport[method]!(metadata);
    // a draft that was cleared meanwhile must not live on in a session
    if (this.#state()?.id !== state.id) await this.#transport.logout();
    else this.#write({ ...state, sent: { ...state.sent, ...sent }, expiresAt: session?.expiresAt ?? state.expiresAt });
  }

  async #logout(): Promise<void> {
    this.#tokens.clear();
    await this.#attempt(() => this.#transport.logout(), LOGOUT_MS);
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error);
    } catch {
      // a listener that fails is no reason to lose a draft
    }
  }
}

/** 128 random bits, in base64url. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).slice(0, 22).replace(/[+/]/g, (sign) => (sign > '+' ? '_' : '-'));
}

function browserStorage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
