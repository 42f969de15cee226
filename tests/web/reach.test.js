// The one question of a page: is the server there?
import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { createReach } from '../../web/static/js/reach.js';

let now_ms = 0;
let nAsked = 0;
/** @type {(limit_s: number, signal: AbortSignal) => Promise<boolean>} */
let ask = async () => true;
/** @type {import('../../web/static/js/reach.js').Reach} */
let reach;

beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    now_ms = 1_000_000;
    nAsked = 0;
    ask = async () => true;
    /** @type {typeof ask} */
    const counted = (limit_s, signal) => {
        nAsked += 1;
        return ask(limit_s, signal);
    };
    reach = createReach({ ask: counted, random: () => 0.5, now_ms: () => now_ms });
});
afterEach(() => {
    reach.close();
    mock.timers.reset();
});

const settle = async () => {
    for (let i = 0; i < 10; i += 1) await Promise.resolve();
};

/** @param {number} seconds in steps of a tenth, as promises need */
async function pass(seconds) {
    for (let i = 0; i < Math.round(seconds * 10); i += 1) {
        now_ms += 100;
        mock.timers.tick(100);
        await settle();
    }
}

test('it asks nothing unless somebody waits', async () => {
    await pass(30);
    assert.equal(nAsked, 0);
    await reach.back();
    await pass(30);
    assert.equal(nAsked, 1);
});

test('all who wait are served by one answer', async () => {
    /** @type {string[]} */
    const served = [];
    let isThere = false;
    let nBacks = 0;
    reach.onBack(() => (nBacks += 1));
    ask = async () => isThere;
    void reach.back().then(() => served.push('a'));
    await pass(10);
    void reach.back().then(() => served.push('b'));
    await pass(10);
    assert.deepEqual(served, []);
    assert.ok(nAsked >= 24 && nAsked <= 27, `asked ${nAsked} times in 20 s`);
    isThere = true;
    await pass(0.8);
    assert.deepEqual(served, ['a', 'b']);
    assert.equal(nBacks, 1);
});

/** A server that does not answer: the question settles when it must. */
const silence = (/** @type {number} */ limit_s, /** @type {AbortSignal} */ signal) =>
    new Promise((_, reject) => {
        setTimeout(() => reject(new TypeError('silence')), limit_s * 1000);
        signal.addEventListener('abort', () => reject(new TypeError('aborted')));
    });

test('one question at a time, each given up soon, later ones with time for the throttle of the browser', async () => {
    /** @type {number[]} */
    const limits = [];
    /** @type {typeof ask} */
    const asked = (limit_s, signal) => {
        limits.push(limit_s);
        return silence(limit_s, signal);
    };
    ask = asked;
    let isBack = false;
    void reach.back().then(() => (isBack = true));
    await pass(45);
    assert.ok(limits.length >= 11 && limits.length <= 16, `${limits.length} questions in 45 s`);
    assert.deepEqual([limits[0], limits[9], limits[10]], [2, 2, 6.5]);
    ask = async () => true;
    await pass(7);
    assert.ok(isBack);
    ask = asked;
    void reach.back();
    await pass(1);
    assert.equal(limits.at(-1), 2);
});

test('when the browser says that it is online a question that hangs is dropped for a new one', async () => {
    // Node's global object is no event target.
    const online = new EventTarget();
    Object.assign(globalThis, {
        addEventListener: online.addEventListener.bind(online),
        removeEventListener: online.removeEventListener.bind(online),
    });
    const other = createReach({ ask: (limit_s, signal) => ask(limit_s, signal), now_ms: () => now_ms });
    ask = silence;
    let isBack = false;
    void other.back().then(() => (isBack = true));
    await pass(0.5);
    ask = async () => true;
    online.dispatchEvent(new Event('online'));
    await settle();
    assert.ok(isBack);
    other.close();
    Object.assign(globalThis, { addEventListener: undefined, removeEventListener: undefined });
});

test('after a minute it asks less often', async () => {
    ask = () => Promise.reject(new TypeError('offline'));
    void reach.back();
    await pass(62);
    const before = nAsked;
    await pass(30);
    assert.equal(nAsked - before, 10);
});

test('a clock that jumped is a sleep', async () => {
    let nWakes = 0;
    reach.onWake(() => (nWakes += 1));
    await pass(30);
    assert.equal(nWakes, 0);
    now_ms += 20_000;
    await pass(2);
    assert.equal(nWakes, 1);
});
