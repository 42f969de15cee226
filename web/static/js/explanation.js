// "What the network looked at": asks the server, and shows the face with the map over it. Kept in this page alone,
// until it is closed or the analysis ends.

import { announce } from './announce.js';
import { byId, make, setText } from './elements.js';
import { explanationView, greyLevels, mapCells } from './explanation_view.js';
import { EMOTIONS, emotionName } from './words.js';

/** @typedef {import('./protocol.js').Explanation} Explanation */

/** Side of the drawn picture, in canvas pixels; CSS sets its size on the screen. */
const SIDE_PX = 288;

/** The server answers within 3 s or says that it cannot. */
const PATIENCE_S = 6;

/** The least time between two questions: the answer takes as much work as thirty faces. */
const REST_S = 3;

/** The deepest colours: red, green, blue. */
const COLOURS = { lowers: [255, 140, 0], raises: [40, 120, 255] };
const DEEPEST = 0.62;

/**
 * @param {object} options
 * @param {(event: import('./protocol.js').ClientEvent) => boolean} options.send
 * @param {() => number} options.now_s page time
 */
export function createExplanation({ send, now_s }) {
    const button = byId('explain');
    const choice = byId('explanation-emotion', HTMLSelectElement);
    const canvas = byId('explanation-map', HTMLCanvasElement);
    canvas.width = canvas.height = SIDE_PX;
    choice.append(...EMOTIONS.map((emotion) => make('option', { value: emotion }, [emotionName(emotion)])));
    /** @type {Explanation | null} */
    let answer = null;
    let asked_s = -Infinity;
    let isWaiting = false;

    const close = () => {
        answer = null;
        isWaiting = false;
        canvas.getContext('2d')?.clearRect(0, 0, SIDE_PX, SIDE_PX);
        byId('explanation').hidden = true;
        button.setAttribute('aria-expanded', 'false');
    };

    const ask = () => {
        if (button.hidden || isWaiting || now_s() - asked_s < REST_S) return;
        const emotion = choice.value === '' ? {} : { emotion: choice.value };
        if (!send({ type: 'explain', ...emotion })) return;
        asked_s = now_s();
        isWaiting = true;
        show(null);
    };

    /** @param {number | null} session_s */
    const show = (session_s) => {
        button.setAttribute('aria-disabled', String(isWaiting || now_s() - asked_s < REST_S));
        button.classList.toggle('is-waiting', isWaiting);
        if (answer === null) return;
        const view = explanationView(answer, session_s);
        setText(byId('explanation-main'), unbroken(view.main));
        setText(byId('explanation-about'), unbroken(view.about));
    };

    /** @param {Explanation} fresh */
    const draw = (fresh) => {
        const view = explanationView(fresh, null);
        byId('explanation').hidden = false;
        byId('explanation').classList.toggle('has-map', view.hasMap);
        button.setAttribute('aria-expanded', 'true');
        for (const element of byId('explanation').querySelectorAll('[data-map-only]')) {
            /** @type {HTMLElement} */ (element).hidden = !view.hasMap;
        }
        setText(byId('explanation-scale'), view.scale);
        byId('explanation-rows').replaceChildren(
            ...view.rows.map(({ part, share, change }) =>
                make('tr', { class: 'number' }, [
                    make('th', { scope: 'row' }, [part]),
                    make('td', {}, [share]),
                    make('td', {}, [change]),
                ]),
            ),
        );
        if (fresh.crop !== null) drawMap(canvas, fresh.crop, fresh.falls);
        announce(view.main);
    };

    button.addEventListener('click', ask);
    choice.addEventListener('change', ask);
    byId('explanation-close').addEventListener('click', () => {
        close();
        button.focus();
    });

    return {
        ask,
        /**
         * @param {Explanation} fresh
         */
        take(fresh) {
            if (!isWaiting) return;
            isWaiting = false;
            answer = fresh;
            draw(fresh);
        },
        /**
         * @param {boolean} isOn the analysis runs
         * @param {number | null} session_s
         */
        tick(isOn, session_s) {
            button.hidden = !isOn;
            if (!isOn) close();
            if (isWaiting && now_s() - asked_s > PATIENCE_S) {
                isWaiting = false;
                draw((answer = UNANSWERED));
            }
            show(session_s);
        },
    };
}

/** @type {Explanation} */
const UNANSWERED = {
    type: 'explanation',
    session_id: '',
    reason: 'no_answer',
    t_s: null,
    quality: 0,
    emotion: null,
    share: null,
    crop: null,
    falls: [],
    parts: [],
};

/**
 * Keep numbers and their percent signs on one line.
 *
 * @param {string} text
 */
function unbroken(text) {
    return text.replaceAll(' %', '\u00a0%');
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {string} crop
 * @param {number[]} falls
 */
function drawMap(canvas, crop, falls) {
    const context = canvas.getContext('2d');
    if (context === null) return;
    const levels = greyLevels(crop);
    const side = Math.round(Math.sqrt(levels.length));
    const picture = new ImageData(side, side);
    levels.forEach((level, i) => picture.data.set([level, level, level, 255], 4 * i));
    const small = make('canvas', { width: String(side), height: String(side) });
    small.getContext('2d')?.putImageData(picture, 0, 0);
    context.drawImage(small, 0, 0, SIDE_PX, SIDE_PX);
    const n = Math.round(Math.sqrt(falls.length));
    const cell_px = SIDE_PX / n;
    mapCells(falls).forEach(({ kind, strength }, i) => {
        const [red, green, blue] = COLOURS[kind];
        context.fillStyle = `rgb(${red} ${green} ${blue} / ${(DEEPEST * strength).toFixed(3)})`;
        context.fillRect((i % n) * cell_px, Math.floor(i / n) * cell_px, cell_px, cell_px);
    });
}
