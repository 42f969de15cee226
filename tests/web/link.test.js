// A WHIP or WHEP connection: what it sends, when it tries again, when it gives up.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { vp8First } from '../../web/static/js/call.js';
import { openLink } from '../../web/static/js/link.js';
import { transportPolicy } from '../../web/static/js/network.js';
import { backOffS } from '../../web/static/js/reach.js';

/** The part of a browser's connection that the link uses. */
class PeerConnection extends EventTarget {
    /** @type {PeerConnection[]} */
    static made = [];
    connectionState = 'new';
    iceGatheringState = 'complete';
    localDescription = { sdp: 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:u1\r\na=ice-pwd:p1\r\na=mid:0\r\na=candidate:1\r\n' };
    isClosed = false;
    /** @type {(() => void) | null} */
    onconnectionstatechange = null;
    /** @type {unknown} */
    answer = null;
    /** @param {RTCConfiguration} configuration */
    constructor(configuration) {
        super();
        this.configuration = configuration;
        PeerConnection.made.push(this);
    }
    async setLocalDescription() {}
    async setRemoteDescription(/** @type {unknown} */ answer) {
        this.answer = answer;
    }
    close() {
        this.isClosed = true;
    }
    /** @param {string} state */
    become(state) {
        this.connectionState = state;
        this.onconnectionstatechange?.();
    }
}

/** A server that can be out of reach. */
class Reach {
    isThere = true;
    /** @type {(() => void)[]} */
    waiting = [];
    /** @type {(() => void)[]} */
    onWakes = [];
    back() {
        if (this.isThere) return Promise.resolve();
        return new Promise((resolve) => this.waiting.push(() => resolve(undefined)));
    }
    return() {
        this.isThere = true;
        for (const resolve of this.waiting.splice(0)) resolve();
    }
    onBack = () => () => {};
    /** @param {() => void} listener */
    onWake(listener) {
        this.onWakes.push(listener);
        return () => {
            this.onWakes = [];
        };
    }
    close() {}
}

/** @type {Reach} */
let reach;
/** @type {{method: string, url: string, token: string, body?: string, etag?: string}[]} */
let requests = [];
/** @type {{status: number, headers?: Record<string, string>, body?: string}[]} answers to POST, the last one repeats */
let answers = [];
/** @type {[string, string | null][]} */
let states = [];
let nTokens = 0;

beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    PeerConnection.made = [];
    requests = [];
    answers = [{ status: 201, headers: { Location: '/whip/room/r1' }, body: 'answer' }];
    states = [];
    nTokens = 0;
    reach = new Reach();
    globalThis.RTCPeerConnection = /** @type {any} */ (PeerConnection);
    globalThis.addEventListener ??= () => {};
    globalThis.removeEventListener ??= () => {};
    globalThis.fetch = /** @type {any} */ (
        async (/** @type {string} */ url, /** @type {any} */ { method, headers, body: sent }) => {
            requests.push({ method, url, token: headers.Authorization });
            if (method === 'PATCH') Object.assign(requests.at(-1) ?? {}, { body: sent, etag: headers['If-Match'] });
            if (method !== 'POST') return { status: 200 };
            const {
                status,
                headers: given = {},
                body = '',
            } = (answers.length > 1 ? answers.shift() : answers[0]) ?? { status: 500 };
            return {
                status,
                text: async () => body,
                headers: new Headers(given),
                url: 'https://server.test/whip/room',
            };
        }
    );
});

afterEach(() => mock.timers.reset());

/** @param {{isReplaced?: boolean}} [how] */
function open(how = {}) {
    return openLink({
        ...how,
        reach,
        random: () => 0.5,
        url: '/whip/room',
        getToken: async () => `token${++nTokens}`,
        getIceServers: () => [{ urls: 'turn:t', username: `user${nTokens}`, credential: 'c' }],
        prepare() {},
        onstate: (state, message) => states.push([state, message]),
    });
}

/** Let everything that waits for promises go on. */
async function settle() {
    for (let i = 0; i < 30; i += 1) await Promise.resolve();
}

/** @param {number} seconds */
async function pass(seconds) {
    mock.timers.tick(seconds * 1000);
    await settle();
}

/** @param {number} index */
function peer(index) {
    const found = PeerConnection.made.at(index);
    assert.ok(found);
    return found;
}

/** The connection that is made next, or was made last, finds no address of its own. */
function peerWithoutAddress() {
    const { prototype } = PeerConnection;
    const original = prototype.setLocalDescription;
    prototype.setLocalDescription = async function () {
        this.localDescription = { sdp: 'v=0\r\n' };
        prototype.setLocalDescription = original;
    };
}

const posts = () => requests.filter(({ method }) => method === 'POST');
const deletes = () => requests.filter(({ method }) => method === 'DELETE');

test('an offer is posted with the token and the answer is used', async () => {
    const link = open();
    await settle();
    assert.deepEqual(posts(), [{ method: 'POST', url: '/whip/room', token: 'Bearer token1' }]);
    assert.deepEqual(peer(0).answer, { type: 'answer', sdp: 'answer' });
    peer(0).become('connected');
    assert.equal(link.state, 'live');
    assert.deepEqual(states, [['live', null]]);
});

test('closing deletes the resource and ends for good', async () => {
    const link = open();
    await settle();
    peer(0).become('connected');
    await link.close();
    assert.deepEqual(deletes(), [
        { method: 'DELETE', url: 'https://server.test/whip/room/r1', token: 'Bearer token1' },
    ]);
    assert.equal(link.state, 'closed');
    assert.ok(peer(0).isClosed);
    await pass(60);
    assert.equal(posts().length, 1);
});

test('a connection that came up is left alone', async () => {
    const link = open();
    await Promise.resolve();
    peer(0).become('connecting');
    await settle();
    peer(0).become('connecting');
    peer(0).become('connected');
    await pass(120);
    assert.equal(link.state, 'live');
    assert.equal(posts().length, 1);
});

test('a short interruption heals by itself', async () => {
    const link = open();
    await settle();
    peer(0).become('connected');
    reach.isThere = false;
    peer(0).become('disconnected');
    assert.equal(link.state, 'interrupted');
    await pass(30);
    reach.return();
    await settle();
    peer(0).become('connected');
    await pass(60);
    assert.equal(link.state, 'live');
    assert.equal(posts().length, 1);
});

test('a connection that does not heal within a second of the network is replaced, with a fresh token', async () => {
    const link = open();
    await settle();
    peer(0).become('connected');
    peer(0).become('disconnected');
    await settle();
    await pass(0.99);
    assert.ok(!peer(0).isClosed);
    await pass(0.01);
    assert.ok(peer(0).isClosed);
    await pass(0.1);
    assert.equal(posts().length, 2);
    assert.equal(posts()[1]?.token, 'Bearer token2');
    assert.equal(link.state, 'interrupted');
    peer(1).become('connected');
    assert.equal(link.state, 'live');
});

test('nothing is sent while the server is out of reach, and all at once when it is back', async () => {
    open();
    await settle();
    peer(0).become('connected');
    reach.isThere = false;
    peer(0).become('failed');
    await pass(45);
    assert.equal(posts().length, 1);
    reach.return();
    await settle();
    assert.equal(posts().length, 2);
});

test('an offer without any address is not sent; the next is made soon', async () => {
    const link = open();
    peerWithoutAddress();
    await settle();
    assert.equal(posts().length, 0);
    assert.equal(link.state, 'connecting');
    await pass(0.1);
    assert.equal(posts().length, 1);
});

test('a page that slept replaces its connection', async () => {
    open();
    await settle();
    peer(0).become('connected');
    for (const wake of reach.onWakes) wake();
    await pass(0.1);
    assert.equal(posts().length, 2);
});

test('a publication that is replaced is not ended first', async () => {
    const link = open({ isReplaced: true });
    await settle();
    peer(0).become('connected');
    peer(0).become('failed');
    await pass(0.1);
    assert.equal(posts().length, 2);
    assert.equal(deletes().length, 0);
    await link.close();
    assert.equal(deletes().length, 1, 'but leaving ends it');
});

test('addresses that are found after the offer follow it in one message', async () => {
    answers = [{ status: 201, headers: { Location: '/whip/room/r1', ETag: '"e1"' }, body: 'answer' }];
    open();
    await settle();
    for (const port of [1, 2]) {
        const candidate = { candidate: `candidate:1 1 udp 1 192.0.2.1 ${port} typ host`, sdpMid: '0' };
        peer(0).dispatchEvent(Object.assign(new Event('icecandidate'), { candidate }));
    }
    peer(0).dispatchEvent(Object.assign(new Event('icecandidate'), { candidate: null }));
    await pass(0.05);
    const [patch, ...others] = requests.filter(({ method }) => method === 'PATCH');
    assert.equal(others.length, 0);
    assert.equal(patch?.url, 'https://server.test/whip/room/r1');
    assert.equal(patch?.etag, '"e1"');
    assert.deepEqual(patch?.body?.split('\r\n'), [
        'a=ice-ufrag:u1',
        'a=ice-pwd:p1',
        'm=audio 9 UDP/TLS/RTP/SAVPF 111',
        'a=mid:0',
        'a=candidate:1 1 udp 1 192.0.2.1 1 typ host',
        'a=candidate:1 1 udp 1 192.0.2.1 2 typ host',
        '',
    ]);
});

test('each attempt uses the TURN credentials that came with its token', async () => {
    open();
    await settle();
    assert.equal(peer(0).configuration.iceServers?.[0]?.username, 'user1');
    peer(0).become('failed');
    await pass(1);
    assert.equal(peer(1).configuration.iceServers?.[0]?.username, 'user2');
    assert.equal(peer(1).configuration.iceTransportPolicy, 'all');
});

test('a page can be told to go through TURN alone', () => {
    assert.equal(transportPolicy('?network=relay'), 'relay');
    assert.equal(transportPolicy('?network=anything'), 'all');
    assert.equal(transportPolicy(''), 'all');
    assert.equal(transportPolicy(), 'all');
});

test('a failed connection is replaced without waiting for five seconds', async () => {
    open();
    await settle();
    peer(0).become('connected');
    peer(0).become('failed');
    await pass(1);
    assert.equal(posts().length, 2);
});

test('attempts that fail in a row wait longer and longer, at most 2 s in the first minute', async () => {
    answers = [{ status: 500 }];
    open();
    await settle();
    for (const [nPosts, wait] of [
        [1, 0.1],
        [2, 0.5],
        [3, 1],
        [4, 2],
        [5, 2],
    ]) {
        assert.equal(posts().length, nPosts);
        await pass((wait ?? 0) - 0.01);
        assert.equal(posts().length, nPosts);
        await pass(0.01);
    }
    assert.equal(posts().length, 6);
});

test('a server that is full or stopping is waited for, with its words', async () => {
    const busy = { status: 503, headers: { 'Retry-After': '4' } };
    answers = [
        { ...busy, body: '{"error": "unavailable", "message": "The server is being restarted."}' },
        { ...busy, body: '{"error": "unavailable", "message": "The server is full."}' },
        { status: 201, headers: { Location: '/whip/room/r1' }, body: 'answer' },
    ];
    open();
    await settle();
    await pass(4);
    assert.deepEqual(states, [
        ['waiting', 'The server is being restarted.'],
        ['waiting', 'The server is full.'],
    ]);
    await pass(4);
    peer(2).become('connected');
    assert.deepEqual(states.at(-1), ['live', null]);
});

test('the server may say how long to wait', async () => {
    answers = [{ status: 409, headers: { 'Retry-After': '3' }, body: '{"message": "Nobody publishes here."}' }];
    const link = open();
    await settle();
    assert.equal(link.state, 'waiting');
    assert.deepEqual(states, [['waiting', 'Nobody publishes here.']]);
    await pass(2.99);
    assert.equal(posts().length, 1);
    await pass(0.01);
    assert.equal(posts().length, 2);
});

test('a server that forbids it is not asked again', async () => {
    answers = [{ status: 403, body: '{"error": "forbidden", "message": "Not admitted."}' }];
    const link = open();
    await settle();
    await pass(60);
    assert.equal(link.state, 'refused');
    assert.deepEqual(states, [['refused', 'Not admitted.']]);
    assert.equal(posts().length, 1);
});

test('an expired token is replaced once, a second no is final', async () => {
    answers = [{ status: 401 }];
    const link = open();
    await settle();
    await pass(1);
    assert.equal(posts().length, 2);
    assert.equal(link.state, 'refused');
});

test('an answer that never becomes a connection is tried again', async () => {
    open();
    await settle();
    await pass(5);
    await pass(0.1);
    assert.equal(posts().length, 2);
    assert.equal(deletes().length, 1, 'the half-made one is given back');
});

test('a resource that is answered after closing is given back', async () => {
    const link = open();
    await Promise.resolve();
    await link.close();
    await settle();
    assert.equal(posts().length, deletes().length);
});

test('Retry-After is bounded and nonsense is ignored', () => {
    const random = () => 0.5;
    assert.equal(backOffS(1, { retryAfter: '3' }), 3);
    assert.equal(backOffS(1, { retryAfter: '100000' }), 60);
    assert.equal(backOffS(1, { retryAfter: '0' }), 0.2);
    assert.equal(backOffS(2, { retryAfter: 'soon', random }), 0.5);
    assert.equal(backOffS(9, { random }), 2);
    assert.equal(backOffS(9, { lost_s: 61, random }), 8);
});

test('pages do not all come at the same moment', () => {
    assert.equal(backOffS(9, { random: () => 0 }), 1.6);
    assert.ok(Math.abs(backOffS(9, { random: () => 1 }) - 2.4) < 1e-9);
});

test('VP8 comes first, H.264 next, the rest keeps its order', () => {
    const codecs = ['video/VP9', 'video/rtx', 'video/H264', 'video/VP8', 'video/red'].map((mimeType) => ({ mimeType }));
    assert.deepEqual(
        vp8First(codecs).map(({ mimeType }) => mimeType),
        ['video/VP8', 'video/H264', 'video/VP9', 'video/rtx', 'video/red'],
    );
});
