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
  id?: string | undefined;
  /** The revisions that the live session carries. Absent if this draft has no session. */
  sent?: Record<string, string>;
  expiresAt?: number | undefined;
}

const STATE = '';
const ROOT = '/';
const BYTES_MAX = 1_024;
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const THIRTY_DAYS_MS = 2_592_000_000;
const LOGOUT_MS = 2_000;
const PREPARE_MS = 5_000;
const CLAIM = /^(?:(claimed_by_another_account)|(?:already_)?transferred|unchanged) (.+)$/;
const SESSION_GONE = /^(session_expired|invalid_session_token)$/;

/**
 * A visitor's data before a login: JSON values by root (`cart`, `preferences`, …), kept on the device.
 *
 * The device's copy is the truth; the provider's session carries a copy of it into a login. A failure of the provider loses
 * nothing, and a draft is removed only when a claim that names it proves that an account has it.
 */
export class AnonymousDraft {
  readonly #options: DraftOptions;
  readonly #transport: Transport;
  readonly #key: string;
  readonly #locks: LockManager | undefined;
  readonly #store: Store;
  /** The revisions that this tab's login sent. They outlive the page, which goes to the provider and comes back. */
  readonly #login: Store;
  readonly #closed = new AbortController();
  readonly #tokens = new Map<string | undefined, { until: number; token: Promise<Token> }>();
  #id: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** A listener that fails is no reason to lose a draft. */
  readonly #report = (error: unknown): void => {
    try {
      this.#options.onError?.(error);
    } catch {}
  };

  constructor(options: DraftOptions) {
    this.#options = options;
    this.#transport = options.transport;
    this.#key = `${options.key ?? 'handover'}/`;
    const storage = options.storage ?? browserStorage('localStorage');
    // without a storage, no other tab shares the draft; without https, a page has no locks
    this.#locks = storage && navigator.locks;
    this.#store = createStore(this.#key, storage, this.#report);
    this.#login = createStore(this.#key, browserStorage('sessionStorage'), this.#report);
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
    if (root === 'handover') throw new TypeError('`handover` is reserved');
    if (!this.#state()?.id) this.#write({ id: randomId() });
    this.#store.write(ROOT + root, [`${Date.now()}.${randomId()}`, value ?? null]);
    this.#schedule();
  }

  /** Sends what changed to a provider that takes updates. Never rejects. */
  flush(): Promise<void> {
    return this.#attempt(() => this.#update());
  }

  /**
   * Gives the login a session with the draft, before the page goes to the provider: the roots of `order` first, then the
   * others, each that still fits. Never rejects, and takes at most five seconds.
   */
  async prepareLogin(order: string[] = []): Promise<Left> {
    await this.#attempt(() => this.#renew(order), PREPARE_MS);
    this.#login.write('sent', this.#state()?.sent);
    return { left: this.#lacks() };
  }

  /**
   * Ends the hand-over, after the login, with the ID token's claim `urn:handover:status`.
   *
   * Deletes the roots that this tab's login sent. It does nothing without a claim, and with one of another draft.
   */
  async finishLogin(claim: unknown): Promise<void> {
    const [, foreign, id] = CLAIM.exec(claim as string) ?? [];
    if (!id || id !== this.#state()?.id) return;
    const sent = this.#login.read('sent');
    await this.#forget((root) => foreign || this.get(root) == null || (this.#entry(root)![0] === sent?.[root] && !this.#lacks().includes(root)));
  }

  /** Removes the draft from the device, then ends its session, for which it waits at most two seconds. Never rejects. */
  clear(): Promise<void> {
    return this.#forget(() => true);
  }

  /**
   * An access token of the anonymous session. All callers share one request, and its token until a minute before its end.
   * Rejects with the transport's error.
   */
  async getToken(audience?: string): Promise<string> {
    this.#state();
    let kept = this.#tokens.get(audience);
    if (!(kept && kept.until > Date.now())) {
      const fresh = { until: Infinity, token: this.#transport.getToken!(audience) };
      fresh.token.then(({ expiresAt }) => (fresh.until = expiresAt * SECOND_MS - MINUTE_MS)).catch(() => this.#tokens.delete(audience));
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

  /** What the device knows of the draft. It has an `id`, unless there is no draft. */
  #state(): State | undefined {
    const state = this.#store.read(STATE) as State | undefined;
    if (this.#id && this.#id !== state?.id) {
      this.#store.forget();
      this.#tokens.clear();
    }
    this.#id = state?.id;
    return state;
  }

  #write(state: State): void {
    this.#id = state.id;
    this.#store.write(STATE, state);
  }

  /** Removes these roots from the device, then ends the session. What stays goes into another one. */
  async #forget(isGone: (root: string) => unknown): Promise<void> {
    this.#store.names(ROOT).filter(isGone).forEach((root) => this.#store.remove(ROOT + root));
    if (!this.#store.names(ROOT).length) this.#store.remove(STATE);
    await this.#attempt(() => this.#end(), LOGOUT_MS);
    this.#schedule();
  }

  #roots(): string[] {
    return this.#store.names(ROOT).filter((root) => this.#entry(root));
  }

  /** A root that nobody changed for too long is removed from the device too. */
  #entry(root: string): Entry | undefined {
    this.#state();
    const entry = this.#store.read(ROOT + root) as Entry | undefined;
    if (!entry || Date.now() - parseInt(entry[0]) < (this.#options.ageMaxMs ?? THIRTY_DAYS_MS)) return entry;
    this.#store.remove(ROOT + root);
    // whoever comes after the last root begins another draft
    if (!this.#store.names(ROOT).length) this.#store.remove(STATE);
    return undefined;
  }

  /** The roots whose value the live session does not carry. */
  #lacks(): string[] {
    const sent = this.#state()?.sent;
    return this.#roots().filter((root) => this.#entry(root)![0] !== sent?.[root] && (sent?.[root] ?? this.get(root)) != null);
  }

  // -- the provider --------------------------------------------------------------------------------------------------

  #schedule(): void {
    if (!this.#transport.update || this.#closed.signal.aborted) return;
    const backoff = Math.min(MINUTE_MS, SECOND_MS * 2 ** (this.#failures - 1));
    this.#timer ??= setTimeout(() => void this.flush(), this.#failures ? backoff : this.#options.flushMs ?? SECOND_MS);
  }

  /** Runs one call at a time, over all tabs, so that an older value never arrives after a newer one. Stops waiting after `ms`. */
  async #attempt(run: () => Promise<unknown>, ms = MINUTE_MS): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#last = (this.#locks?.request(this.#key, run) ?? this.#last.then(run)).then(
      () => {
        this.#failures = 0;
      },
      (error) => {
        this.#failures += 1;
        this.#report(error);
        this.#schedule();
      },
    );
    await Promise.race([this.#last, new Promise((resolve) => setTimeout(resolve, ms))]);
  }

  /** Sends what the live session lacks. */
  async #update(): Promise<void> {
    const state = this.#state();
    const lacks = this.#lacks();
    if (!this.#transport.update || !lacks.length) return;
    try {
      if (state?.sent && !(state.expiresAt! * SECOND_MS <= Date.now())) return await this.#call('update', state, lacks);
    } catch (error: any) {
      if (!SESSION_GONE.test(error.code)) throw error;
    }
    await this.#renew();
  }

  /** Makes a session with the whole draft. With an order, it ends the session of before; else only one that is in the way. */
  async #renew(order?: string[]): Promise<void> {
    for (let again = false; ; again = true) {
      if (again || order) await this.#end().catch(this.#report);
      try {
        return await this.#call('create', { id: this.#state()?.id }, Object.keys(this.all()), order);
      } catch (error: any) {
        if (again || error.code !== 'invalid_request') throw error;
      } finally {
        this.#tokens.clear();
      }
    }
  }

  /** Ends the session. Whether it worked or not, nobody knows any more what a session carries. */
  async #end(): Promise<void> {
    try {
      await this.#transport.logout();
    } finally {
      this.#tokens.clear();
      if (this.#state()) this.#write({ id: this.#id });
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
      if (new Blob([JSON.stringify(grown)]).size > (this.#options.bytesMax ?? BYTES_MAX)) continue;
      metadata = grown;
      sent = { ...sent, [root]: revision };
    }
    if (!sent || !state.id) return;
    const session = await this.#transport[method]!(metadata);
    // a draft that was cleared meanwhile must not live on in a session
    if (this.#state()?.id !== state.id) await this.#end();
    else this.#write({ ...state, sent: { ...state.sent, ...sent }, expiresAt: session?.expiresAt ?? state.expiresAt });
    // what did not fit into this call
    this.#schedule();
  }
}

/** 128 random bits, in base64url. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).slice(0, 22).replace(/[+/]/g, (sign) => (sign > '+' ? '_' : '-'));
}

function browserStorage(name: 'localStorage' | 'sessionStorage'): Storage | undefined {
  try {
    return globalThis[name];
  } catch {
    return undefined;
  }
}
