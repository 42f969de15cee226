// Rows of labelled bars: the sources with their worth, the seven expressions, the parts of the value.

import { make, setText, syncList } from './elements.js';
import { age, percent, share, UNKNOWN } from './format.js';
import {
    capitalised,
    EMOTIONS,
    emotionName,
    EYE_EMOTIONS,
    LEVELS,
    levelName,
    qualityWord,
    reasonWords,
    signalName,
} from './words.js';

/** @typedef {import('./protocol.js').Estimate} Estimate */
/** @typedef {import('./protocol.js').Reading} Reading */
/** @typedef {import('./words.js').Source} Source */

/** So many parts of a value are shown; the rest is summed up. */
const PARTS_SHOWN = 5;

/**
 * @typedef {object} Bar
 * @property {string} key for the colour (data-key) and identity
 * @property {string} label
 * @property {number | null} value in [0, 1]; null draws a hatched bar
 * @property {string} text
 */

/**
 * Show bars in a list element, made on first use.
 *
 * @param {HTMLElement} container
 * @param {Bar[]} bars
 */
export function showBars(container, bars) {
    let list = /** @type {HTMLElement | null} */ (container.querySelector('ul'));
    if (list === null) {
        list = make('ul', { class: 'plain-list bar-list' });
        container.append(list);
    }
    syncList(
        list,
        bars,
        (bar) => bar.key,
        () =>
            make('li', {}, [
                make('span', { class: 'bar-label' }),
                make('span', { class: 'bar-track', 'aria-hidden': 'true' }, [make('span', { class: 'bar-fill' })]),
                make('span', { class: 'bar-text number' }),
            ]),
        (row, bar) => {
            setText(/** @type {Element} */ (row.querySelector('.bar-label')), bar.label);
            setText(/** @type {Element} */ (row.querySelector('.bar-text')), bar.text);
            row.classList.toggle('is-unknown', bar.value === null);
            const fill = /** @type {HTMLElement} */ (row.querySelector('.bar-fill'));
            fill.style.inlineSize = `${100 * Math.min(1, Math.max(0, bar.value ?? 0))}%`;
        },
    );
}

/**
 * The two sources: value, quality, age, and why they are weak.
 *
 * @param {HTMLElement} container
 * @param {Estimate | null} estimate null when nothing is live
 */
export function showSources(container, estimate) {
    showBars(container, [sourceBar('face', 'Face', estimate), sourceBar('voice', 'Voice', estimate)]);
    for (const source of /** @type {Source[]} */ (['face', 'voice'])) {
        const row = /** @type {HTMLElement} */ (container.querySelector(`[data-key="${source}"]`));
        let worth = row.querySelector('.bar-worth');
        if (worth === null) {
            worth = make('span', { class: 'bar-worth number' });
            row.append(worth);
        }
        setText(worth, estimate === null ? '' : worthWords(source, estimate[source]));
    }
}

/**
 * The seven expressions, in a fixed order so that the eye finds them.
 *
 * @param {HTMLElement} container
 * @param {HTMLElement} worth where the quality and age of the face are said
 * @param {Estimate | null} estimate
 */
export function showEmotions(container, worth, estimate) {
    const shares = estimate?.emotions ?? null;
    showBars(
        container,
        EMOTIONS.map((emotion) => {
            const value = shares?.[emotion] ?? null;
            return { key: emotion, label: emotionName(emotion), value, text: percent(value) };
        }),
    );
    setText(worth, estimate === null ? '' : worthWords('face', estimate.face));
}

/**
 * What the region of the eyes says, with its own worth.
 *
 * @param {HTMLElement} container
 * @param {HTMLElement} worth
 * @param {Estimate | null} estimate
 */
export function showEyes(container, worth, estimate) {
    const eyes = estimate?.eyes ?? null;
    showBars(
        container,
        EYE_EMOTIONS.map((emotion) => {
            const value = eyes?.shares?.[emotion] ?? null;
            return { key: emotion, label: emotionName(emotion), value, text: percent(value) };
        }),
    );
    const value = eyes?.shares == null ? null : Math.max(...Object.values(eyes.shares));
    setText(worth, eyes === null ? '' : worthWords('face', { ...eyes, value }));
}

/**
 * The level of the face: one track with its three sums side by side, the name of the largest, quality and age.
 *
 * @param {HTMLElement} container
 * @param {Estimate | null} estimate null when nothing is live
 */
export function showLevel(container, estimate) {
    const level = estimate?.level ?? null;
    if (container.childElementCount === 0) {
        const fills = LEVELS.map((name) => make('span', { class: 'bar-fill', 'data-key': name }));
        container.append(
            make('span', { class: 'bar-label' }, ['Level']),
            make('span', { class: 'bar-track level-track', 'aria-hidden': 'true' }, fills),
            make('span', { class: 'bar-text number' }),
            make('span', { class: 'bar-worth number' }),
        );
    }
    for (const fill of container.querySelectorAll('.bar-fill')) {
        const { style, dataset } = /** @type {HTMLElement} */ (fill);
        style.inlineSize = `${100 * (level?.shares?.[dataset.key ?? ''] ?? 0)}%`;
    }
    const isKnown = level !== null && level.name !== null;
    container.classList.toggle('is-unknown', !isKnown);
    setText(find(container, '.bar-text'), isKnown && level.name ? levelName(level.name) : UNKNOWN);
    setText(find(container, '.bar-worth'), levelWords(level));
}

/**
 * The largest parts of the value, and the rest.
 *
 * @param {HTMLElement} container
 * @param {HTMLElement} note
 * @param {Estimate | null} estimate
 */
export function showContributions(container, note, estimate) {
    const parts = (estimate?.contributions ?? []).toSorted((a, b) => b.amount - a.amount);
    // Bars are drawn against the longest: parts are small beside the whole, and it is their order that explains.
    const longest = Math.max(parts[0]?.amount ?? 0, 0.001);
    const rest = parts.slice(PARTS_SHOWN).reduce((sum, part) => sum + part.amount, 0);
    const bars = parts.slice(0, PARTS_SHOWN).map((part) => ({
        key: part.signal,
        label: signalName(part.signal),
        value: part.amount / longest,
        text: share(part.amount),
    }));
    if (rest >= 0.005) bars.push({ key: 'rest', label: 'All others', value: rest / longest, text: share(rest) });
    showBars(container, bars);
    setText(
        note,
        bars.length === 0 ? 'Nothing to explain' : `Parts of ${share(estimate?.stress_raw)}, before smoothing`,
    );
}

/**
 * @param {Source} source
 * @param {string} label
 * @param {Estimate | null} estimate
 * @returns {Bar}
 */
function sourceBar(source, label, estimate) {
    const value = estimate?.[source].value ?? null;
    return { key: source, label, value, text: value === null ? UNKNOWN : share(value) };
}

/**
 * @param {Estimate['level'] | null} level
 * @returns {string}
 */
function levelWords(level) {
    if (level === null) return '';
    if (level.shares === null) return capitalised(reasonWords('face', level.reason));
    const sums = LEVELS.map((name) => `${levelName(name).toLowerCase()} ${percent(level.shares?.[name])}`).join(', ');
    const worth = worthWords('face', { ...level, value: level.confidence });
    return `Face in three groups: ${sums}. ${worth}`;
}

/**
 * @param {HTMLElement} container
 * @param {string} selector
 */
function find(container, selector) {
    return /** @type {Element} */ (container.querySelector(selector));
}

/**
 * @param {Source} source
 * @param {Reading} reading
 * @returns {string} "Quality 83 % (good), 0.2 s old"; the reason first when there is one
 */
function worthWords(source, reading) {
    const reason = capitalised(reasonWords(source, reading.reason));
    if (reading.value === null) return reason;
    const worth = `quality ${percent(reading.quality)} (${qualityWord(reading.quality)}), ${age(reading.age_s)}`;
    return reason === '' ? capitalised(worth) : `${reason}; ${worth}`;
}
