import assert from 'node:assert/strict';
import { test } from 'node:test';

import { between, columnsOf, decimated, gapSpans, merged, twinRows } from '../../web/static/js/series.js';
import { estimate } from './estimates.js';

const run = (from, to, value = () => 0.5) =>
    Array.from({ length: to - from }, (_, i) => estimate(from + i, value(from + i)));

test('merging keeps the order, and each time once with the later message', () => {
    const known = [estimate(1, 0.1), estimate(2, 0.2)];
    const both = merged(known, [estimate(4, 0.4), estimate(2, 0.9), estimate(3, 0.3)]);
    assert.deepEqual(
        both.map(({ t_s, stress }) => [t_s, stress.value]),
        [
            [1, 0.1],
            [2, 0.9],
            [3, 0.3],
            [4, 0.4],
        ],
    );
    assert.deepEqual(
        merged(known, [estimate(3, 0.3)]).map(({ t_s }) => t_s),
        [1, 2, 3],
    );
});

test('missing estimates break the line', () => {
    const columns = columnsOf([...run(0, 3), ...run(10, 12)]);
    assert.deepEqual(columns.t_s, [0, 1, 2, 3, 10, 11]);
    assert.deepEqual(columns.stress, [0.5, 0.5, 0.5, null, 0.5, 0.5]);
    assert.deepEqual(gapSpans(columns), [{ from_s: 2, to_s: 10 }]);
});

test('unknown stress is a gap from the last known to the next known value, also at the ends', () => {
    const known = (t) => (t < 2 || (t > 4 && t < 7) || t > 8 ? null : 0.5);
    assert.deepEqual(gapSpans(columnsOf(run(0, 11, known))), [
        { from_s: 0, to_s: 2 },
        { from_s: 4, to_s: 7 },
        { from_s: 8, to_s: 10 },
    ]);
});

test('no gap in a whole series, none in an empty one', () => {
    assert.deepEqual(gapSpans(columnsOf(run(0, 5))), []);
    assert.deepEqual(gapSpans(columnsOf([])), []);
});

test('a stretch comes with one row on either side', () => {
    const columns = between(columnsOf(run(0, 100)), 20, 30);
    assert.equal(columns.t_s[0], 19);
    assert.equal(columns.t_s.at(-1), 31);
    assert.equal(columns.stress.length, columns.t_s.length);
    assert.deepEqual(between(columns, 500, 600).t_s, []);
});

test('decimation keeps peaks, dips, gaps and the order', () => {
    const value = (t) => (t === 1234 ? 0.99 : t === 2345 ? 0.01 : t === 3456 ? null : 0.4 + 0.1 * Math.sin(t));
    const columns = decimated(columnsOf(run(0, 7200, value)), 900);
    assert.ok(columns.t_s.length <= 900, `${columns.t_s.length} rows`);
    assert.ok(columns.stress.includes(0.99));
    assert.ok(columns.stress.includes(0.01));
    assert.equal(columns.stress[columns.t_s.indexOf(3456)], null);
    assert.deepEqual(
        columns.t_s,
        columns.t_s.toSorted((a, b) => a - b),
    );
});

test('few rows stay as they are', () => {
    const columns = columnsOf(run(0, 10));
    assert.equal(decimated(columns, 10), columns);
});

test('the table twin says mean, extremes and how much was known', () => {
    const value = (t) => (t < 10 ? (t % 2 ? 0.2 : 0.4) : t < 15 ? null : 0.8);
    const rows = twinRows(columnsOf(run(0, 20, value)), 0, 20, 2);
    assert.equal(rows.length, 2);
    assert.ok(Math.abs(rows[0].mean - 0.3) < 1e-9);
    assert.deepEqual([rows[0].least, rows[0].most, rows[0].known], [0.2, 0.4, 1]);
    assert.deepEqual([rows[1].band, rows[1].known], ['high', 0.5]);
});

test('an unknown stretch of the table has no numbers', () => {
    const [row] = twinRows(columnsOf(run(0, 5, () => null)), 0, 5, 1);
    assert.deepEqual([row.mean, row.least, row.most, row.band, row.known], [null, null, null, null, 0]);
});
