/** The shop's page. What a site needs of the client is in `logIn` and `comeBack`. */
import { Auth0Client } from '@auth0/auth0-spa-js';
import { AnonymousDraft, auth0 } from '@handover/anonymous-session';

const GOODS = [
  { sku: 'TEA-SENCHA', name: 'Sencha', colour: '#8fbf6a' },
  { sku: 'TEA-ASSAM', name: 'Assam', colour: '#a8542c' },
  { sku: 'POT-CLAY', name: 'Clay pot', colour: '#c98b62' },
  { sku: 'CUP-TALL', name: 'Tall cup', colour: '#6a93bf' },
];
const CLAIM = 'urn:handover:status';

const client = new Auth0Client({
  domain: location.host,
  clientId: 'page',
  issuer: location.origin,
  cacheLocation: 'localstorage',
  authorizationParams: { redirect_uri: `${location.origin}/` },
});
const draft = new AnonymousDraft({ transport: auth0(client), onError: (error) => console.warn(error) });

let person;

// -- the login ---------------------------------------------------------------------------------------------------------

async function logIn(email) {
  for (const button of byId('person').children) button.disabled = true;
  const { left } = await draft.prepareLogin(['cart']);
  const all = draft.all();
  const isEmpty = Object.keys(all).length === 0;
  const title = isEmpty ? 'Before the login, there was no draft to take along' : 'Before the login, the page put the draft into an anonymous session';
  const text = left.length ? `Left on the device: ${left.join(', ')}.` : 'Then it sent the person to the provider.';
  await note(title, text, isEmpty ? [] : [['The draft', JSON.stringify(all, null, 2)]]);
  await client.loginWithRedirect({ authorizationParams: { login_hint: email, prompt: 'login' } });
}

async function comeBack() {
  if (!new URLSearchParams(location.search).has('state')) return;
  const url = location.href;
  history.replaceState({}, '', '/');
  await client.handleRedirectCallback(url);
  const claims = await client.getIdTokenClaims();
  const before = Object.keys(draft.all()).length > 0;
  await draft.finishLogin(claims[CLAIM]);
  const kept = Object.keys(draft.all()).length > 0;
  const { name } = await account();
  await note(`${name} is logged in`, fateOf(before, kept, claims[CLAIM]), before ? [['The claim of the ID token', claims[CLAIM] ?? 'none']] : []);
}

/** What became of the draft, in a sentence. */
function fateOf(before, kept, claim) {
  if (!before) return 'There was no draft on this device.';
  if (!kept) return 'The claim names the draft, so the page deleted it.';
  if (claim) return 'The claim names the draft. What did not fit into the session stays on the device.';
  return 'No claim names the draft, so it stays on the device for the next login.';
}

// -- the shop ----------------------------------------------------------------------------------------------------------

async function account(cart) {
  const claims = await client.getIdTokenClaims();
  if (!claims) return undefined;
  const headers = { authorization: `Bearer ${claims.__raw}` };
  const answer = await fetch('/shop/account', cart ? { method: 'POST', headers, body: JSON.stringify({ cart }) } : { headers });
  return answer.ok ? answer.json() : undefined;
}

function note(title, text, parts) {
  return fetch('/shop/steps', { method: 'POST', body: JSON.stringify({ title, text, parts }) });
}

/** Clicks are worked off one after the other, each on the cart that the one before left. */
let clicks = Promise.resolve();
const add = (sku) => { clicks = clicks.then(() => put(sku)).catch(showStopped); };

/** Whoever is logged in has a cart in the account; a visitor has a draft. */
async function put(sku) {
  const cart = structuredClone(person ? person.cart : draft.get('cart')) ?? { items: [] };
  const line = cart.items.find((item) => item.sku === sku);
  if (line) line.qty += 1;
  else cart.items.push({ sku, qty: 1 });
  if (person) await account(cart);
  else draft.set('cart', cart);
  await show();
}

/** What a visitor with the developer tools would do. */
async function tamper() {
  const cart = draft.get('cart') ?? { items: [] };
  draft.set('cart', { items: [...cart.items.map((item) => ({ ...item, price: 0.01 })), { sku: 'CUP-TALL', qty: -5 }] });
  draft.set('roles', ['admin']);
  await note('The visitor changed the draft in the developer tools', 'A price, a negative quantity and a role: the rules must stop them.', [['The draft', JSON.stringify(draft.all(), null, 2)]]);
  await show();
}

async function logOut() {
  await client.logout({ logoutParams: { returnTo: `${location.origin}/` } });
}

async function toggle(serving) {
  await fetch('/shop/service', { method: 'POST', body: JSON.stringify({ serving }) });
  await show();
}

// -- the page ----------------------------------------------------------------------------------------------------------

const STORY = [
  ['Add something to the cart, as a visitor.', ({ steps }) => has(steps, /^Before the login/) || draft.get('cart')],
  ['Press “Tamper with the draft”: a price, a negative quantity and a role.', ({ steps }) => has(steps, /^The visitor changed/)],
  ['Log in as Ada, who has a clay pot in her account: both carts become one. Of one product, the larger quantity stays.', ({ steps }) => has(steps, /^Ada is/)],
  ['Log out. Bea logs in on the same device, and gets nothing of Ada’s.', ({ steps }) => has(steps, /^Bea is/)],
  ['Log out, stop the webhook, fill a cart and log in: the login works, and the cart waits.', ({ steps }) => steps.some(isOutage)],
  ['Start the webhook, log out and log in again: the cart arrives, once.', ({ steps }) => steps.some(isOutage) && has(steps.slice(steps.findIndex(isOutage)), /: transferred/)],
];

function has(steps, title) {
  return steps.some((step) => title.test(step.title));
}

function isOutage(step) {
  return /nobody answered/.test(step.title);
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const byId = (id) => document.getElementById(id);
const nameOf = (sku) => GOODS.find((good) => good.sku === sku)?.name ?? sku;
const button = (text, run, main) => element('button', { textContent: text, onclick: () => Promise.resolve(run()).catch(showStopped), className: main ? 'main' : '' });

function goods() {
  return GOODS.map(({ sku, name, colour }) => {
    const card = element('article');
    card.innerHTML = `<svg viewBox="0 0 120 60" aria-hidden="true"><rect width="120" height="60" fill="${colour}33"/><circle cx="60" cy="32" r="18" fill="${colour}"/><path d="M78 28q12 0 10 10t-14 4" fill="none" stroke="${colour}" stroke-width="5"/></svg>`;
    card.append(name, button('Add', () => add(sku)));
    return card;
  });
}

function lines(cart) {
  return (cart?.items ?? []).map(({ sku, qty }) => element('li', {}, element('span', { textContent: nameOf(sku) }), element('span', { textContent: `× ${qty}` })));
}

function stepOf({ title, text, parts }, at, isNew) {
  const details = parts.map(([label, content]) => {
    const name = `${at} ${label}`;
    const open = opened.get(name) ?? (isNew && label !== 'The request');
    const ontoggle = ({ target }) => opened.set(name, target.open);
    return element('details', { open, ontoggle }, element('summary', { textContent: label }), element('pre', { textContent: content }));
  });
  return element('li', {}, element('b', { textContent: title }), element('p', { textContent: text }), ...details);
}

function people() {
  if (person) return [`${person.name} `, button('Log out', logOut)];
  const enter = (email) => () => logIn(email);
  return [button('Log in as Ada', enter('ada@shop.test'), true), ' ', button('Log in as Bea', enter('bea@shop.test')), ' ', button('Tamper with the draft', tamper)];
}

function showStopped() {
  byId('stopped').hidden = false;
}

/** Which details the person opened or closed, by step and label. */
const opened = new Map();

async function show() {
  person = await account();
  const state = await (await fetch('/shop/steps')).json();
  byId('person').replaceChildren(...people());
  byId('service').className = state.serving ? 'service' : 'service down';
  byId('service').querySelector('span').textContent = state.serving ? 'The webhook runs' : 'The webhook is stopped';
  byId('toggle').textContent = state.serving ? 'Stop it' : 'Start it';
  byId('toggle').onclick = () => toggle(!state.serving).catch(showStopped);
  const facts = STORY.map(([, holds]) => Boolean(holds(state)));
  byId('story').replaceChildren(...STORY.map(([text], at) => {
    const item = element('li', { textContent: text, className: facts[at] ? 'done' : at === facts.indexOf(false) ? 'now' : '' });
    item.dataset.step = at + 1;
    return item;
  }));
  const cart = person ? person.cart : draft.get('cart');
  byId('cart-title').textContent = person ? `${person.name}’s cart` : 'Your cart';
  byId('cart').replaceChildren(...lines(cart));
  byId('cart-note').textContent = cart?.items.length ? (person ? 'Stored in the account.' : 'Stored on this device: nobody is logged in.') : 'The cart is empty.';
  const waits = person ? draft.get('cart')?.items ?? [] : [];
  byId('waiting').hidden = waits.length === 0;
  byId('waiting').textContent = `Waiting on this device for the next login: ${waits.map(({ sku, qty }) => `${nameOf(sku)} × ${qty}`).join(', ')}`;
  const newest = state.steps.length - 1;
  byId('steps').replaceChildren(...state.steps.map((step, at) => stepOf(step, at, newest - at < 2)).reverse());
  if (!state.steps.length) byId('steps').replaceChildren(element('li', {}, element('p', { textContent: 'Nothing yet. When somebody logs in, this list shows the request, the decision, and why.' })));
}

// a page that comes back from the browser's cache
addEventListener('pageshow', ({ persisted }) => { if (persisted) show().catch(showStopped); });

byId('goods').replaceChildren(...goods());
await comeBack().catch((error) => note('The login failed', `${error.message}`, []));
await show().catch(showStopped);
