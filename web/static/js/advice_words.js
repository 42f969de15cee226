// What a recommendation rests on, in words. Pure.

import { shownValue, signed } from './catalogue.js';
import { measuredDeviation } from './deviation.js';
import { percent, share } from './format.js';

/** @typedef {import('./catalogue.js').Definition} Definition */
/** @typedef {import('./protocol.js').Advice} Advice */

/** What is no signal of the catalogue. @type {Record<string, (value: number) => string>} */
const OTHERS = {
    stress: (value) => `stress ${share(value)}`,
    'stress.rise': (value) => `change of stress ${signed(value, 2)}`,
    'face.quality': (value) => `quality of the face ${percent(value)}`,
    'voice.quality': (value) => `quality of the voice ${percent(value)}`,
};

/**
 * "Rests on: stress 0.62, change of stress +0.14".
 *
 * @param {Definition[]} catalogue
 * @param {Advice} advice
 * @returns {string}
 */
export function restsOn(catalogue, { evidence }) {
    const parts = evidence.map(({ name, value, z }) => {
        const other = OTHERS[name];
        if (other !== undefined) return other(value);
        const definition = catalogue.find((item) => item.name === name);
        if (definition === undefined) return name.replaceAll(/[._]/g, ' ');
        const deviation = z === null ? '' : `, ${measuredDeviation(definition, z)}`;
        return `${definition.label.toLowerCase()} ${shownValue(definition, value)}${deviation}`;
    });
    return `Rests on: ${parts.join('; ')}`;
}
