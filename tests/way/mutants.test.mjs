/** Each rule of the Action, broken: a scenario must notice. A mutant is a text, what replaces it, and who kills it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { text } from './drivers.mjs';
import { failures } from './failures.mjs';
import { refusals } from './refusals.mjs';
import { settings } from './settings.mjs';
import { transfers } from './transfers.mjs';
import { Way } from './way.mjs';

const ACTION = text('../../server/auth0/handover.action.js');
const SCENARIOS = new Map([...transfers, ...refusals, ...failures, ...settings]);

const MUTANTS = [
  // 1 and the settings
  ['1 no session', "if (!session?.user_id || mode", "if (mode", 'a login without an anonymous session is no call and no log line'],
  ['1 receipt', "if (isTaken(event.user", "if (false && isTaken(event.user", 'a hand-over that the receipt names is no call'],
  ['1 receipt by session', "(session.session_id || session.user_id)", "session.user_id", 'without a hand-over id the session is the hand-over'],
  ['1 receipt by hand-over id', "return typeof id === 'string' &&", "return false &&", 'a hand-over that the receipt names is no call'],
  ['1 same content', "|| name === `${digest}.${hash(JSON.stringify(metadata), 6)}`", "", 'a hand-over that the receipt names is no call'],
  ['1 other content', "return !name.includes('.') || name ===", "return !name.includes('.') || name !==", 'a hand-over that the receipt names is no call'],
  ['1 a draft that grew', "return !name.includes('.') || name === `${digest}.${hash(JSON.stringify(metadata), 6)}`;", "return true;", 'a draft that grew after its answer was lost is merged, and counts once'],
  ['1 an entry without content', "return !name.includes('.') || name", "return name", 'a hand-over that the receipt names is no call'],
  ['1 what was left', "if (name === undefined || left.length > 0) return false;", "if (name === undefined) return false;", 'what a rule could not take is taken at the next login'],
  ['1 malformed entries', " || !receipt.taken.every(isEntry)", " || !receipt.taken.some(isEntry)", 'a malformed receipt spares no call'],
  ['1 sixteen entries', " || receipt.taken.length > TAKEN", "", 'a malformed receipt spares no call'],
  ['1 a list of entries', "!Array.isArray(receipt.taken) || ", "", 'a malformed receipt spares no call'],
  ['1 names of left rules', "entry[3].every((rule) => typeof rule === 'string')", "true", 'a malformed receipt spares no call'],
  ['1 elements of a later version', "return entry.length < 4 ||", "return entry.length < 5 &&", 'a malformed receipt spares no call'],
  ['1 a name that is no text', "typeof entry[0] !== 'string' || ", "", 'a malformed receipt spares no call'],
  ['1 nothing without roots', "  const config = configuration(secrets);\n  const draft", "  const config = quietly(() => configuration(secrets));\n  const draft", 'without roots nothing is done'],
  ['1 an empty session id is none', "session.session_id || session.user_id", "session.session_id ?? session.user_id", 'without a hand-over id the session is the hand-over'],
  ['1 times of an entry', " || !Number.isInteger(entry[1]) || !Number.isInteger(entry[2])", "", 'a malformed receipt spares no call'],
  ['1 the claim that was missed', "    tell(api, claim, 'already_transferred', draft);\n", "", 'a claim that was missed comes at the next login, by name'],
  ['1 no claim in observe', "const claim = mode === 'apply' ? ", "const claim = mode ? ", 'a claim that was missed comes at the next login, by name'],
  ['1 no claim where the policy clears nothing', "if (claim) quietly", "quietly", 'a claim that was missed comes at the next login, by name'],
  ['1 nothing travelled', "if (Object.keys(members).every((name) => name === 'handover')) return null;", "", 'a session without metadata is no call and no claim'],
  ['1 only the hand-over id', "every((name) => name === 'handover')", "every(() => false)", 'a session without metadata is no call and no claim'],
  ['1 a list is no metadata', " && !Array.isArray(value) ? value : {}", " ? value : {}", 'a session without metadata is no call and no claim'],
  ['1 short hand-over id', "{16,64}", "{1,64}", 'a hand-over that the receipt names is no call'],
  ['1 long hand-over id', "{16,64}", "{16,}", 'a hand-over that the receipt names is no call'],
  ['1 receipt version', "receipt?.v !== 1 ||", "", 'a hand-over that the receipt names is no call'],
  ['1 metadata as one text', "typeof metadata === 'string' ? quietly(() => JSON.parse(metadata)) : metadata", "metadata", 'metadata as text, as objects and as one text, times in every form'],
  ['1 refresh', "refresh-token|", "", 'refreshes, exchanges, devices and back channels are no call'],
  ['1 token exchange', "token-exchange|", "", 'refreshes, exchanges, devices and back channels are no call'],
  ['1 device', "|device-code", "", 'refreshes, exchanges, devices and back channels are no call'],
  ['1 ciba', "|oidc-ciba)", ")", 'refreshes, exchanges, devices and back channels are no call'],
  ['off', "|| mode === 'off' ", "", 'off is off'],
  ['observe', "if (mode === 'observe') return `observed_${word}`;", "", 'observe asks, says and applies nothing'],
  ['mode', "if (mode !== 'apply' && mode !== 'observe') throw new Stop('config_mode');", "", 'another mode is a mistake'],
  ['clients', "if (clients.length > 0 && !clients.includes(event.client?.client_id)) return null;", "", 'only the named clients are asked about'],
  ['roots missing', "roots.length === 0 || ", "", 'without roots nothing is done'],
  ['roots malformed', " || !roots.every(isRoot)", "", 'without roots nothing is done'],
  ['secret length', "if (bytes.length < 24)", "if (bytes.length < 1)", 'a poor secret is none'],
  ['http anywhere', " && !(url.protocol === 'http:' && loopback)", " && url.protocol !== 'http:'", 'the url is https, or this machine'],
  ['loopback by prefix', "(\\.\\d+){3}|", ".*|", 'the url is https, or this machine'],
  ['loopback localhost', "localhost|", "", 'the url is https, or this machine'],
  ['loopback IPv6', "|\\[::1\\]", "", 'the url is https, or this machine'],
  ['a password in the url', "if (url.username || url.password) throw new Stop('config_url');", "", 'the url is https, or this machine'],
  ['path', "url.pathname = path.endsWith('/v1/transfer') ? path : `${path}/v1/transfer`;", "", 'the url is https, or this machine'],
  ['deadline default', "standard: 2500", "standard: 5000", 'the deadline is 2500 ms, and never above 8000'],
  ['deadline bound', "Math.min(asked, DEADLINE_MS.most)", "asked", 'the deadline is 2500 ms, and never above 8000'],
  ['claim name', "secrets.HANDOVER_CLAIM ?? 'urn:handover:status'", "'urn:handover:status'", 'the claim is the reason, else the status, and only when the session is spent'],
  // 2
  ['2 breaker', "throw new Stop('breaker_open');", ";", 'after three failures in a row nobody is asked for 30 s'],
  ['2 three failures', "failures: 3,", "failures: 4,", 'after three failures in a row nobody is asked for 30 s'],
  ['2 not two failures', "failures: 3,", "failures: 2,", 'after three failures in a row nobody is asked for 30 s'],
  ['2 thirty seconds', "open_ms: 30000", "open_ms: 20000", 'after three failures in a row nobody is asked for 30 s'],
  ['2 not for ever', "open_ms: 30000", "open_ms: 60000", 'after three failures in a row nobody is asked for 30 s'],
  ['2 in a row', "    settle(cache, false);\n", "", 'a good answer between failures closes it'],
  ['2 in a row, with a refusal between', "settle(cache, BREAKING.test(error.code));", "if (BREAKING.test(error.code)) settle(cache, true);", 'an answer between failures, even a refused one, closes it'],
  ['2 what is open stays open', "if (Date.now() < until) return;", "", 'a login that ends late does not close what others opened'],
  ['2 counted again after the call', "async function guarded(cache, call) {", "async function guarded(live, call) {\n  const seen = quietly(() => live.get(BREAKER.key));\n  const cache = { get: () => seen, set: (...all) => live.set(...all), delete: (key) => live.delete(key) };", 'logins that fail at the same time are all counted'],
  ['2 a breaker of somebody else', "Number.isInteger(failures) && Number.isFinite(until) ?", "failures !== undefined ?", 'what is no breaker of ours means closed'],
  ['2 deadline counts', "/^(deadline|unreachable|http_(429|5", "/^(unreachable|http_(429|5", 'after three failures in a row nobody is asked for 30 s'],
  ['2 unreachable counts', "(deadline|unreachable|http_(429|5", "(deadline|http_(429|5", 'after three failures in a row nobody is asked for 30 s'],
  ['2 429 counts', "(429|5\\d\\d)", "(5\\d\\d)", 'after three failures in a row nobody is asked for 30 s'],
  ['2 5xx counts', "(429|5\\d\\d)", "(429)", 'after three failures in a row nobody is asked for 30 s'],
  ['2 4xx does not count', "(429|5\\d\\d)", "(4\\d\\d|5\\d\\d)", 'an answer that is refused is no failure of the server'],
  ['2 a lost cache', ": { failures: 0, until: 0 }", ": { failures: 3, until: Infinity }", 'a lost cache means closed'],
  // 3
  ['3 trigger without statistics', "typeof event.stats?.logins_count === 'number' && event.stats.logins_count <= 1", "!(event.stats?.logins_count > 1)", 'an event without statistics is a login'],
  ['3 a count that is no number', "typeof event.stats?.logins_count === 'number' && event.stats.logins_count <= 1", "event.stats?.logins_count <= 1", 'an event without statistics is a login'],
  ['3 time', "at: new Date().toISOString()", "at: new Date(Date.now() - 30_000).toISOString()", 'the request is that of the contract'],
  ['3 organization', "      organization: event.organization?.id,\n", "", 'no person, no token and no value in a request, a log line or our log'],
  ['3 only the id of the organization', "event.organization?.id", "event.organization", 'no person, no token and no value in a request, a log line or our log'],
  ['3 no given name', "provider: 'auth0',", "provider: 'auth0', name: user.given_name,", 'no person, no token and no value in a request, a log line or our log'],
  ['3 id of the transaction', "`${event.tenant?.id}:${transaction}`", "randomUUID()", 'a request has the id of its transaction'],
  ['3 id without a transaction', "randomUUID()}`;", "'none'}`;", 'a request has the id of its transaction'],
  ['3 hashed above 128', "{1,128}", "{1,256}", 'a request has the id of its transaction'],
  ['3 hashed with a dot', "[!-\\-/-~]", "[!-~]", 'a request has the id of its transaction'],
  ['3 trigger', "event.stats.logins_count <= 1", "false", 'a signup says so, and an existing account too'],
  ['3 trigger of a login', "logins_count <= 1", "logins_count >= 1", 'a signup says so, and an existing account too'],
  ['3 only named roots', "Object.fromEntries(keys.filter((key) => Object.hasOwn(user[side] ?? {}, key)).map((key) => [key, user[side][key]]))", "user[side]", 'only the named roots leave the tenant, and only they are written'],
  ['3 visible', "      visible: config.roots,\n", "", 'only the named roots leave the tenant, and only they are written'],
  ['3 the receipt is shown', "new Set([...roots, RECEIPT])", "new Set(roots)", 'the request is that of the contract'],
  ['3 session id', "session.user_id, session_id, created_at", "session_id, created_at", 'the request is that of the contract'],
  ['3 session_id', "session.user_id, session_id, created_at", "session.user_id, created_at", 'the request is that of the contract'],
  ['3 no e-mail', "provider: 'auth0',", "provider: 'auth0', email: user.email,", 'no person, no token and no value in a request, a log line or our log'],
  ['3 no address', "provider: 'auth0',", "provider: 'auth0', ip: event.request.ip,", 'no person, no token and no value in a request, a log line or our log'],
  ['3 body bound', "if (Buffer.byteLength(text) > BODY_BYTES)", "if (false)", 'a request of more than 256 KiB does not leave'],
  // 4
  ['4 id header', "'webhook-id': id,", "'webhook-id': `${id}x`,", 'migrates the cart on signup'],
  ['4 request signature', "sign(config.key, `${id}.${timestamp}.`, body)", "sign(config.key, `${id}.`, body)", 'migrates the cart on signup'],
  ['4 answer unsigned', " || !entries.some(fits)) throw", ") throw", 'an answer that was changed is not applied'],
  ['4 answer of another secret', "!entries.some(fits)", "entries.length === 0", 'an answer of another secret is not applied'],
  ['4 answer, not request', "sign(config.key, `response\\n${id}.${at}.`, bytes)", "sign(config.key, `${id}.${at}.`, bytes)", 'a well signed decision is applied'],
  ['4 answer id', "headers.get('webhook-id') !== id || ", "", 'an answer signed for this id and sent with another is not applied'],
  ['4 several entries', "entries.some(fits)", "fits(entries[0])", 'one good signature among sixteen is enough, among seventeen it is not'],
  ['4 sixteen entries', "ENTRIES = 16", "ENTRIES = 17", 'one good signature among sixteen is enough, among seventeen it is not'],
  ['4 not fifteen', "ENTRIES = 16", "ENTRIES = 15", 'one good signature among sixteen is enough, among seventeen it is not'],
  ['4 bytes of an entry', "Buffer.from(entry, 'latin1')", "Object.assign(Buffer.from(entry), { length: entry.length })", 'one good signature among sixteen is enough, among seventeen it is not'],
  ['4 form of the time', "!/^[1-9]\\d{0,11}$/.test(at) || ", "", 'an answer whose time is malformed is not applied'],
  ['4 late', "Math.abs(Date.now() / 1000 - at) > WINDOW_S", "Date.now() / 1000 - at < -WINDOW_S", 'an answer of six minutes ago is not applied'],
  ['4 early', "Math.abs(Date.now() / 1000 - at) > WINDOW_S", "Date.now() / 1000 - at > WINDOW_S", 'an answer of the future is not applied'],
  ['4 window', "WINDOW_S = 300", "WINDOW_S = 200", 'an answer of four minutes ago is applied'],
  // 5
  ['5 second try', "if (!RETRIED.test(error.code) || left() < RETRY_MS.least) throw error;", "throw error;", 'a second try after a network error, 429, 502, 503 and 504'],
  ['5 network error', "/^(unreachable|http_(429|502|503|504))$/", "/^(http_(429|502|503|504))$/", 'a second try after a network error, 429, 502, 503 and 504'],
  ...[429, 502, 503, 504].map((code) => [`5 ${code}`, '429|502|503|504', '429|502|503|504'.replace(code, '000'), 'a second try after a network error, 429, 502, 503 and 504']),
  ['5 not after 500', '429|502|503|504', '429|500|502|503|504', 'no second try after another status'],
  ['5 not after 400', '429|502|503|504', '400|429|502|503|504', 'no second try after another status'],
  ['5 600 ms', "least: 600", "least: 100", 'no second try when less than 600 ms are left'],
  ['5 pause', "wait: 50", "wait: 0", 'the pause between the tries is 50 to 150 ms'],
  ['5 pause spread', "spread: 100", "spread: 400", 'the pause between the tries is 50 to 150 ms'],
  ['5 two tries', "  return checked(request, await post(request));\n}", "  try {\n    return checked(request, await post(request));\n  } catch {\n    return checked(request, await post(request));\n  }\n}", 'never a third try'],
  ['5 new timestamp', "const timestamp = `${Math.floor(Date.now() / 1000)}`;", "const timestamp = (signal.timestamp ??= `${Math.floor(Date.now() / 1000)}`);", 'a second try is signed anew'],
  ['5 one deadline', "  await new Promise((resolve) => setTimeout(resolve, RETRY_MS", "  request.signal = AbortSignal.timeout(8000);\n  await new Promise((resolve) => setTimeout(resolve, RETRY_MS", 'the second try shares the deadline of the first'],
  ['5 redirect', "redirect: 'manual'", "redirect: 'follow'", 'a redirect is not followed'],
  ['5 deadline of the body', "response = await fetch(config.url, { method: 'POST', redirect: 'manual', headers, body, signal });", "response = await fetch(config.url, { method: 'POST', redirect: 'manual', headers, body });", 'a server that never ends its body'],
  ['5 answer bound', "if (bytes > BODY_BYTES) throw new Stop('answer_too_large');", "", 'an answer of more than 256 KiB is not read, one of 256 KiB is'],
  ['5 exact answer bound', "if (bytes > BODY_BYTES)", "if (bytes > BODY_BYTES + 1)", 'an answer of more than 256 KiB is not read, one of 256 KiB is'],
  ['5 answer at the bound', "if (bytes > BODY_BYTES)", "if (bytes >= BODY_BYTES)", 'an answer of more than 256 KiB is not read, one of 256 KiB is'],
  ['5 only 200', "response.status !== 200", "!response.ok", 'a signed problem changes nothing'],
  // 6
  ['6 another id', "if (decision.id !== id) throw new Stop('answer_of_another');", "", 'a decision with another id is not applied'],
  ['6 64 commands', "COMMANDS = 64", "COMMANDS = 65", 'more than 64 commands are not applied, 64 are'],
  ['6 not 63', "COMMANDS = 64", "COMMANDS = 63", 'more than 64 commands are not applied, 64 are'],
  ['6 unknown command', "if (!side || !Object.hasOwn(command, 'value')) throw new Stop('unknown_command');", "", 'an unknown command is not applied'],
  ['6 a command that looks like ours', "command?.command === `set_${name}`", "String(command?.command).startsWith(`set_${name}`)", 'an unknown command is not applied'],
  ['6 empty key', "([^.$\\0]+)$/", "([^.$\\0]*)$/", 'an empty key is not applied'],
  ['6 dot in a key', "[^.$\\0]+", "[^$\\0]+", 'a key with a dot, a dollar or NUL is not applied'],
  ['6 dollar in a key', "[^.$\\0]+", "[^.\\0]+", 'a key with a dot, a dollar or NUL is not applied'],
  ['6 NUL in a key', "[^.$\\0]+", "[^.$]+", 'a key with a dot, a dollar or NUL is not applied'],
  ['6 reserved key', " && !(side === 'app_metadata' && RESERVED.has(key))", "", 'a reserved key is not applied'],
  ['6 reserved on its side only', "side === 'app_metadata' && RESERVED", "RESERVED", 'the same key on both sides is applied'],
  ['6 repeated key', " || new Set(keys).size < keys.length", "", 'a repeated key is not applied'],
  ['6 key that is no text', "typeof key === 'string' && isRoot", "isRoot", 'a key that is no text is not applied'],
  ['6 member names', "return 'bad_name';", "return 'none';", 'a member name with a dot, a dollar or NUL is not applied'],
  ['6 NUL in member names', "/[.$\\0]/.test(name)", "/[.$]/.test(name)", 'a member name with a dot, a dollar or NUL is not applied'],
  ['6 too deep', "quietly(() => flaw(set.value)) ?? 'bad_name'", "flaw(set.value)", 'a value that is too deep to be looked through is not applied'],
  ['6 only named roots', "if (!keys.every((key) => roots.includes(`${side}.${key}`))) throw new Stop('root_not_named');", "", 'a root that the secret does not name is not applied'],
  ['6 named on its side', "roots.includes(`${side}.${key}`)", "roots.some((root) => root.endsWith(`.${key}`))", 'a root that the secret does not name is not applied'],
  ['6 unsafe integers', "return Number.isInteger(value) && !Number.isSafeInteger(value) ? 'bad_number' : 'none';", "return 'none';", 'an integer that JavaScript cannot hold is not applied'],
  ['6 fractions are safe', "Number.isInteger(value) && !Number.isSafeInteger", "!Number.isSafeInteger", 'an integer that JavaScript cannot hold is not applied'],
  ['6 no roots', "!NO_ROOTS.includes(key) && ", "", 'a name that is no root is not applied'],
  ...['loginsCount metadata', 'blocked clientID', '__tenant _id'].map((names) => [`6 reserved ${names}`, names, names.split(' ')[0], 'a reserved key is not applied']),
  ['6 member names in lists', "if (value === null || typeof value !== 'object') return 'none';", "if (value === null || typeof value !== 'object' || Array.isArray(value)) return 'none';", 'a member name with a dot, a dollar or NUL is not applied'],
  ['6 bytes a side', "if (bytes > SIDE_BYTES) throw new Stop('too_many_bytes');", "", 'more than 32768 bytes a side are not applied, 32768 are'],
  ['6 bytes, not characters', "Buffer.byteLength(JSON.stringify(Object.fromEntries(own.map((set) => [set.key, set.value]))))", "JSON.stringify(Object.fromEntries(own.map((set) => [set.key, set.value]))).length", 'more than 32768 bytes a side are not applied, 32768 are'],
  ['6 roll-back', "quietly(() => put(side, key, Object.hasOwn", "(() => put(side, key, Object.hasOwn", 'if a setter throws, what was set gets its old value back'],
  ['6 roll-back of a new root', "? user[side][key] : null", "? user[side][key] : {}", 'if a setter throws, what was set gets its old value back'],
  ['6 roll-back of the other side', "for (const { side, key } of done) {", "for (const { side, key } of done.filter((set) => set.side === 'app_metadata')) {", 'if a setter throws, the other side gets its old values back too'],
  ['6 a throw stops all', "    throw new Stop('apply_failed');", "", 'if a setter throws, what was set gets its old value back'],
  // 7
  ['7 claim only with clear', "if (decision.clear || word === 'claimed_by_another_account') tell", "tell", 'the claim is the reason, else the status, and only when the session is spent'],
  ['7 reason first', "decision.reason ?? decision.status", "decision.status", 'the claim is the reason, else the status, and only when the session is spent'],
  ['7 a claim for somebody else\'s draft', " || word === 'claimed_by_another_account'", "", 'the claim is the reason, else the status, and only when the session is spent'],
  ['7 the claim names its hand-over', "draft ? `${word} ${draft}` : word", "word", 'the claim is the reason, else the status, and only when the session is spent'],
  ['7 a claim', "api.idToken.setCustomClaim(claim, draft ? `${word} ${draft}` : word)", "undefined", 'the claim is the reason, else the status, and only when the session is spent'],
  // 8
  ['8 never throws', "code = error instanceof Stop ? error.code : 'failed';", "if (!(error instanceof Stop)) throw error; code = error.code;", 'whatever the event and the api are, nothing is thrown'],
  ['8 never denies', "  apply(event.user, api.user, decision.sets);", "  if (word === 'refused') api.access.deny(word);\n  apply(event.user, api.user, decision.sets);", 'every status lets the person in'],
  ['8 no value in the log', "!isWord(decision?.status)", "typeof decision?.status !== 'string'", 'signed garbage is not applied'],
  ['8 no error in the log', ": 'failed';", ": `failed_${error.message}`;", 'whatever the event and the api are, nothing is thrown'],
  ['8 form of the log', "`handover ${code} ", "`handover ${code} ${event?.user?.user_id} ", 'merges the carts on login'],
];

let way;
before(async () => { way = await Way.start(ACTION); });
after(() => way.stop());

for (const [rule, from, to, killer] of MUTANTS) {
  test(`${rule}: ${killer}`, async () => {
    assert.equal(ACTION.split(from).length, 2, `the text stands once in the Action: ${from}`);
    way.code = ACTION.replace(from, () => to);
    // a broken expectation or a broken login kills; a mutant that does not even deploy proves nothing
    const kills = (error) => error.code === 'ERR_ASSERTION' || /^access_denied: /.test(error.message);
    await assert.rejects(SCENARIOS.get(killer)(way), kills, 'the mutant lives');
  });
}
