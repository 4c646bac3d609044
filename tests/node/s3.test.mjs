// The S3 backend against s3rver, a store of others: the statements that hold for every backend, and a film that comes to lie there, and one whose
// parts clients put there themselves.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import S3rver from 's3rver';

const top = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const out = process.env.KINOBUS_OUT ?? join(top, 'build');
const folder = mkdtempSync(join(tmpdir(), 'kinobus-s3rver-'));
const credentials = join(folder, 'credentials');
let server, uri;

before(async () => {
    writeFileSync(credentials, 'aws_access_key_id = S3RVER\naws_secret_access_key = S3RVER\n', { mode: 0o600 });
    server = new S3rver({
        address: '127.0.0.1', port: 0, silent: true, directory: join(folder, 'store'), vhostBuckets: false,
        configureBuckets: [{ name: 'videos' }],
    });
    const { port } = await server.run();
    uri = `s3://videos/films?endpoint=http://127.0.0.1:${port}&credentials=${credentials}`;
});

after(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
});

function run(program, ...args) {
    const child = spawn(program, args, {
        cwd: top, stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, KINOBUS_TEST_S3: uri, KINOBUS_BIN: process.env.KINOBUS_BIN ?? join(out, 'bin') },
    });
    return new Promise((resolve) => child.on('exit', (code) => resolve(code)));
}

function objects(at = join(folder, 'store', 'videos')) {
    if (!existsSync(at)) return [];
    return readdirSync(at, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? objects(join(at, entry.name)) : entry.name.endsWith('_object') ? [join(at, entry.name)] : []);
}

test('what is true of every backend is true of this one', async () => {
    assert.equal(await run(join(out, 'tests', 'unit', 'blobs_s3')), 0);
    assert.deepEqual(objects(), []);
});

test('a film comes to lie there, plays from there, and is deleted there', async () => {
    assert.equal(await run('python3', 'tests/system/f010_second_place.py'), 0);
    assert.deepEqual(objects(), []);
});

test('clients put parts straight there', async () => {
    assert.equal(await run('python3', 'tests/node/direct.py'), 0);
    assert.deepEqual(objects(), []);
});
