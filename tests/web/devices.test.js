// Every way in which a camera or a microphone can fail has its own plain sentence.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { appliedAudio, constraintsFor, environmentProblem, explain, stopped } from '../../web/static/js/devices.js';

const ERRORS = [
    'NotAllowedError',
    'NotFoundError',
    'NotReadableError',
    'OverconstrainedError',
    'SecurityError',
    'AbortError',
    'SomethingNewError',
];

/** @param {string} name */
function failure(name) {
    return Object.assign(new Error('as the browser words it'), { name });
}

test('each error of getUserMedia has its own sentence, which names the device and says what to do', () => {
    for (const [kind, device] of /** @type {const} */ ([
        ['audio', 'microphone'],
        ['video', 'camera'],
    ])) {
        const problems = ERRORS.map((name) => explain(failure(name), kind));
        assert.equal(new Set(problems.map(({ sentence }) => sentence)).size, ERRORS.length);
        assert.equal(new Set(problems.map(({ code }) => code)).size, ERRORS.length);
        for (const { sentence, help } of problems) {
            assert.match(sentence, new RegExp(device));
            assert.match(sentence, /\.$/);
            assert.ok(help.length > 20);
            assert.doesNotMatch(sentence + help, /Error|getUserMedia|as the browser words it/);
        }
    }
});

test('what is thrown and is no error still gets a sentence', () => {
    assert.equal(explain('odd', 'video').code, 'unknown');
    assert.equal(explain(null, 'audio').code, 'unknown');
});

test('a page without encryption says so and how to mend it', () => {
    const problem = environmentProblem({ isSecureContext: false, navigator: { userAgent: '' } });
    assert.equal(problem?.code, 'insecure');
    assert.match(problem?.help ?? '', /https/);
});

test('a browser inside another app says to open the page in a real one', () => {
    const userAgent = 'Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS;FBAV/400.0]';
    assert.equal(environmentProblem({ isSecureContext: true, navigator: { userAgent } })?.code, 'in-app');
    const old = environmentProblem({ isSecureContext: true, navigator: { userAgent: 'Old/1.0' } });
    assert.equal(old?.code, 'unsupported');
    assert.match(old?.help ?? '', /Safari, Chrome, Edge or Firefox/);
});

test('a browser with devices has no problem', () => {
    const mediaDevices = { getUserMedia() {} };
    assert.equal(environmentProblem({ isSecureContext: true, navigator: { mediaDevices, userAgent: '' } }), null);
});

test('a device that stops is told apart from one that never worked', () => {
    assert.equal(stopped('video').code, 'stopped');
    assert.match(stopped('audio').sentence, /microphone/);
});

test('audio is left as it is when the voice is measured, and echo cancellation stays on', () => {
    const measured = constraintsFor('audio', { deviceId: '', isAnalysed: true });
    assert.deepEqual(measured, { echoCancellation: true, autoGainControl: false, noiseSuppression: false });
    const plain = constraintsFor('audio', { deviceId: 'abc', isAnalysed: false });
    assert.deepEqual(plain, {
        deviceId: { exact: 'abc' },
        echoCancellation: true,
        autoGainControl: true,
        noiseSuppression: true,
    });
});

test('only processing that the browser reports is passed on: unknown is not off', () => {
    const track = {
        getSettings: () => ({ echoCancellation: true, noiseSuppression: undefined, deviceId: 'x', sampleRate: 48000 }),
    };
    assert.deepEqual(appliedAudio(/** @type {any} */ (track)), { echoCancellation: true, sampleRate: 48000 });
    assert.deepEqual(appliedAudio(null), {});
});
