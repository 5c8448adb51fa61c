/** The demo shop, started by its one command and clicked through as a person would; `DEMO_PICTURES` names a folder for pictures. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { launch } from './browser.mjs';
import { until } from './world.mjs';

const RUN = fileURLToPath(new URL('../../server/web/demo/run', import.meta.url));

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

async function open() {
  const child = spawn(RUN, ['0'], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const url = await new Promise((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => { const [found] = /https:\S+/.exec(line) ?? []; if (found) resolve(found); });
    child.on('exit', (code) => reject(new Error(`the demo ended with ${code}`)));
  });
  return { url, stop: () => { child.removeAllListeners('exit'); process.kill(-child.pid, 'SIGINT'); } };
}

/** Clicks through the story on a screen of this width. */
async function story(page, url, picture) {
  const click = (name) => page.getByRole('button', { name, exact: true }).first().click();
  const add = (good) => page.locator('article', { hasText: good }).getByRole('button').click();
  const cart = async () => (await page.locator('#cart li').allInnerTexts()).map((line) => line.replace(/\s+/g, ' '));
  const cartIs = async (...expected) => {
    await until(async () => `${await cart()}` === `${expected}`, `the cart is ${expected}`).catch(async (error) => { throw new Error(`${error.message}; it is ${await cart()}`); });
  };
  const top = () => page.locator('#steps li b').first().innerText();
  const here = (heading) => page.getByRole('heading', { name: heading }).waitFor();
  const logIn = async (name) => {
    await click(`Log in as ${name}`);
    await page.waitForURL(/\/u\/login\//);
    await picture('login');
    await click('Log in');
    await here(`${name}’s cart`);
  };
  const logOut = async () => {
    await click('Log out');
    await here('Your cart');
  };

  await page.goto(url);
  await here('Your cart');
  await add('Sencha');
  await add('Sencha');
  await add('Clay pot');
  await cartIs('Sencha × 2', 'Clay pot × 1');
  await click('Tamper with the draft');
  await page.getByText('The visitor changed').waitFor();
  await picture('visitor');
  await logIn('Ada');
  const hers = await cart();
  assert.ok(hers.includes('Clay pot × 1') && hers.includes('Sencha × 2'), hers.join());
  assert.match(await page.locator('#steps').innerText(), /The webhook decided: transferred/);
  assert.match(await page.locator('#steps').innerText(), /dropped +\/cart\/items\/0\/price/);
  assert.doesNotMatch(hers.join(), /-5/);
  assert.equal(await page.locator('#waiting').isVisible(), false);
  await picture('one-cart');
  await logOut();
  await cartIs();
  await logIn('Bea');
  await cartIs();
  assert.match(await top(), /Bea is logged in/);
  await logOut();
  await click('Stop it');
  await page.getByText('The webhook is stopped').waitFor();
  await add('Assam');
  await cartIs('Assam × 1');
  await logIn('Bea');
  await cartIs();
  assert.equal(await page.locator('#waiting').innerText(), 'Waiting on this device for the next login: Assam × 1');
  assert.match(await page.locator('#steps').innerText(), /nobody answered/);
  await picture('service-stopped');
  await click('Start it');
  await page.getByText('The webhook runs').waitFor();
  await logOut();
  await cartIs('Assam × 1');
  await logIn('Bea');
  await cartIs('Assam × 1');
  assert.equal(await page.locator('#story li.done').count(), 6);
  await picture('done');
  await add('Assam');
  await add('Assam');
  await cartIs('Assam × 3');
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'nothing is wider than the screen');
  await logOut();
}

for (const [name, viewport] of [['a desktop', { width: 1280, height: 860 }], ['a telephone', { width: 390, height: 844 }]]) {
  test(`the whole story on ${name}`, async (context) => {
    const shop = await open();
    context.after(shop.stop);
    const device = await browser.newContext({ ignoreHTTPSErrors: true, viewport });
    const page = await device.newPage();
    const failures = [];
    page.on('pageerror', (error) => failures.push(`${error}`));
    const folder = process.env.DEMO_PICTURES;
    await story(page, shop.url, async (step) => { if (folder) await page.screenshot({ path: `${folder}/${name.replace('a ', '')}-${step}.png`, fullPage: step !== 'login' }); });
    assert.deepEqual(failures, []);
    await device.close();
  });
}
