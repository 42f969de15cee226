// Questions, markers and peaks as lists with their buttons.

import { readCatalogue } from './catalogue.js';
import { byId, make, setText, syncList } from './elements.js';
import { clock, share } from './format.js';
import { markerWords, stampWords } from './marks.js';
import { peakWhy } from './peak_why_view.js';
import { currentQuestion } from './room_model.js';

/** @typedef {import('./room_model.js').RoomModel} RoomModel */
/** @typedef {import('./protocol.js').Marker} Marker */
/** @typedef {import('./protocol.js').Peak} Peak */

/**
 * @typedef {object} ListActions
 * @property {(index: number) => void} onQuestion
 * @property {(peak: Peak) => void} onPeak
 * @property {(marker: Marker) => void} onDelete
 */

/**
 * @param {ListActions} actions
 * @returns {(room: RoomModel) => void}
 */
export function createMarkerLists({ onQuestion, onPeak, onDelete }) {
    let shownQuestion = -1;
    return (room) => {
        showQuestions(room, onQuestion);
        const current = currentQuestion(room);
        if (current !== shownQuestion) bringIntoSight(byId('question-list'), current);
        shownQuestion = current;
        showMarkers(room, onDelete);
        showPeaks(room, onPeak);
    };
}

/**
 * @param {RoomModel} room
 * @param {(index: number) => void} onQuestion
 */
function showQuestions(room, onQuestion) {
    const current = currentQuestion(room);
    byId('no-questions').hidden = room.questions.length > 0;
    byId('next-question').hidden = room.questions.length === 0;
    byId('next-question', HTMLButtonElement).disabled = current + 1 >= room.questions.length;
    syncList(
        byId('question-list'),
        room.questions,
        ({ id }) => id,
        () =>
            make('li', {}, [
                make('button', { type: 'button', class: 'question' }, [
                    make('span', { class: 'question-number number' }),
                    make('span', { class: 'question-text' }),
                ]),
            ]),
        (item, question, i) => {
            const button = /** @type {HTMLButtonElement} */ (item.firstElementChild);
            setText(/** @type {Element} */ (button.firstElementChild), String(i + 1));
            setText(/** @type {Element} */ (button.lastElementChild), question.text);
            if (i === current) button.setAttribute('aria-current', 'step');
            else button.removeAttribute('aria-current');
            item.classList.toggle('is-done', i < current);
            button.onclick = () => onQuestion(i);
        },
    );
}

/**
 * Scroll a list, and nothing but the list, so that one of its items can be seen.
 *
 * @param {HTMLElement} list
 * @param {number} index
 */
function bringIntoSight(list, index) {
    const item = list.children[index];
    if (item === undefined) return;
    const [inner, outer] = [item.getBoundingClientRect(), list.getBoundingClientRect()];
    if (inner.top < outer.top) list.scrollTop -= outer.top - inner.top;
    else if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom;
}

/**
 * @param {RoomModel} room
 * @param {(marker: Marker) => void} onDelete
 */
function showMarkers(room, onDelete) {
    byId('no-markers').hidden = room.markers.length > 0;
    syncList(
        byId('marker-list'),
        room.markers.toReversed(),
        ({ id }) => id,
        () => stamped(make('button', { type: 'button', class: 'link' }, ['Delete'])),
        (item, marker) => {
            fill(item, stampWords(marker.t_s), markerWords(marker, room.questions));
            const button = /** @type {HTMLButtonElement} */ (item.querySelector('button'));
            button.setAttribute('aria-label', `Delete marker at ${stampWords(marker.t_s)}`);
            button.onclick = () => {
                onDelete(marker);
                byId('mark-moment').focus();
            };
        },
    );
}

/**
 * @param {RoomModel} room
 * @param {(peak: Peak) => void} onPeak
 */
function showPeaks(room, onPeak) {
    const marked = new Set(room.markers.filter(({ kind }) => kind === 'peak').map(({ t_s }) => t_s));
    byId('no-peaks').hidden = room.peaks.length > 0;
    syncList(
        byId('peak-list'),
        room.peaks.toReversed(),
        ({ t_s }) => String(t_s),
        () => stamped(make('button', { type: 'button', class: 'secondary small' }, ['Mark'])),
        (item, peak) => {
            fill(item, clock(peak.t_s), `Stress ${share(peak.stress)}`);
            if (peak.why && item.querySelector('.peak-why') === null) {
                item.append(peakWhy(readCatalogue(), peak.why, clock(peak.t_s)));
            }
            const button = /** @type {HTMLButtonElement} */ (item.querySelector('button'));
            const isMarked = marked.has(peak.t_s);
            button.disabled = isMarked;
            setText(button, isMarked ? 'Marked' : 'Mark');
            button.setAttribute('aria-label', `${isMarked ? 'Marked' : 'Mark'}: peak at ${clock(peak.t_s)}`);
            button.onclick = () => onPeak(peak);
        },
    );
}

/** @param {HTMLElement} button */
function stamped(button) {
    return make('li', {}, [make('span', { class: 'stamp number' }), make('span', { class: 'stamped-text' }), button]);
}

/**
 * @param {HTMLElement} item
 * @param {string} stamp
 * @param {string} text
 */
function fill(item, stamp, text) {
    setText(/** @type {Element} */ (item.querySelector('.stamp')), stamp);
    setText(/** @type {Element} */ (item.querySelector('.stamped-text')), text);
}
