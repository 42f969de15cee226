// The summary's figures by question, turned so that each signal is a row. Pure.

import { groupName, shownValue } from './catalogue.js';
import { measuredDeviation, MOVED_Z } from './deviation.js';
import { percent } from './format.js';

/** @typedef {import('./catalogue.js').Definition} Definition */

/**
 * @typedef {object} Figures
 * @property {string} name
 * @property {number | null} median
 * @property {number | null} z
 * @property {number} coverage share of the stretch in which it was known well enough, in [0, 1]
 *
 * @typedef {object} Stretch
 * @property {string | null} question_id null for the whole session
 * @property {string} label
 * @property {number} from_s
 * @property {number} to_s
 * @property {Figures[]} signals
 *
 * @typedef {object} Cell
 * @property {number | null} median
 * @property {string} value
 * @property {number | null} z
 * @property {string} deviation
 * @property {string} coverage
 *
 * @typedef {{definition: Definition, cells: Cell[]}} SignalRow
 */

/** Pictures of a moment have no middle over a session. */
const NOT_SUMMED = ['gaze.zone'];

/** Where the details for researchers stand: in a group of their own, after all others. */
const DETAILS = { key: 'details', label: 'Details for researchers' };

/** A figure of less of a stretch than this is not named among what moved. */
const MIN_COVERAGE = 0.2;

const MAX_MOVED = 5;

/**
 * Short heads: "Whole session", "Q2"; a question that was asked twice has "Q2" and "Q2 again".
 *
 * @param {Stretch[]} stretches
 * @param {{id: string}[]} questions
 * @returns {string[]}
 */
export function stretchHeads(stretches, questions) {
    /** @type {Set<string>} */
    const seen = new Set();
    return stretches.map(({ question_id, label }) => {
        if (question_id === null) return label;
        const number = questions.findIndex(({ id }) => id === question_id) + 1;
        const head = number > 0 ? `Q${number}` : label;
        const again = seen.has(question_id) ? `${head} again` : head;
        seen.add(question_id);
        return again;
    });
}

/**
 * Signals as rows with a cell for each stretch, in groups; signals that were never known are left out.
 *
 * @param {Definition[]} catalogue
 * @param {Stretch[]} stretches
 * @returns {{key: string, label: string, rows: SignalRow[]}[]}
 */
export function signalGroups(catalogue, stretches) {
    const figures = stretches.map(({ signals }) => new Map(signals.map((item) => [item.name, item])));
    /** @type {Map<string, {key: string, label: string, rows: SignalRow[]}>} */
    const groups = new Map();
    for (const definition of catalogue) {
        if (NOT_SUMMED.includes(definition.name)) continue;
        const cells = figures.map((of) => tableCell(definition, of.get(definition.name)));
        if (cells.every(({ median }) => median === null)) continue;
        const key = definition.is_detail === true ? DETAILS.key : definition.group;
        const label = definition.is_detail === true ? DETAILS.label : groupName(key);
        const group = groups.get(key) ?? { key, label, rows: [] };
        groups.set(key, group);
        group.rows.push({ definition, cells });
    }
    const found = [...groups.values()];
    return [...found.filter(({ key }) => key !== DETAILS.key), ...found.filter(({ key }) => key === DETAILS.key)];
}

/**
 * What moved most in a stretch against the person's own beginning, by distance times coverage.
 *
 * @param {Definition[]} catalogue
 * @param {Stretch} stretch
 * @returns {{definition: Definition, cell: Cell}[]}
 */
export function movedIn(catalogue, stretch) {
    const figures = new Map(stretch.signals.map((item) => [item.name, item]));
    return catalogue
        .flatMap((definition) => {
            const found = figures.get(definition.name);
            if (found === undefined || definition.is_detail === true || found.z === null || found.median === null)
                return [];
            const isFar = Math.abs(found.z) >= MOVED_Z && found.coverage >= MIN_COVERAGE;
            const weight = Math.abs(found.z) * found.coverage;
            return isFar ? [{ definition, cell: tableCell(definition, found), weight }] : [];
        })
        .sort((a, b) => b.weight - a.weight)
        .slice(0, MAX_MOVED);
}

/**
 * @param {Definition} definition
 * @param {Figures | undefined} found
 * @returns {Cell}
 */
function tableCell(definition, found) {
    const median = found?.median ?? null;
    const z = found?.z ?? null;
    return {
        median,
        value: shownValue(definition, median),
        z,
        deviation: median === null || z === null ? '' : measuredDeviation(definition, z),
        coverage: percent(found?.coverage ?? 0),
    };
}
