/** Makes a certificate of localhost and prints where: whoever calls the tenant must trust it (`NODE_EXTRA_CA_CERTS`). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { generate } from 'selfsigned';

const [folder] = process.argv.slice(2);
const altNames = [{ type: 2, value: 'localhost' }, { type: 7, ip: '127.0.0.1' }];
const made = await generate([{ name: 'commonName', value: 'localhost' }], {
  keyType: 'ec', curve: 'P-256', algorithm: 'sha256',
  extensions: [{ name: 'basicConstraints', cA: true }, { name: 'subjectAltName', altNames }],
});
writeFileSync(join(folder, 'tenant.key'), made.private, { mode: 0o600 });
writeFileSync(join(folder, 'tenant.crt'), made.cert);
