/**
 * What goes wrong, as tests ask for it: `PUT /_emulator/faults` takes one fault, a list of them, or `{}`.
 *
 * `{ route, status, times, reset_s, slow_ms, drop }` strikes requests whose path begins with `route`, and `write_users`, the
 * write at the end of a login, and the setters `set_app_metadata` and `set_user_metadata`; `{ token_ttl_s }` shortens anonymous sessions, `{ cache: "lost" }` empties the Actions'
 * cache at each login, `{ event: { metadata: "text" | "object" | "whole", times } }` sets the event's shape: its times are
 * `iso`, `epoch` (seconds), `digits` (milliseconds in a string), `overview` (as the provider's overview page: no
 * `expires_at`) or `infinite` (`expires_at` null, `created_at` 0).
 *
 * Where the provider's pages leave a choice, or might change: `{ denied: "drops" }` drops what was set before a denial,
 * `{ redirected: "drops" }` what was set before a redirect, `{ primary: "keeps" }` keeps `user_metadata` beside
 * `setPrimaryUser`, and `{ beside: "new" }` makes a new session with metadata although the browser has a live cookie.
 */
export class Faults {
  #list = [];

  set(faults) {
    this.#list = [faults].flat().map((fault) => ({ times: Infinity, ...fault }));
  }

  /** A setting that is no strike, such as `token_ttl_s`. */
  get(name) {
    return this.#list.find((fault) => fault[name] !== undefined)?.[name];
  }

  /** The next strike on a route, counted. */
  take(path) {
    const fault = this.#list.find(({ route, times }) => route !== undefined && path.startsWith(route) && times > 0);
    if (fault) fault.times -= 1;
    return fault;
  }

  /** Whether a request was struck down. */
  async strike(ctx) {
    const fault = ctx.path.startsWith('/_emulator/') ? undefined : this.take(ctx.path);
    if (!fault) return false;
    if (fault.slow_ms) await new Promise((resolve) => setTimeout(resolve, fault.slow_ms));
    if (fault.drop) {
      ctx.respond = false;
      ctx.req.socket.destroy();
      return true;
    }
    if (!fault.status) return false;
    ctx.status = fault.status;
    if (fault.reset_s !== undefined) {
      ctx.set('retry-after', `${fault.reset_s}`);
      ctx.set('x-ratelimit-reset', `${Math.ceil(Date.now() / 1000) + fault.reset_s}`);
    }
    ctx.body = { statusCode: fault.status, error: 'fault', message: 'a fault that the test asked for' };
    return true;
  }
}
