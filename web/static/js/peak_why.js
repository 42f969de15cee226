// Why there is a peak: parts that add up to its rise, also as they are shown. Pure.

import { decimals, shownValue, signed } from './catalogue.js';
import { measuredDeviation } from './deviation.js';
import { percent } from './format.js';
import { signalName } from './words.js';

/** @typedef {import('./catalogue.js').Definition} Definition */

/**
 * @typedef {object} Why
 * @property {number} rise stress at the peak less its mean over the half minute up to it
 * @property {{signal: string, amount: number}[]} parts which add up to it
 * @property {{name: string, z: number, value: number, quality?: number}[]} moved evidence beside the score
 */

/** So many parts are named; the rest is summed up. */
const PARTS_SHOWN = 5;
const DIGITS = 2;

/**
 * @param {Why} why
 * @returns {{key: string, label: string, amount: number, text: string}[]} the shown amounts add up to the shown rise
 */
export function whyParts({ rise, parts }) {
    const sorted = parts.toSorted((a, b) => Math.abs(b.amount) - Math.abs(a.amount));
    const rows = sorted.slice(0, PARTS_SHOWN).map(({ signal, amount }) => ({
        key: signal,
        label: signalName(signal),
        amount,
    }));
    if (parts.length > PARTS_SHOWN) {
        const named = rows.reduce((sum, row) => sum + row.amount, 0);
        rows.push({ key: 'rest', label: 'All others', amount: rise - named });
    }
    const shown = roundedToSum(
        rows.map((row) => row.amount),
        rise,
        DIGITS,
    );
    return rows.map((row, i) => ({ ...row, text: signed(shown[i] ?? 0, DIGITS) }));
}

/** @param {Why} why */
export function riseWords({ rise }) {
    return `${decimals(rise, DIGITS)} above its mean of the half minute up to it. It is made up of:`;
}

/**
 * "Pitch 92.1 semitones, above usual (+2.4), quality 83 %".
 *
 * @param {Definition[]} catalogue
 * @param {Why} why
 * @returns {{key: string, text: string}[]}
 */
export function whyMoved(catalogue, { moved }) {
    const known = new Map(catalogue.map((definition) => [definition.name, definition]));
    return moved.flatMap(({ name, z, value, quality }) => {
        const definition = known.get(name);
        if (definition === undefined) return [];
        const parts = [`${definition.label} ${shownValue(definition, value)}`, measuredDeviation(definition, z)];
        if (quality !== undefined) parts.push(`quality ${percent(quality)}`);
        return [{ key: name, text: parts.join(', ') }];
    });
}

/**
 * Round numbers so that they add up to their rounded total: those that lose most by it go up (Hamilton's method).
 *
 * @param {number[]} amounts
 * @param {number} total what they add up to
 * @param {number} digits
 * @returns {number[]}
 */
export function roundedToSum(amounts, total, digits) {
    const unit = 10 ** digits;
    const exact = amounts.map((amount) => amount * unit);
    const whole = exact.map(Math.floor);
    let missing = Math.round(total * unit) - whole.reduce((sum, amount) => sum + amount, 0);
    const order = exact.map((amount, i) => ({ i, lost: amount - (whole[i] ?? 0) })).sort((a, b) => b.lost - a.lost);
    for (const { i } of order) {
        if (missing <= 0) break;
        whole[i] = (whole[i] ?? 0) + 1;
        missing -= 1;
    }
    return whole.map((amount) => amount / unit);
}
