/** Our own binary, beside the tenant's drivers. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const text = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
export const CLAIM = 'urn:handover:status';

/** Our binary, serving the shipped rules; `log` holds its lines. */
export async function startHandover(environment, ...arguments_) {
  const binary = process.env.HANDOVER_BINARY;
  const child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', ...arguments_], { cwd: root, env: { HANDOVER_LEDGER: 'memory', ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'pipe'] });
  const log = [];
  const lines = createInterface(child.stderr);
  const listening = new Promise((resolve, reject) => {
    lines.on('line', (line) => { log.push(line); if (line.includes('"listen"')) resolve(JSON.parse(line).listen); });
    child.on('exit', (code) => reject(new Error(`handover ended with ${code}: ${log.join('\n')}`)));
  });
  const url = `http://${await listening}`;
  const stop = () => new Promise((resolve) => { child.removeAllListeners('exit'); child.on('exit', resolve); child.kill('SIGKILL'); });
  return { url, log, stop };
}
