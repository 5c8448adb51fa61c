/** Each rule of the browser client, broken: a scenario must notice. A mutant is a text, what replaces it, and who kills it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import { bundle } from './browser.mjs';
import { device } from './device.mjs';
import { logins } from './logins.mjs';
import { tokens } from './tokens.mjs';
import { updates } from './updates.mjs';
import { World } from './world.mjs';

const SOURCE = new Map(['draft.ts', 'store.ts', 'transport.ts'].map((file) => [file, readFileSync(new URL(`../../server/web/src/${file}`, import.meta.url), 'utf8')]));
const SCENARIOS = new Map([...updates, ...device, ...logins, ...tokens]);

const MUTANTS = [
  // 0: the hand-over id
  ['0 born with an id', 'handover: state.id }', '}', 'one call carries every changed root, with the hand-over id'],
  ['0 a random id', 'crypto.getRandomValues(new Uint8Array(16))', 'new Uint8Array(16)', 'the hand-over id lasts until the draft is cleared'],
  ['0 128 bits', 'slice(0, 22)', 'slice(0, 16)', 'one call carries every changed root, with the hand-over id'],
  ['0 base64url', ".replace(/[+/]/g, (sign) => (sign > '+' ? '_' : '-'))", ".replace(/[A-Za-z]/g, '+')", 'one call carries every changed root, with the hand-over id'],
  ['0 kept in a new session', 'if (this.#state()) this.#write({ id: this.#id });', 'if (this.#state()) this.#write({ id: randomId() });', 'a second login moves the draft, with its id, into another session'],
  ['0 kept from one change to the next', 'if (!this.#state()?.id) this', 'this', 'the hand-over id lasts until the draft is cleared'],
  ['0 a state that was lost', 'if (!this.#state()?.id) this', 'if (!this.#roots().length) this', 'a state that was lost is made anew at the next change'],
  ['0 kept when it is emptied', 'if (!this.#state()?.id) this', "if (!Object.keys(this.all()).length) this", 'the hand-over id lasts until the draft is cleared'],
  ['0 no session without an id', 'if (!sent || !state.id) return', 'if (!sent) return', 'a state that was lost is made anew at the next change'],
  ['0 another draft after everything expired', '    if (!this.#store.names(ROOT).length) this.#store.remove(STATE);\n    return undefined', '    return undefined', 'a root that nobody changed for 30 days is dropped, from the device too'],
  ['0 `handover` is no root', "if (root === 'handover') throw", "if (root === '') throw", 'values are copies, `handover` is no root, any other name is one'],
  // 1: one flush
  ['1 only what changed', "state, lacks)", "state, this.#roots())", 'the next call carries only what changed since'],
  ['1 all that changed', "state, lacks)", "state, lacks.slice(0, 1))", 'the next call carries only what changed since'],
  ['1 what does not fit into one call', "    this.#schedule();\n  }\n}", "  }\n}", 'what does not fit into one call follows in the next'],
  ['1 a removed root that no session carries', " && (sent?.[root] ?? this.get(root)) != null", "", 'a removed root that no session carries is not left'],
  ['1 nothing when nothing changed', ' || !lacks.length) return', ') return', 'a session whose time has passed is not updated'],
  ['1 gathered', 'this.#failures ? backoff : this.#options.flushMs ?? SECOND_MS', '0', 'changes are gathered, although the visitor never stops'],
  ['1 never put off', 'this.#timer ??= setTimeout', 'clearTimeout(this.#timer); this.#timer = setTimeout', 'changes are gathered, although the visitor never stops'],
  ['1 what is sent, not what is set since', 'this.#write({ ...state, sent: { ...state.sent, ...sent }', 'this.#write({ ...state, sent: Object.fromEntries(this.#roots().map((root) => [root, this.#entry(root)![0]]))', 'a change during a call is sent after it'],
  ['1 a lock', '(this.#locks?.request(this.#key, run) ?? this.#last.then(run))', 'run()', 'two tabs lose nothing of each other, and call one after the other'],
  ['1 a value of its own key', '${Date.now()}.${randomId()}', '${Math.floor(Date.now() / 1e10)}', 'the next call carries only what changed since'],
  ['1 what was sent before is noted too', 'sent: { ...state.sent, ...sent }', 'sent', 'the next call carries only what changed since'],
  ['1 removed at the provider', "    this.#store.write(ROOT + root, [`", "    if (value === null) this.#store.remove(ROOT + root);\n    else this.#store.write(ROOT + root, [`", 'null removes a root, here and at the provider'],
  ['1 one call at a time without locks', 'this.#last.then(run)', 'run()', 'a page without locks calls once at a time too'],
  ['1 a lock for each draft', 'request(this.#key, run)', "request('handover', run)", 'two drafts do not wait for each other'],
  ['1 no lock where there is no storage', 'this.#locks = storage && navigator.locks', 'this.#locks = navigator.locks', 'without a storage the draft lives in memory'],
  ['1 the end of a call', ', ms = MINUTE_MS)', ', ms = 1e9)', 'a call that never ends holds `flush` up for a minute'],
  ['1 no removed root in a new session', "'create', { id: this.#state()?.id }, Object.keys(this.all())", "'create', { id: this.#state()?.id }, this.#roots()", 'a session is made without the roots that were removed'],
  ['1 a root that does not fit makes no call', 'if (!sent || !state.id) return', 'if (!state.id) return', 'a root that does not fit makes no call'],
  // 2: failures
  ['2 a failure is tried again', '        this.#report(error);\n        this.#schedule();', '        this.#report(error);', 'a failure keeps everything and is tried again after 1, 2, 4 … 60 seconds'],
  ['2 backoff', 'this.#failures ? backoff :', '', 'a change while the provider is down does not hurry the next try'],
  ['2 doubled', '2 ** (this.#failures - 1)', '1', 'a failure keeps everything and is tried again after 1, 2, 4 … 60 seconds'],
  ['2 begins with a second', '(this.#failures - 1)', 'this.#failures', 'a failure keeps everything and is tried again after 1, 2, 4 … 60 seconds'],
  ['2 at most a minute', 'Math.min(MINUTE_MS, ', '(', 'a failure keeps everything and is tried again after 1, 2, 4 … 60 seconds'],
  ['2 a success begins anew', '        this.#failures = 0;\n', '', 'a failure keeps everything and is tried again after 1, 2, 4 … 60 seconds'],
  ['2 online', "'online', ", '', 'offline, changes wait; `online` sends them at once, in one call'],
  ['2 pageshow', ", 'pageshow'", '', 'a page that comes back tries at once'],
  ['2 a page that says it is offline', "if (!this.#transport.update || this", "if (!navigator.onLine || !this.#transport.update || this", 'a page that says it is offline is not believed'],
  ['2 a reload resumes', "    }\n    this.#schedule();\n  }\n\n  /** A copy of the", "    }\n  }\n\n  /** A copy of the", 'what was set offline survives the page, and the next one sends it'],
  ['2 errors are told', 'this.#options.onError?.(error)', '', 'a failure keeps everything and is tried again after 1, 2, 4 … 60 seconds'],
  ['2 a listener that fails', '    try {\n      this.#options.onError?.(error);\n    } catch {}', '    this.#options.onError?.(error);', 'a provider that is down never breaks the login'],
  ['2 blocked storage', '  try {\n    return globalThis[name];\n  } catch {\n    return undefined;\n  }', '  return globalThis[name];', 'without a storage the draft lives in memory'],
  ['2 a full storage', '      } catch (error) {\n        onError(error);', '      } catch (error) {\n        delete memory[prefix + name];\n        onError(error);', 'a full storage keeps values in memory, and says so'],
  ['2 a full storage is reported', '        onError(error);', '', 'a full storage keeps values in memory, and says so'],
  ['2 memory makes way', '        delete memory[prefix + name];\n      } catch', '      } catch', 'two tabs lose nothing of each other, and call one after the other'],
  ['2 what memory holds is forgotten', '      this.#store.forget();', '', 'what only memory holds is forgotten when another tab clears the draft'],
  ['2 closed', ' || this.#closed.signal.aborted', '', 'closed, it sends nothing and listens to nothing'],
  ['2 closed: the timer', '    clearTimeout(this.#timer);\n  }\n\n  // -- the device', '  }\n\n  // -- the device', 'closed, it sends nothing and listens to nothing'],
  ['2 every time', '{ signal: this.#closed.signal }', '{ signal: this.#closed.signal, once: true }', 'offline, changes wait; `online` sends them at once, in one call'],
  ['2 closed: the listeners', ', { signal: this.#closed.signal }', '', 'closed, it sends nothing and listens to nothing'],
  // 3: expiry
  ['3 session_expired', '/^(session_expired|', '/^(', 'a session that the provider says is gone gets the whole draft in a new one'],
  ['3 invalid_session_token', '|invalid_session_token)', ')', 'a session that the provider says is gone gets the whole draft in a new one'],
  ['3 no other error', 'if (!SESSION_GONE.test(error.code)) throw error;', '', 'an answer that is lost is no loss, and no second session'],
  ['3 the whole draft', "'create', { id: this.#state()?.id }, Object.keys(this.all())", "'create', { id: this.#state()?.id }, this.#lacks()", 'a session that the provider says is gone gets the whole draft in a new one'],
  ['3 the time of the session', ' && !(state.expiresAt! * SECOND_MS <= Date.now())', '', 'a session whose time has passed is not updated'],
  ['3 a new end', 'session?.expiresAt ?? state.expiresAt', 'state.expiresAt ?? session?.expiresAt', 'a new end of the session is noted, and one that is not said lasts'],
  ['3 an end that is not said lasts', 'session?.expiresAt ?? state.expiresAt', 'session?.expiresAt', 'a new end of the session is noted, and one that is not said lasts'],
  ['3 in seconds', 'state.expiresAt! * SECOND_MS <= Date.now()', 'state.expiresAt! <= Date.now()', 'the next call carries only what changed since'],
  ['3 the age of a root', ' || Date.now() - parseInt(entry[0]) < (this.#options.ageMaxMs ?? THIRTY_DAYS_MS)', ' || entry[0]', 'a root that nobody changed for 30 days is dropped, from the device too'],
  ['3 the time before the id', 'parseInt(entry[0])', 'parseFloat(entry[0])', 'an id that looks like the exponent of a number changes no age'],
  ['3 thirty days', '2_592_000_000', '1_592_000_000', 'a root that nobody changed for 30 days is dropped, from the device too'],
  ['3 from the device too', '    this.#store.remove(ROOT + root);\n    // whoever', '    // whoever', 'a root that nobody changed for 30 days is dropped, from the device too'],
  // 4: prepareLogin
  ['4 ends the old session', 'if (again || order) await', 'if (again) await', 'an empty draft ends the old session and makes none'],
  ['4 not where it is updated', 'if (again || order) await', 'if (true) await', 'one call carries every changed root, with the hand-over id'],
  ['4 also where it is updated', 'if (again || order) await', 'if (again || order && !this.#transport.update) await', 'a login of an empty draft takes nobody else\'s session along'],
  ['4 nothing before a login', 'if (!this.#transport.update || !lacks.length) return', 'if (!lacks.length) return', 'nothing is sent before a login'],
  ['4 JSON text', "asIs ? value : JSON.stringify(value)", "value", 'a login ends the old session and gets the draft as JSON text'],
  ['4 text as it is', " || typeof value === 'string'", "", 'a login ends the old session and gets the draft as JSON text'],
  ['4 in order', '[...order.filter((name) => roots.includes(name)), ...roots]', 'roots', 'each root that fits travels, those of the order first; the rest is left and stays'],
  ['4 only roots of the draft', 'order.filter((name) => roots.includes(name))', 'order', 'each root that fits travels, those of the order first; the rest is left and stays'],
  ['4 the others too', '[...order.filter((name) => roots.includes(name)), ...roots]', 'order.length ? order.filter((name) => roots.includes(name)) : roots', 'each root that fits travels, those of the order first; the rest is left and stays'],
  ['4 while it fits', '.size > (this.#options.bytesMax ?? BYTES_MAX)) continue', '.size > 9e9) continue', 'each root that fits travels, those of the order first; the rest is left and stays'],
  ['4 a smaller one after it', 'BYTES_MAX)) continue', 'BYTES_MAX)) break', 'each root that fits travels, those of the order first; the rest is left and stays'],
  ['4 1024 bytes', 'BYTES_MAX = 1_024', 'BYTES_MAX = 1_023', '1024 bytes fit, one more does not; bytes are those of JSON in UTF-8'],
  ['4 and not one more', 'BYTES_MAX = 1_024', 'BYTES_MAX = 1_025', '1024 bytes fit, one more does not; bytes are those of JSON in UTF-8'],
  ['4 bytes, not characters', 'new Blob([JSON.stringify(grown)]).size', 'JSON.stringify(grown).length', '1024 bytes fit, one more does not; bytes are those of JSON in UTF-8'],
  ['4 the id counts', 'new Blob([JSON.stringify(grown)]).size', 'new Blob([JSON.stringify({ ...grown, handover: 0 })]).size', '1024 bytes fit, one more does not; bytes are those of JSON in UTF-8'],
  ['4 what is left', 'return { left: this.#lacks() };', 'return { left: [] };', 'a provider that is down never breaks the login'],
  ['4 the old session carries nothing any more', 'if (this.#state()) this.#write({ id: this.#id });', '', 'a session that was ended and not made again clears nothing'],
  ['4 a session that could not be ended', 'await this.#end().catch(this.#report);', 'await this.#end();', 'a session that could not be ended is no reason to give up'],
  ['4 a session in between', "if (again || error.code !== 'invalid_request') throw error;", "throw error;", 'a session that somebody makes in between is ended too'],
  ['4 a creation that failed', "error.code !== 'invalid_request'", "error.code === ''", 'a failed creation ends no session'],
  ['4 twice', 'if (again || error', 'if (globalThis.calls > 5 || error', 'a provider that refuses for ever is asked twice'],
  ['4 never throws', '      (error) => {\n        this.#failures += 1;', '      (error) => {\n        if (this.#failures >= 0) throw error;\n        this.#failures += 1;', 'a provider that is down never breaks the login'],
  ['4 five seconds', 'PREPARE_MS = 5_000', 'PREPARE_MS = 50_000', 'a provider that never answers holds a login up for five seconds'],
  ['4 not less', 'PREPARE_MS = 5_000', 'PREPARE_MS = 3_000', 'a provider that never answers holds a login up for five seconds'],
  ['4 a draft that another tab cleared', 'if (this.#state()) this.#write({ id: this.#id });', 'this.#write({ id: this.#id });', 'a draft that another tab cleared during a login is not brought back'],
  // 5: finishLogin
  ['5 only a claim that names the draft', "if (!id || id !== this.#state()?.id) return;", "if (!id) return;", 'no other claim clears anything'],
  ['5 the end of the claim', ' (.+)$/', ' (.+)/', 'no other claim clears anything'],
  ['5 without a claim nothing is done', 'if (!id || id', 'if (id', 'no other claim clears anything'],
  ['5 the whole word', 'CLAIM = /^(?:', 'CLAIM = /(?:', 'no other claim clears anything'],
  ['5 transferred', '(?:already_)?transferred|', 'already_transferred|', 'a claim that names the draft clears what travelled, and ends the session'],
  ['5 unchanged', '|unchanged) ', ') ', 'a claim that names the draft clears what travelled, and ends the session'],
  ['5 already transferred', '(?:already_)?transferred', 'transferred', 'a claim that names the draft clears what travelled, and ends the session'],
  ['5 another account', "(claimed_by_another_account)|", "", 'a draft that another account has is dropped, on the device first'],
  ['5 dropped whole', '=> foreign || this.get', '=> this.get', 'a draft that another account has is dropped, on the device first'],
  ['5 only what travelled', ' || (this.#entry(root)![0] === sent?.[root] &&', ' || (true &&', 'a claim clears what the login of this tab took, whatever another tab prepared since'],
  ['5 what this tab took', 'const sent = this.#login.read(\'sent\');', 'const sent = this.#state()?.sent;', 'a claim clears what the login of this tab took, whatever another tab prepared since'],
  ['5 what another session left behind', ' && !this.#lacks().includes(root)', '', 'a claim clears nothing that another tab\'s session left behind'],
  ['5 what the session carries', 'this.#entry(root)![0] === sent?.[root] &&', 'sent?.[root] &&', 'a claim clears what the login of this tab took, whatever another tab prepared since'],
  ['5 noted at the end of prepareLogin', "    this.#login.write('sent', this.#state()?.sent);\n", '', 'a claim that names the draft clears what travelled, and ends the session'],
  ['5 noted beyond the page', "createStore(this.#key, browserStorage('sessionStorage')", "createStore(this.#key, undefined", 'a claim that names the draft clears what travelled, and ends the session'],
  ['5 the id of what stays', 'if (this.#state()) this.#write({ id: this.#id });', 'if (this.#state()) this.#write({ id: randomId() });', 'what did not fit, and what another tab changed since, stays, under the same id'],
  ['5 the session of what stays is ended', "    await this.#attempt(() => this.#end(), LOGOUT_MS);", "    if (!this.#store.names(ROOT).length) await this.#attempt(() => this.#end(), LOGOUT_MS);", 'what did not fit, and what another tab changed since, stays, under the same id'],
  ['5 what stays has not travelled', 'if (this.#state()) this.#write({ id: this.#id });', '', 'after a login, what stays goes into another session'],
  ['5 also when its logout failed', '    } finally {\n      this.#tokens.clear();\n      if', '    } catch (error) {\n      throw error;\n    }\n    {\n      if', 'a prepareLogin whose answers are all lost clears nothing that the login did not take'],
  ['5 in its turn', "if (!this.#store.names(ROOT).length) this.#store.remove(STATE);\n    await this.#attempt(() => this.#end(), LOGOUT_MS);", "if (!this.#store.names(ROOT).length) this.#store.remove(STATE);\n    else this.#write({ id: this.#id });\n    await this.#attempt(() => this.#transport.logout(), LOGOUT_MS);", 'what is sent while the login ends is sent again, into another session'],
  ['5 nothing is left of a draft that is gone', "    if (!this.#store.names(ROOT).length) this.#store.remove(STATE);\n    await", "    await", 'a claim that names the draft clears what travelled, and ends the session'],
  ['5 one call at a time', "await this.#attempt(() => this.#end(), LOGOUT_MS);", "await this.#end().catch(this.#report);", 'a logout waits for the call before it'],
  ['5 the cookie', '    await this.#attempt(() => this.#end(), LOGOUT_MS);', '', 'the cookie is ended, not only the storage'],
  ['5 the device first', "    this.#store.names(ROOT).filter(isGone)", "    await this.#attempt(() => this.#end(), LOGOUT_MS);\n    this.#store.names(ROOT).filter(isGone)", 'a draft that another account has is dropped, on the device first'],
  ['5 two seconds', 'LOGOUT_MS = 2_000', 'LOGOUT_MS = 9_000', 'a draft that another account has is dropped, on the device first'],
  ['5 not less', 'LOGOUT_MS = 2_000', 'LOGOUT_MS = 200', 'a draft that another account has is dropped, on the device first'],
  ['5 cleared during a call', "if (this.#state()?.id !== state.id) await this.#end();\n    else this", "this", 'a draft that was cleared during a call does not live on in a session'],
  ['5 its session is ended', "!== state.id) await this.#end();", "!== state.id) return;", 'a draft that was cleared during a call does not live on in a session'],
  ['5 the keys of others', "options.key ?? 'handover'}/`", "options.key ?? 'handover'}`", 'clearing leaves the keys of others'],
  ['5 what stays is sent', 'LOGOUT_MS);\n    this.#schedule();', 'LOGOUT_MS);', 'what is set just before the login ends is sent after it'],
  ['5 a note of its own', "read('sent')", "read('')", 'a claim that names the draft clears what travelled, and ends the session'],
  // Auth0's transport
  ['SDK: metadata', 'createSession({ metadata: metadata as Record<string, string> })', 'createSession({ metadata: {} })', 'the provider\'s SDK gets the metadata, the audience and the end of a session'],
  ['SDK: audience', '{ audience: audience! }', '{}', 'the provider\'s SDK gets the metadata, the audience and the end of a session'],
  ['SDK: logout', 'logout: () => anonymous.logout(),', 'logout: async () => {},', 'the provider\'s SDK gets the metadata, the audience and the end of a session'],
  // tokens
  ['token: one request', 'this.#tokens.set(audience, (kept = fresh));', 'kept = fresh;', '50 callers make one request for a token, which is kept until a minute before its end'],
  ['token: until a minute before its end', ' - MINUTE_MS)', ')', '50 callers make one request for a token, which is kept until a minute before its end'],
  ['token: kept', 'until: Infinity', 'until: 0', '50 callers make one request for a token, which is kept until a minute before its end'],
  ['token: in seconds', 'expiresAt * SECOND_MS - MINUTE_MS', 'expiresAt - MINUTE_MS', '50 callers make one request for a token, which is kept until a minute before its end'],
  ['token: one for each audience', 'this.#tokens.get(audience)', "this.#tokens.get('https://api.test')", '50 callers make one request for a token, which is kept until a minute before its end'],
  ['token: a refusal is not kept', 'catch(() => this.#tokens.delete(audience))', 'catch(() => {})', 'a token that was refused is asked for again, and every caller learns why'],
  ['token: without an end', '!(kept && kept.until > Date.now())', '!kept || kept.until <= Date.now()', 'a token without an end is not kept'],
  ['token: of the session before', '      } finally {\n        this.#tokens.clear();\n', '      } finally {\n', 'no token outlives a session that expired'],
  ['token: of the draft before', '    } finally {\n      this.#tokens.clear();\n', '    } finally {\n', 'a token that was asked for while the session ends is dropped with it'],
  ['token: a refusal of one audience', 'this.#tokens.delete(audience)', 'this.#tokens.clear()', 'a token that was refused is asked for again, and every caller learns why'],
  ['token: no answer is no token', ').catch(() => this.#tokens.delete(audience));', ', () => this.#tokens.delete(audience));', 'a token that was refused is asked for again, and every caller learns why'],
  ['token: of the draft that another tab cleared', '      this.#tokens.clear();\n    }', '    }', 'no token outlives its session'],
];

test('every scenario passes without a fault', async () => {
  world.site.script = await bundle('page.js');
  for (const scenario of new Set(MUTANTS.map(([, , , name]) => name))) {
    assert.ok(SCENARIOS.has(scenario), `no scenario \`${scenario}\``);
    await world.play(SCENARIOS.get(scenario));
  }
});

let world;
before(async () => { world = await World.start(); });
after(() => world.stop());

for (const [name, from, to, scenario] of MUTANTS) {
  test(name, async () => {
    let planted = 0;
    world.site.script = await bundle('page.js', (text) => {
      if (!text.includes(from)) return text;
      planted += 1;
      return text.replace(from, () => to);
    });
    assert.equal(planted, 1, 'the text is in the client once');
    assert.ok([...SOURCE.values()].filter((text) => text.split(from).length === 2).length === 1, 'the text names one place');
    await assert.rejects(world.play(SCENARIOS.get(scenario)), undefined, 'no scenario noticed');
  });
}
