// The line below the call that tells how the connections do, and the note of a server that is about to restart.

import { announce } from './announce.js';
import { drainWords, rowsOf, summaryOf } from './connection_words.js';
import { byId, make, setText, syncList } from './elements.js';
import { localTime } from './localtime.js';

/** @typedef {import('./connection_words.js').PersonReport} PersonReport */
/** @typedef {import('./connection_words.js').Row} Row */

const PERIOD_MS = 4000;
const TIMEOUT_MS = 3000;

/**
 * Ask the server again and again while the page is looked at, and show what it says.
 *
 * @param {{interviewId: string, me: string, reach: import('./reach.js').Reach}} options me: this page's participant id
 * @returns {{showServer: (state: import('./protocol.js').RoomState) => void, stop: () => void}}
 */
export function createConnectionLine({ interviewId, me, reach }) {
    const box = byId('connection');
    const url = `/api/interviews/${encodeURIComponent(interviewId)}/media`;

    /** @param {PersonReport[]} people */
    const show = (people) => {
        const rows = rowsOf(people, me);
        const summary = summaryOf(rows, me);
        box.hidden = summary === null;
        if (summary === null) return;
        box.dataset.quality = summary.quality;
        setText(byId('connection-summary'), summary.text);
        syncList(byId('connection-rows'), rows, (item) => item.key, createRow, updateRow);
    };

    let isOutOfReach = false;
    const refresh = async () => {
        if (document.hidden || isOutOfReach) return;
        try {
            const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
            // A figure that is not renewed is not shown as if it were: no answer, no line.
            if (response.ok) show((await response.json()).participants);
            else box.hidden = true;
        } catch {
            box.hidden = true;
            isOutOfReach = true; // more requests into the dark would hold up those that bring the call back
            await reach.back();
            isOutOfReach = false;
        }
    };

    const timer = setInterval(() => void refresh(), PERIOD_MS);
    void refresh();

    return {
        showServer({ server, status }) {
            const note = byId('server-note');
            const text = drainWords(server, status === 'live', (when) => localTime(when, 'time'));
            if (text !== '' && note.hidden) announce(text);
            setText(note, text);
            note.hidden = text === '';
        },
        stop() {
            clearInterval(timer);
            box.hidden = true;
        },
    };
}

/** @returns {HTMLTableRowElement} */
function createRow() {
    const cells = ['who', 'state', 'rtt', 'loss', 'rate'].map((name) =>
        name === 'who' ? make('th', { scope: 'row' }) : make('td', name === 'state' ? {} : { class: 'number' }),
    );
    return make('tr', {}, cells);
}

/**
 * @param {HTMLElement} element
 * @param {Row} item
 */
function updateRow(element, item) {
    [item.who, item.state, item.rtt, item.loss, item.rate].forEach((text, index) => {
        setText(element.children[index], text === '' ? '—' : text);
    });
}
