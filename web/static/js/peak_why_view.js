// "Why this peak" as a fold with bars from the middle; made when it is opened.

import { make } from './elements.js';
import { riseWords, whyMoved, whyParts } from './peak_why.js';

/** @typedef {import('./catalogue.js').Definition} Definition */
/** @typedef {import('./peak_why.js').Why} Why */

/**
 * @param {Definition[]} catalogue
 * @param {Why} why
 * @param {string} at the peak's time in words
 * @returns {HTMLDetailsElement}
 */
export function peakWhy(catalogue, why, at) {
    const details = make('details', { class: 'twin peak-why' }, [
        make('summary', {}, ['Why', make('span', { class: 'visually-hidden' }, [` the peak at ${at}`])]),
    ]);
    details.addEventListener('toggle', () => {
        if (details.open && details.childElementCount === 1) details.append(...content(catalogue, why));
    });
    return details;
}

/**
 * @param {Definition[]} catalogue
 * @param {Why} why
 */
function content(catalogue, why) {
    const parts = whyParts(why);
    const longest = Math.max(...parts.map(({ amount }) => Math.abs(amount)), 0.001);
    const moved = whyMoved(catalogue, why);
    const list = make(
        'ul',
        { class: 'plain-list why-parts' },
        parts.map(({ key, label, amount, text }) => {
            const fill = make('span', { class: 'signal-fill' });
            const length = (50 * Math.abs(amount)) / longest;
            fill.style.insetInlineStart = `${amount < 0 ? 50 - length : 50}%`;
            fill.style.inlineSize = `${length}%`;
            return make('li', { 'data-key': key }, [
                make('span', {}, [label]),
                make('span', { class: 'signal-mark', 'aria-hidden': 'true' }, [fill]),
                make('span', { class: 'number' }, [text]),
            ]);
        }),
    );
    const beside = [
        make('p', {}, ['Far from this person’s own beginning at that moment, beside the score:']),
        make(
            'ul',
            {},
            moved.map(({ text }) => make('li', {}, [text])),
        ),
    ];
    return [make('p', {}, [riseWords(why)]), list, ...(moved.length > 0 ? beside : [])];
}
