// The step before the dashboard: choose camera and microphone, see oneself, enter (with or without them).

import { byId, make, setText } from './elements.js';
import { fitTile } from './fit.js';
import { HEARD_PERCENT, watchLevel } from './level_meter.js';

/** @typedef {import('./local_media.js').LocalMedia} LocalMedia */
/** @typedef {import('./devices.js').Kind} Kind */

/** @type {Record<Kind, string>} */
const NAMES = { video: 'Camera', audio: 'Microphone' };

/**
 * Run the step.
 *
 * @param {LocalMedia} media
 * @returns {Promise<void>} settles when the person enters; the devices stay open
 */
export function runReadyStep(media) {
    const section = byId('ready');
    const video = byId('ready-picture', HTMLVideoElement);
    const level = byId('ready-level');
    /** @type {(() => void) | null} */
    let stopLevel = null;
    /** @type {MediaStreamTrack | null} */
    let heard = null;

    /** @param {Kind} kind */
    const showDevice = (kind) => {
        const { isWanted, isOpening, track, problem } = media.devices[kind];
        const toggle = byId(`ready-${kind}-on`);
        const isOn = isWanted && problem === null;
        toggle.setAttribute('aria-pressed', String(isOn));
        setText(/** @type {Element} */ (toggle.querySelector('.on-off')), isOn ? 'on' : 'off');
        const notice = byId(`ready-${kind}-problem`);
        notice.hidden = problem === null;
        const [sentence, help] = notice.querySelectorAll('p');
        if (sentence && help) {
            setText(sentence, problem?.sentence ?? '');
            setText(help, problem?.help ?? '');
        }
        if (kind === 'video') {
            video.srcObject = track === null ? null : new MediaStream([track]);
            byId('ready-note').hidden = track !== null;
            setText(byId('ready-note'), isOpening ? 'Opening the camera …' : 'Camera off');
        } else showLevel(track, isOpening);
    };

    /**
     * @param {MediaStreamTrack | null} track
     * @param {boolean} isOpening
     */
    const showLevel = (track, isOpening) => {
        const text = byId('ready-level-text');
        if (track === null) setText(text, isOpening ? 'Opening the microphone …' : 'Microphone off');
        if (track === heard) return;
        heard = track;
        stopLevel?.();
        stopLevel = null;
        level.style.inlineSize = '0';
        if (track === null) return;
        setText(text, 'Say something to test the microphone.');
        stopLevel = watchLevel(track, (percent) => {
            level.style.inlineSize = `${percent}%`;
            if (percent >= HEARD_PERCENT) setText(text, 'Your microphone works.');
        });
    };

    /** @param {Kind} kind */
    const showChoices = async (kind) => {
        const select = byId(`ready-${kind}`, HTMLSelectElement);
        const found = await media.list(kind);
        const used = media.devices[kind].track?.getSettings().deviceId ?? media.devices[kind].deviceId;
        select.replaceChildren(
            ...found.map((device, i) =>
                make('option', { value: device.deviceId }, [device.label || `${NAMES[kind]} ${i + 1}`]),
            ),
        );
        if (found.length === 0) select.append(make('option', { value: '' }, ['None found yet']));
        select.disabled = found.length === 0;
        if (found.some((device) => device.deviceId === used)) select.value = used;
    };

    media.onchange = (kind) => {
        for (const changed of kind === null ? /** @type {Kind[]} */ (['video', 'audio']) : [kind]) {
            showDevice(changed);
            void showChoices(changed);
        }
    };
    for (const kind of /** @type {Kind[]} */ (['video', 'audio'])) {
        byId(`ready-${kind}-on`).addEventListener(
            'click',
            () => void media.setWanted(kind, byId(`ready-${kind}-on`).getAttribute('aria-pressed') !== 'true'),
        );
        byId(`ready-${kind}`).addEventListener('change', (event) => {
            void media.choose(kind, /** @type {HTMLSelectElement} */ (event.target).value);
        });
        byId(`ready-${kind}-problem`)
            .querySelector('button')
            ?.addEventListener('click', () => void media.retry(kind));
    }
    fitTile(video, byId('ready-tile'));
    media.onchange(null);
    void media.start();

    return new Promise((resolve) => {
        const enter = byId('enter', HTMLButtonElement);
        enter.disabled = false;
        enter.addEventListener('click', () => {
            stopLevel?.();
            media.onchange = () => {};
            video.srcObject = null;
            section.hidden = true;
            resolve();
        });
    });
}
