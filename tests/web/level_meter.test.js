// The level of one's own microphone.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HEARD_PERCENT, levelPercent } from '../../web/static/js/level_meter.js';

/** @param {number} amplitude */
function sine(amplitude) {
    return Float32Array.from({ length: 2048 }, (_, i) => amplitude * Math.sin(i / 5));
}

test('silence and no samples are an empty bar', () => {
    assert.equal(levelPercent(new Float32Array(2048)), 0);
    assert.equal(levelPercent(new Float32Array(0)), 0);
});

test('speech counts as heard, the noise of a quiet room does not', () => {
    assert.ok(levelPercent(sine(0.1)) > HEARD_PERCENT);
    assert.ok(levelPercent(sine(0.002)) < HEARD_PERCENT);
});

test('the bar grows with loudness and is never longer than full', () => {
    const levels = [0.001, 0.01, 0.1, 0.3, 1].map((amplitude) => levelPercent(sine(amplitude)));
    assert.deepEqual(
        levels,
        [...levels].sort((a, b) => a - b),
    );
    assert.equal(levels.at(-1), 100);
});
