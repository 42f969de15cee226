import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { connect, Refused, socketUrl } from '../../web/static/js/socket.js';

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

/** The server is within reach. */
const REACH = {
    back: async () => {},
    onBack: () => () => {},
    onWake: () => () => {},
    close() {},
};

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
        reach: REACH,
        random: () => 0.5,
        ...options,
    });
    return { link, sockets, statuses, events };
};

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));
afterEach(() => mock.timers.reset());

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
    assert.deepEqual(statuses.at(-1), { state: 'reconnecting', isRestart: false });
    mock.timers.tick(100);
    await settle();
    sockets[1].accept();
    assert.deepEqual(sockets[1].sent, [{ type: 'hello', token: 'token-2', since_s: 41, session_id: 's1' }]);
});

test('backs off until a welcome, which resets the wait', async () => {
    const { sockets } = room();
    await settle();
    for (const [i, wait_ms] of [100, 500, 1_000, 2_000, 2_000].entries()) {
        sockets[i].break();
        mock.timers.tick(wait_ms - 1);
        await settle();
        assert.equal(sockets.length, i + 1);
        mock.timers.tick(1);
        await settle();
        assert.equal(sockets.length, i + 2);
    }
    sockets[5].accept();
    sockets[5].deliver(WELCOME);
    sockets[5].break();
    mock.timers.tick(100);
    await settle();
    assert.equal(sockets.length, 7);
});

test('is opened again only when the server is within reach', async () => {
    let arrive = () => {};
    const reach = { ...REACH, back: () => new Promise((resolve) => (arrive = resolve)) };
    const { sockets } = room({ reach });
    await settle();
    sockets[0].accept();
    sockets[0].deliver(WELCOME);
    sockets[0].break();
    mock.timers.tick(30_000);
    await settle();
    assert.equal(sockets.length, 1);
    arrive();
    await settle();
    assert.equal(sockets.length, 2);
});

test('when the network is back, a connection that stays silent for two seconds is none', async () => {
    let back = () => {};
    const reach = { ...REACH, onBack: (listener) => ((back = listener), () => {}) };
    const { sockets, statuses } = room({ reach });
    await settle();
    sockets[0].accept();
    sockets[0].deliver(WELCOME);
    back();
    assert.deepEqual(sockets[0].sent.at(-1), { type: 'ping' });
    sockets[0].deliver({ type: 'pong' });
    mock.timers.tick(3_000);
    assert.equal(statuses.at(-1).state, 'open');
    back();
    mock.timers.tick(2_000);
    assert.equal(statuses.at(-1).state, 'reconnecting');
});

test('a server that stops is waited for', async () => {
    const { sockets, statuses } = room();
    await settle();
    sockets[0].accept();
    sockets[0].deliver(WELCOME);
    sockets[0].deliver({ type: 'bye', reason: 'shutdown' });
    assert.deepEqual(statuses.at(-1), { state: 'reconnecting', isRestart: true });
    mock.timers.tick(100);
    await settle();
    sockets[1].break();
    assert.deepEqual(statuses.at(-1), { state: 'reconnecting', isRestart: true });
    mock.timers.tick(500);
    await settle();
    sockets[2].accept();
    sockets[2].deliver(WELCOME);
    sockets[2].break();
    assert.deepEqual(statuses.at(-1), { state: 'reconnecting', isRestart: false });
});

test('a silent server is a lost server', async () => {
    const { sockets, statuses } = room();
    await settle();
    sockets[0].accept();
    sockets[0].deliver(WELCOME);
    mock.timers.tick(9_999);
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
    const over = room({ getToken: async () => Promise.reject(new Refused('gone', 'ended')) });
    await settle();
    assert.deepEqual(over.statuses.at(-1), { state: 'closed', reason: 'ended' });
    const offline = room({ getToken: async () => Promise.reject(new TypeError('offline')) });
    await settle();
    assert.deepEqual(offline.statuses.at(-1), { state: 'reconnecting', isRestart: false });
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
