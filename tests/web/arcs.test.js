import assert from 'node:assert/strict';
import { test } from 'node:test';

import { arcPath, gaugeAngle, pieSlices, pointAt } from '../../web/static/js/arcs.js';

const near = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);

test('0 degrees is up, 90 is right, y goes down', () => {
    near(pointAt(10, 0).y, -10);
    near(pointAt(10, 90).x, 10);
    near(pointAt(10, 180).y, 10);
});

test('the gauge is symmetrical, and values outside stand at its ends', () => {
    assert.equal(gaugeAngle(0.5), 0);
    assert.equal(gaugeAngle(0), -gaugeAngle(1));
    assert.equal(gaugeAngle(-3), gaugeAngle(0));
    assert.equal(gaugeAngle(1.2), gaugeAngle(1));
});

test('an arc of more than half a circle says so', () => {
    assert.match(arcPath(10, 0, 90), /^M0 -10A10 10 0 0 1 10 0$/);
    assert.match(arcPath(10, 0, 270), /A10 10 0 1 1 -10 0$/);
});

test('slices follow each other clockwise from the top and add up to the whole', () => {
    const slices = pieSlices([1, 2, 1], 10);
    assert.deepEqual(
        slices.map((slice) => slice.share),
        [0.25, 0.5, 0.25],
    );
    assert.deepEqual(
        slices.map((slice) => slice.middle_deg),
        [45, 180, 315],
    );
    assert.equal(slices[0].path, 'M0 0L0 -10A10 10 0 0 1 10 0Z');
});

test('a share of 0 has no slice, and a single share is a full circle', () => {
    const [none, all] = pieSlices([0, 7], 10);
    assert.equal(none.path, '');
    assert.equal(all.path.match(/A/g).length, 2);
    assert.deepEqual(
        pieSlices([0, 0], 10).map((slice) => slice.path),
        ['', ''],
    );
});
