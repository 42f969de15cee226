// The dashboard's evidence: what moved most, then every signal in groups that fold away.

import { deviationBar } from './deviation.js';
import { make, setText, syncList } from './elements.js';
import { evidenceGroups, movedRows, ZONES } from './evidence_model.js';

/** @typedef {import('./catalogue.js').Definition} Definition */
/** @typedef {import('./evidence_model.js').Row} Row */
/** @typedef {import('./evidence_model.js').Group} Group */
/** @typedef {Record<string, import('./protocol.js').Signal>} Signals */

/** Which groups are open is a choice of this browser. */
const OPEN_KEY = 'composure-evidence-open';

/**
 * @param {HTMLElement} container
 * @param {Definition[]} catalogue
 * @returns {(signals: Signals | null) => void} shows the signals of the newest estimate; null when nothing is live
 */
export function createEvidence(container, catalogue) {
    const open = new Set(readOpen());
    const moved = make('ul', { class: 'plain-list signal-list' });
    const none = make('p', { class: 'soft' });
    const groups = make('div', { class: 'signal-groups' });
    container.append(make('h3', {}, ['What moved']), moved, none, make('h3', {}, ['All signals']), groups);
    /** @type {Signals | null} */
    let shown = null;

    /** @param {Group} group */
    const createGroup = (group) => {
        const details = make('details', { class: 'signal-group' }, [
            make('summary', {}, [
                make('span', { class: 'signal-group-name' }, [group.label]),
                make('span', { class: 'hint number signal-group-state' }),
            ]),
            ...(group.key === 'gaze' ? [gazePicture()] : []),
            make('ul', { class: 'plain-list signal-list' }),
            explanations(catalogue.filter((item) => item.group === group.key && item.is_detail !== true)),
        ]);
        details.open = open.has(group.key);
        details.addEventListener('toggle', () => {
            if (details.open) open.add(group.key);
            else open.delete(group.key);
            localStorage.setItem(OPEN_KEY, JSON.stringify([...open]));
            if (details.open && shown !== null) fillGroup(details, groupOf(shown, group.key));
        });
        return details;
    };

    /**
     * @param {Signals} signals
     * @param {string} key
     */
    const groupOf = (signals, key) => evidenceGroups(catalogue, signals).find((group) => group.key === key) ?? null;

    return (signals) => {
        shown = signals;
        const rows = signals === null ? [] : movedRows(catalogue, signals);
        showRows(moved, rows);
        none.hidden = rows.length > 0;
        setText(none, noneWords(signals));
        if (signals === null) {
            // The rows stay where they were, without their values: nothing here looks live that is not.
            for (const element of groups.children) clearGroup(/** @type {HTMLDetailsElement} */ (element));
            return;
        }
        syncList(
            groups,
            evidenceGroups(catalogue, signals),
            ({ key }) => key,
            createGroup,
            (element, group) => fillGroup(/** @type {HTMLDetailsElement} */ (element), group),
        );
    };
}

/**
 * Rows of signals in a list, made on first use.
 *
 * @param {HTMLElement} list
 * @param {Row[]} rows
 */
export function showRows(list, rows) {
    syncList(list, rows, ({ key }) => key, createRow, fillRow);
}

/** @param {Signals | null} signals */
function noneWords(signals) {
    if (signals === null) return 'Nothing is measured at the moment.';
    const hasBaseline = Object.values(signals).some(({ z }) => z !== null);
    return hasBaseline
        ? 'Nothing: all is as in this person’s own first minute.'
        : 'Not known yet: the usual values of this person are learned from the first minute.';
}

/**
 * @param {HTMLDetailsElement} details
 * @param {Group | null} group
 */
function fillGroup(details, group) {
    if (group === null) return;
    setText(/** @type {Element} */ (details.querySelector('.signal-group-state')), group.state);
    if (!details.open) return;
    showRows(/** @type {HTMLElement} */ (details.querySelector('.signal-list')), group.rows);
    const picture = details.querySelector('.gaze-picture');
    if (picture !== null) fillGaze(picture, group.rows.find(({ key }) => key === 'gaze.zone')?.value ?? '');
}

/** @param {HTMLDetailsElement} details */
function clearGroup(details) {
    setText(/** @type {Element} */ (details.querySelector('.signal-group-state')), 'not measured now');
    /** @type {HTMLElement} */ (details.querySelector('.signal-list')).replaceChildren();
    const picture = details.querySelector('.gaze-picture');
    if (picture !== null) fillGaze(picture, '');
}

/** @param {Row} row */
function createRow(row) {
    const name = make('span', { class: 'signal-name' }, [row.label]);
    if (row.isExperimental) name.append(' ', make('span', { class: 'signal-experimental' }, ['experimental']));
    return make('li', { class: 'signal' }, [
        name,
        make('span', { class: 'signal-value number' }),
        make('span', { class: 'signal-mark', 'aria-hidden': 'true' }, [make('span', { class: 'signal-fill' })]),
        make('span', { class: 'signal-deviation number' }),
        make('span', { class: 'signal-worth number' }),
    ]);
}

/**
 * @param {HTMLElement} element
 * @param {Row} row
 */
function fillRow(element, row) {
    const [, value, mark, deviation, worth] = element.children;
    setText(/** @type {Element} */ (value), row.value);
    setText(/** @type {Element} */ (deviation), row.deviation);
    setText(/** @type {Element} */ (worth), row.worth);
    element.classList.toggle('is-unknown', !row.isKnown);
    element.classList.toggle('is-old', row.isOld);
    element.classList.toggle('is-weak', row.isWeak);
    element.classList.toggle('has-mark', row.z !== null);
    const { from, length } = deviationBar(row.z);
    const { style } = /** @type {HTMLElement} */ (/** @type {Element} */ (mark).firstElementChild);
    style.insetInlineStart = `${from}%`;
    style.inlineSize = `${length}%`;
}

/** Nine zones as the person sees them; the row of the zone says the same in words. */
function gazePicture() {
    const cells = ZONES.map((zone) => make('span', { 'data-zone': zone }));
    return make('div', { class: 'gaze-picture', 'aria-hidden': 'true' }, [
        make('span', { class: 'hint' }, ['their left']),
        make('div', { class: 'gaze-zones' }, cells),
        make('span', { class: 'hint' }, ['their right']),
    ]);
}

/**
 * @param {Element} picture
 * @param {string} zone in words
 */
function fillGaze(picture, zone) {
    for (const cell of picture.querySelectorAll('[data-zone]')) {
        cell.classList.toggle('is-looked-at', /** @type {HTMLElement} */ (cell).dataset.zone === zone);
    }
}

/**
 * What each signal of a group is.
 *
 * @param {Definition[]} definitions
 */
export function explanations(definitions) {
    return make('details', { class: 'twin signal-what' }, [
        make('summary', {}, ['What these are']),
        make(
            'dl',
            {},
            definitions.map(({ label, what }) =>
                make('div', {}, [make('dt', {}, [label]), make('dd', { class: 'soft' }, [what])]),
            ),
        ),
    ]);
}

/** @returns {string[]} */
function readOpen() {
    try {
        const kept = JSON.parse(localStorage.getItem(OPEN_KEY) ?? '[]');
        return Array.isArray(kept) ? kept : [];
    } catch {
        return [];
    }
}
