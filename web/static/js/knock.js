// The candidate waits: banner, a soft sound now and again, and a sign in the title of the page.

import { alertNow } from './announce.js';
import { byId, setText } from './elements.js';
import { playTestSound } from './level_meter.js';

/** The sound comes again so often, and so many times. */
const AGAIN_MS = 15_000;
const TIMES = 4;

/**
 * @param {{onAdmit: () => void, onDecline: () => void}} actions
 * @returns {(name: string | null) => void} shows who waits, or nobody
 */
export function createKnock({ onAdmit, onDecline }) {
    const banner = byId('knock');
    const title = document.title;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    let timer;
    let nSounds = 0;

    const ring = () => {
        nSounds += 1;
        void playTestSound();
        if (nSounds >= TIMES) clearInterval(timer);
    };

    byId('admit').addEventListener('click', onAdmit);
    byId('decline').addEventListener('click', onDecline);

    return (name) => {
        const isNew = name !== null && banner.hidden;
        banner.hidden = name === null;
        document.title = name === null ? title : `● ${name} is waiting`;
        if (name !== null) setText(byId('knock-name'), name);
        if (name === null) clearInterval(timer);
        if (!isNew) return;
        alertNow(`${name} is in the waiting room.`);
        nSounds = 0;
        ring();
        timer = setInterval(ring, AGAIN_MS);
    };
}
