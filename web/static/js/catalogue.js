// What the signals are (the server writes the catalogue into the page), and their values as people read them.

import { UNKNOWN } from './format.js';

/**
 * @typedef {object} Definition what a signal is; pipeline/signals.py
 * @property {string} name group and quantity: `voice.hnr`
 * @property {string} label
 * @property {string} unit empty for plain numbers and for shares in [0, 1]
 * @property {string} group
 * @property {string} what one sentence
 * @property {number} digits
 * @property {number | null} low
 * @property {number | null} high
 * @property {boolean} is_experimental
 * @property {boolean} [has_baseline] false where a distance from the person's own beginning means nothing
 * @property {boolean} [is_detail] for researchers: in the summary's tables alone
 * @property {number | null} [benchmark] value that stands for the person's own beginning
 */

/** Groups in plain words. @type {Record<string, string>} */
const GROUP_NAMES = {
    voice: 'Sound of the voice',
    turns: 'Talking and pauses',
    voice_emotion: 'Voice network',
    words: 'Words',
    eyes: 'Blinks',
    gaze: 'Gaze',
    head: 'Head',
    expression: 'Movements of the face',
    pulse: 'Pulse',
    nonverbal: 'Taking part',
    levels: 'Three levels',
};

/** Groups whose values in [0, 1] are positions on a scale, not shares of something. */
const SCALES = ['nonverbal'];

/** @type {Record<string, string>} */
const UNIT_NAMES = { st: 'semitones', 'st/s': 'semitones/s', deg: '°', 'deg/s': '°/s', '1/min': 'a minute' };

/**
 * The catalogue that the page carries, in the order of showing; empty when it carries none.
 *
 * @returns {Definition[]}
 */
export function readCatalogue() {
    const text = document.getElementById('signal-catalogue')?.textContent;
    return text ? JSON.parse(text) : [];
}

/** @param {string} group */
export function groupName(group) {
    const words = group.replaceAll('_', ' ');
    return GROUP_NAMES[group] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * A value with its unit: "0.25 s", "38 %", "−3.1 dB".
 *
 * @param {Definition} definition
 * @param {number | null} value
 * @returns {string}
 */
export function shownValue(definition, value) {
    if (value === null) return UNKNOWN;
    if (isShare(definition)) return `${decimals(100 * value, Math.max(0, definition.digits - 2))} %`;
    const unit = UNIT_NAMES[definition.unit] ?? definition.unit;
    const space = unit === '' || unit.startsWith('°') ? '' : ' ';
    return `${decimals(value, definition.digits)}${space}${unit}`;
}

/**
 * A number with a real minus sign, and with no sign when it rounds to nothing.
 *
 * @param {number} value
 * @param {number} digits
 * @returns {string}
 */
export function decimals(value, digits) {
    const text = Math.abs(value).toFixed(digits);
    return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/**
 * The same with a plus sign: "+2.3".
 *
 * @param {number} value
 * @param {number} digits
 * @returns {string}
 */
export function signed(value, digits) {
    const text = decimals(value, digits);
    return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** @param {Definition} definition */
function isShare({ unit, low, high, group }) {
    return unit === '' && low === 0 && high === 1 && !SCALES.includes(group);
}
