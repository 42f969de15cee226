// Asking for devices: both in one question, then one by one; off releases; an end that nobody asked for is noticed.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { createLocalMedia } from '../../web/static/js/local_media.js';

class Track extends EventTarget {
    /** @param {string} kind */
    constructor(kind) {
        super();
        this.kind = kind;
        this.readyState = 'live';
    }
    stop() {
        this.readyState = 'ended';
    }
    /** As the browser does when a device is unplugged. */
    unplug() {
        this.readyState = 'ended';
        this.dispatchEvent(new Event('ended'));
    }
}

/** @type {string[][]} */
let asked = [];
/** @type {Record<string, string>} kind to the name of the error that asking for it gives */
let failing = {};
/** @type {Map<string, string>} */
let stored = new Map();
const memory = /** @type {any} */ ({
    getItem: (/** @type {string} */ key) => stored.get(key) ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => stored.set(key, value),
});

beforeEach(() => {
    asked = [];
    failing = {};
    stored = new Map();
    globalThis.isSecureContext = true;
    globalThis.MediaStream = /** @type {any} */ (
        class {
            /** @param {Track[]} tracks */
            constructor(tracks) {
                this.getTracks = () => tracks;
            }
        }
    );
    const mediaDevices = Object.assign(new EventTarget(), {
        async getUserMedia(/** @type {object} */ constraints) {
            const kinds = Object.keys(constraints);
            asked.push(kinds);
            const bad = kinds.find((kind) => failing[kind] !== undefined);
            if (bad !== undefined) throw Object.assign(new Error(), { name: failing[bad] });
            return { getTracks: () => kinds.map((kind) => new Track(kind)) };
        },
    });
    Object.defineProperty(globalThis, 'navigator', { value: { mediaDevices, userAgent: '' }, configurable: true });
});

function create() {
    return createLocalMedia({ isAnalysed: () => true, memory });
}

test('both devices are asked for in one question', async () => {
    const media = create();
    await media.start();
    assert.deepEqual(asked, [['audio', 'video']]);
    assert.equal(media.stream().getTracks().length, 2);
});

test('a camera that fails leaves the microphone working, with a sentence for the camera', async () => {
    failing = { video: 'NotReadableError' };
    const media = create();
    await media.start();
    assert.deepEqual(asked, [['audio', 'video'], ['audio'], ['video']]);
    assert.equal(media.devices.audio.problem, null);
    assert.equal(media.devices.audio.track?.readyState, 'live');
    assert.equal(media.devices.video.problem?.code, 'in-use');
    assert.equal(media.devices.video.track, null);
});

test('trying again after the trouble is over works and clears the sentence', async () => {
    failing = { video: 'NotFoundError' };
    const media = create();
    await media.start();
    failing = {};
    await media.retry('video');
    assert.equal(media.devices.video.problem, null);
    assert.equal(media.devices.video.track?.readyState, 'live');
});

test('switching the camera off stops its track, so that its light goes out', async () => {
    const media = create();
    await media.start();
    const track = media.devices.video.track;
    await media.setWanted('video', false);
    assert.equal(track?.readyState, 'ended');
    assert.equal(media.devices.video.track, null);
    assert.equal(media.devices.video.problem, null);
});

test('stop releases everything, also what is still being opened', async () => {
    const media = create();
    await media.start();
    const tracks = /** @type {any[]} */ (media.stream().getTracks());
    media.stop();
    assert.deepEqual(
        tracks.map((track) => track.readyState),
        ['ended', 'ended'],
    );

    const opening = media.start();
    media.stop();
    await opening;
    assert.equal(media.devices.audio.track, null);
    assert.equal(media.devices.video.track, null);
});

test('after stop nothing that is plugged in turns a camera on', async () => {
    const media = create();
    await media.start();
    /** @type {any} */ (media.devices.video.track).unplug();
    media.stop();
    assert.equal(media.devices.video.problem, null);
    const before = asked.length;
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(asked.length, before);
});

test('a failure that comes after stop asks for nothing more and leaves no problem', async () => {
    failing = { video: 'NotFoundError' };
    const media = create();
    const opening = media.start();
    media.stop();
    await opening;
    assert.deepEqual(asked, [['audio', 'video']]);
    assert.equal(media.devices.video.problem, null);
});

test('what is opened again after stop is followed again', async () => {
    const media = create();
    media.stop();
    await media.start();
    /** @type {any} */ (media.devices.audio.track).unplug();
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(media.devices.audio.track?.readyState, 'live');
});

test('an unplugged device is told', async () => {
    const media = create();
    await media.start();
    /** @type {(string | null)[]} */
    const changes = [];
    media.onchange = (kind) => changes.push(kind);
    /** @type {any} */ (media.devices.audio.track).unplug();
    assert.equal(media.devices.audio.problem?.code, 'stopped');
    assert.deepEqual(changes, ['audio']);
});

test('choices survive a reload', async () => {
    const media = create();
    await media.choose('audio', 'headset');
    await media.setWanted('video', false);
    const again = create();
    assert.equal(again.devices.audio.deviceId, 'headset');
    assert.equal(again.devices.video.isWanted, false);
    await again.start();
    assert.deepEqual(asked.at(-1), ['audio']);
});

test('without encryption nothing is asked and the reason is given', async () => {
    globalThis.isSecureContext = false;
    const media = create();
    await media.start();
    assert.deepEqual(asked, []);
    assert.equal(media.devices.audio.problem?.code, 'insecure');
    assert.equal(media.devices.video.problem?.code, 'insecure');
});

test('a microphone that was unplugged is taken again when it is back; the camera goes on meanwhile', async () => {
    const media = create();
    await media.start();
    const camera = media.devices.video.track;
    /** @type {any} */ (media.devices.audio.track).unplug();
    assert.equal(media.devices.audio.problem?.code, 'stopped');
    assert.equal(media.devices.video.track, camera);

    failing = { audio: 'NotFoundError' };
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(media.devices.audio.problem?.code, 'missing');

    failing = {};
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(media.devices.audio.track?.readyState, 'live');
    assert.equal(media.devices.audio.problem, null);
    assert.equal(media.devices.video.track, camera);
});

test('a device that is switched off, or forbidden, is not asked for because another was plugged in', async () => {
    failing = { video: 'NotAllowedError' };
    const media = create();
    await media.start();
    await media.setWanted('audio', false);
    const before = asked.length;
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(asked.length, before);
});
