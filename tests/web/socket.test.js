import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { backoffS, connect, Refused, socketUrl } from '../../web/static/js/socket.js';

/** A websocket whose far end is the test. */
class FakeSocket {
    readyState = 0;
    sent = [];
    isClosed = false;
    accept() {
        this.readyState = 1;
        this.onopen();
    }
    send(text) {
        this.sent.push(JSON.parse(text));
    }
    deliver(event) {
        this.onmessage({ data: JSON.stringify(event) });
    }
    close() {
        this.isClosed = true;
        this.readyState = 3;
    }
    break() {
        this.readyState = 3;
        this.onclose();
    }
}

const settle = async () => {
    for (let i = 0; i < 5; i += 1) await Promise.resolve();
};

const WELCOME = { type: 'welcome', participant_id: 'p', role: 'interviewer', heartbeat_s: 5 };

const room = (options = {}) => {
    const sockets = [];
    const statuses = [];
    const events = [];
    let tokens = 0;
    const link = connect({
        roomId: 'r1',
        base: 'http://127.0.0.1:8080/interviews/1/room',
        getToken: async () => `token-${(tokens += 1)}`,
        onEvent: (event) => events.push(event),
        onStatus: (status) => statuses.push(status),
        open: () => {
            const socket = new FakeSocket();
            sockets.push(socket);
            return socket;
        },
        ...options,
    });
    return { link, sockets, statuses, events };
};

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));
afterEach(() => mock.timers.reset());

test('waits 1, 2, 4, then 8 seconds', () => {
    assert.deepEqual([0, 1, 2, 3, 4, 9].map(backoffS), [1, 2, 4, 8, 8, 8]);
});

test("the address follows the page's scheme", () => {
    assert.equal(socketUrl('a b', 'https://x.test/p?q=1'), 'wss://x.test/ws/a%20b');
    assert.equal(socketUrl('r', 'http://127.0.0.1:8080/p'), 'ws://127.0.0.1:8080/ws/r');
});

test('says hello with the token first, and nothing more when the page has nothing', async () => {
    const { sockets } = room();
    await settle();
    sockets[0].accept();
    assert.deepEqual(sockets[0].sent, [{ type: 'hello', token: 'token-1' }]);
});

test('pings every five seconds after welcome', async () => {
    const { sockets } = room();
    await settle();
    sockets[0].accept();
    sockets[0].deliver(WELCOME);
    mock.timers.tick(4_999);
    assert.equal(sockets[0].sent.length, 1);
    mock.timers.tick(1);
    assert.deepEqual(sockets[0].sent[1], { type: 'ping' });
});

test('reconnects with a fresh token and the newest time it has', async () => {
    let newest = null;
    const { sockets, statuses } = room({ resumeFrom: () => newest });
    await settle();
    sockets[0].accept();
    sockets[0].deliver(WELCOME);
    newest = { since_s: 41, session_id: 's1' };
    sockets[0].break();
    assert.deepEqual(statuses.at(-1), { state: 'reconnecting', retry_s: 1 });
    mock.timers.tick(1_000);
    await settle();
    sockets[1].accept();
    assert.deepEqual(sockets[1].sent, [{ type: 'hello', token: 'token-2', since_s: 41, session_id: 's1' }]);
});

test('backs off until a welcome, which resets the wait', async () => {
    const { sockets, statuses } = room();
    const waits = [];
    await settle();
    for (let i = 0; i < 3; i += 1) {
        sockets[i].break();
        waits.push(statuses.at(-1).retry_s);
        mock.timers.tick(8_000);
        await settle();
    }
    sockets[3].accept();
    sockets[3].deliver(WELCOME);
    sockets[3].break();
    assert.deepEqual([...waits, statuses.at(-1).retry_s], [1, 2, 4, 1]);
});

test('a silent server is a lost server', async () => {
    const { sockets, statuses } = room();
    await settle();
    sockets[0].accept();
    sockets[0].deliver(WELCOME);
    mock.timers.tick(14_999);
    assert.equal(statuses.at(-1).state, 'open');
    mock.timers.tick(1);
    assert.equal(statuses.at(-1).state, 'reconnecting');
    assert.ok(sockets[0].isClosed);
});

test('bye ends it: no reconnection', async () => {
    const { sockets, statuses, events } = room();
    await settle();
    sockets[0].accept();
    sockets[0].deliver(WELCOME);
    sockets[0].deliver({ type: 'bye', reason: 'replaced' });
    assert.deepEqual(statuses.at(-1), { state: 'closed', reason: 'replaced' });
    assert.equal(events.at(-1).type, 'bye');
    mock.timers.tick(60_000);
    await settle();
    assert.equal(sockets.length, 1);
});

test('a refused token ends it, any other failure is tried again', async () => {
    const refused = room({ getToken: async () => Promise.reject(new Refused('no')) });
    await settle();
    assert.deepEqual(refused.statuses.at(-1), { state: 'closed', reason: 'refused' });
    const offline = room({ getToken: async () => Promise.reject(new TypeError('offline')) });
    await settle();
    assert.deepEqual(offline.statuses.at(-1), { state: 'reconnecting', retry_s: 1 });
});

test('send tells whether the event went out', async () => {
    const { link, sockets } = room();
    await settle();
    assert.equal(link.send({ type: 'admit' }), false);
    sockets[0].accept();
    assert.equal(link.send({ type: 'admit' }), false, 'not before welcome');
    sockets[0].deliver(WELCOME);
    assert.equal(link.send({ type: 'admit' }), true);
    sockets[0].break();
    assert.equal(link.send({ type: 'admit' }), false);
});

test('closing says leave and stays closed', async () => {
    const { link, sockets, statuses } = room();
    await settle();
    sockets[0].accept();
    sockets[0].deliver(WELCOME);
    link.close();
    assert.deepEqual(sockets[0].sent.at(-1), { type: 'leave' });
    assert.deepEqual(statuses.at(-1), { state: 'closed', reason: 'left' });
});

test('closing while the token is on its way opens nothing', async () => {
    const { link, sockets } = room();
    link.close();
    await settle();
    assert.equal(sockets.length, 0);
});
