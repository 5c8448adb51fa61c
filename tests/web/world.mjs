/** Visitors of a shop in Chromium, each with a device of their own. */
import assert from 'node:assert/strict';

import { bundle, launch } from './browser.mjs';
import { startSite } from './site.mjs';

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until a fact holds. */
export async function until(holds, what) {
  for (let waited = 0; !await holds(); waited += 10) {
    assert.ok(waited < 8_000, `waited in vain: ${what ?? holds}`);
    await pause(10);
  }
}

export class World {
  static async start(change) {
    const world = new World();
    world.site = await startSite(await bundle('page.js', change));
    world.browser = await launch();
    return world;
  }

  async stop() {
    await this.browser.close();
    await this.site.close();
  }

  /** A device; the script runs before the page's own. */
  async device(script) {
    const context = await this.browser.newContext({ ignoreHTTPSErrors: true });
    if (script) await context.addInitScript(script);
    return context;
  }

  /** A tab with a draft: `how` is `draftOf`, or `draftSetOnce` for a provider without updates. */
  async tab(context, how = 'draftOf', options = {}) {
    const page = await context.newPage();
    await this.open(page, how, options);
    return page;
  }

  async open(page, how = 'draftOf', options = {}) {
    await page.goto(this.site.origin);
    await page.waitForFunction(() => globalThis.draftOf);
    await page.evaluate(([name, given]) => { globalThis[name](given); }, [how, options]);
  }

  /** Runs a scenario in a world where nothing is broken, on a device of its own. */
  async play(run) {
    this.site.reset();
    const context = await this.device();
    try {
      return await run(this, context);
    } finally {
      this.site.behave = undefined;
      await Promise.all(this.browser.contexts().map((open) => open.close()));
    }
  }

  /** The bodies of the calls of a method. */
  bodies(method) {
    return this.site.calls.filter((call) => call.method === method).map(({ body }) => body);
  }

  /** Waits for calls that nobody should make. */
  async quiet(count, ms = 150) {
    await pause(ms);
    assert.equal(this.site.calls.length, count, JSON.stringify(this.site.calls.map(({ method, body }) => [method, body])));
  }
}

export const set = (page, values) => page.evaluate((all) => { for (const [root, value] of Object.entries(all)) draft.set(root, value); }, values);
/** Waits until the page has sent what changed, and knows the answer. */
export const settled = (page) => page.evaluate(() => draft.flush());
export const all = (page) => page.evaluate(() => draft.all());
export const prepare = (page, order) => page.evaluate((roots) => draft.prepareLogin(roots), order);
export const finish = (page, claim) => page.evaluate((text) => draft.finishLogin(text), claim);
export const idOf = ({ handover }) => handover;
