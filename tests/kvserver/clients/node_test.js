// What programs written with node-redis and ioredis do: connect (HELLO 3, CLIENT SETINFO, INFO),
// read, write, pipelines, transactions.
//
// Goal: their newest versions run unchanged. Method: a kvserver of its own on a free port.
// Usage: NODE_PATH=.../node_modules node node_test.js KVSERVER. Exit code 77: neither of the two
// packages is there.
'use strict';

const assert = require('assert');
const {spawn} = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const SKIPPED = 77;

function load(name) {
  try {
    const loaded = require(name);
    console.log(`${name} ${require(name + '/package.json').version}, node ${process.version}`);
    return loaded;
  } catch {
    console.log(`skipped: ${name} is not installed`);
    return null;
  }
}

const nodeRedis = load('redis');
const Ioredis = load('ioredis');
if (!nodeRedis && !Ioredis) process.exit(SKIPPED);

function start(program, directory) {
  const server = spawn(program, ['--port', '0', '--data-dir', path.join(directory, 'store')]);
  return new Promise((resolve, reject) => {
    let log = '';
    server.stderr.on('data', (data) => {
      log += data;
      const ready = log.match(/ready on port (\d+)/);
      if (ready) resolve({server, port: Number(ready[1])});
    });
    server.on('exit', () => reject(new Error('kvserver has not started: ' + log)));
  });
}

async function testNodeRedis(port, RESP) {
  const client = nodeRedis.createClient({url: `redis://127.0.0.1:${port}`, RESP, name: 'me'});
  client.on('error', (error) => { throw error; });
  await client.connect();
  assert.strictEqual(await client.set('k', 'v'), 'OK');
  assert.strictEqual(await client.get('k'), 'v');
  assert.strictEqual(await client.del('k'), 1);
  assert.strictEqual(await client.get('k'), null);
  assert.deepStrictEqual(await Promise.all([client.set('n', '1'), client.incr('n')]), ['OK', 2]);
  assert.deepStrictEqual(await client.multi().set('n', '5').incr('n').exec(), ['OK', 6]);
  const info = await client.clientInfo();
  assert.strictEqual(info.libName, 'node-redis');
  assert.strictEqual(info.resp, RESP);
  assert.strictEqual(info.name, 'me');
  assert.deepStrictEqual({...await client.configGet('save')}, {save: ''});
  assert.strictEqual((await client.commandInfo(['get']))[0].arity, 2);
  assert.strictEqual((await client.role()).role, 'master');
  assert.strictEqual((await client.clientList()).length, 1);
  assert.ok((await client.info('server')).includes('redis_mode:standalone'));
  await client.close();
}

async function testIoredis(port, options) {
  const client = new Ioredis({port, connectionName: 'me', ...options});
  assert.strictEqual(await client.set('k', 'v'), 'OK');
  assert.strictEqual(await client.get('k'), 'v');
  assert.deepStrictEqual(await client.pipeline().set('n', '1').incr('n').exec(),
                         [[null, 'OK'], [null, 2]]);
  assert.deepStrictEqual(await client.multi().set('n', '5').get('n').exec(),
                         [[null, 'OK'], [null, '5']]);
  assert.strictEqual(await client.client('GETNAME'), 'me');
  const monitor = await client.duplicate().monitor();
  const seen = new Promise((resolve) => monitor.on('monitor', (time, words) => {
    if (words[1] === 'seen') resolve();
  }));
  await client.get('seen');
  await seen;
  monitor.disconnect();
  await client.quit();
}

async function main() {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'kvserver-node-'));
  const {server, port} = await start(process.argv[2], directory);
  try {
    if (nodeRedis) for (const version of [2, 3]) await testNodeRedis(port, version);
    if (Ioredis) for (const options of [{}, {protocol: 3}]) await testIoredis(port, options);
    console.log('ok');
  } finally {
    server.removeAllListeners('exit');
    const ended = new Promise((resolve) => server.on('exit', resolve));
    server.kill('SIGTERM');
    assert.strictEqual(await ended, 0);
    fs.rmSync(directory, {recursive: true});
  }
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
