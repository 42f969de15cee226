// The others' pictures: the candidate large, other interviewers small. Each is watched while the person is there.

import { watch } from './call.js';
import { byId, make, setText, syncList } from './elements.js';
import { fitTile } from './fit.js';
import { duration } from './format.js';

/** @typedef {import('./protocol.js').ParticipantState} ParticipantState */
/** @typedef {import('./room_model.js').RoomModel} RoomModel */
/** @typedef {import('./call.js').Watch} Watch */

/**
 * @typedef {object} Tiles
 * @property {(room: RoomModel, now_s: number) => void} show now_s: page time
 * @property {() => Promise<void>} close
 */

/**
 * @param {object} options
 * @param {string} options.roomId
 * @param {() => Promise<string>} options.getToken
 * @param {() => RTCIceServer[]} options.getIceServers
 * @param {import('./reach.js').Reach} options.reach
 * @param {() => void} options.onLink called when a picture's connection changed
 * @returns {Tiles}
 */
export function createTiles({ roomId, getToken, getIceServers, reach, onLink }) {
    /** @type {Map<string, Watch>} */
    const watches = new Map();
    const soundButton = byId('sound-on');
    fitTile(byId('candidate-video', HTMLVideoElement), byId('candidate-tile'));

    /**
     * @param {ParticipantState} person
     * @param {HTMLVideoElement} video
     */
    const follow = (person, video) => {
        const isThere = person.presence === 'present' || person.presence === 'interrupted';
        const watching = watches.get(person.id);
        if (isThere && person.publishing && watching === undefined) {
            const url = `/whep/${encodeURIComponent(roomId)}/${encodeURIComponent(person.id)}`;
            const fresh = watch({ url, getToken, getIceServers, reach });
            fresh.onstate = () => {
                onLink();
                if (fresh.state === 'live') void play(video);
            };
            watches.set(person.id, fresh);
            video.srcObject = fresh.stream;
        } else if (!isThere && watching !== undefined) {
            // Not before: the server keeps this connection for when an interrupted publication goes on.
            drop(person.id);
            video.srcObject = null;
        }
    };

    /** @param {string} id */
    const drop = (id) => {
        void watches.get(id)?.close();
        watches.delete(id);
    };

    /** @param {HTMLVideoElement} video */
    const play = async (video) => {
        try {
            await video.play();
            soundButton.hidden = true;
        } catch (error) {
            // Browsers that let no sound play before a click say so here.
            if (error instanceof DOMException && error.name === 'NotAllowedError') soundButton.hidden = false;
        }
    };

    soundButton.addEventListener('click', () => {
        for (const video of document.querySelectorAll('video')) if (video.srcObject !== null) void play(video);
    });

    return {
        show(room, now_s) {
            /** @param {ParticipantState} person */
            const awayFor = ({ id }) => (room.away[id] === undefined ? null : now_s - room.away[id]);
            const others = room.participants.filter((person) => person.id !== room.me);
            const candidate = others.find((person) => person.role === 'candidate');
            if (candidate !== undefined) {
                follow(candidate, byId('candidate-video', HTMLVideoElement));
                const watching = watches.get(candidate.id) ?? null;
                const note = tileNote(candidate, watching, awayFor(candidate));
                showTile(byId('candidate-tile'), candidate, note, isStill(candidate, watching, awayFor(candidate)));
            }
            const colleagues = others.filter((person) => person.role === 'interviewer' && person.presence !== 'absent');
            syncList(
                byId('other-tiles'),
                colleagues,
                ({ id }) => id,
                makeTile,
                (element, person) => {
                    follow(person, /** @type {HTMLVideoElement} */ (element.querySelector('video')));
                    const watching = watches.get(person.id) ?? null;
                    const tile = /** @type {HTMLElement} */ (element.firstElementChild);
                    showTile(tile, person, smallTileNote(person, watching), isStill(person, watching, awayFor(person)));
                },
            );
            const present = new Set(others.filter((person) => person.presence !== 'absent').map((person) => person.id));
            for (const id of [...watches.keys()]) if (!present.has(id)) drop(id);
        },
        async close() {
            await Promise.all([...watches.values()].map((watching) => watching.close()));
            watches.clear();
        },
    };
}

/** @returns {HTMLElement} */
function makeTile() {
    const video = make('video', { playsinline: '', autoplay: '' });
    const tile = make('div', { class: 'video-tile' }, [
        video,
        make('p', { class: 'tile-note' }),
        make('p', { class: 'tile-name' }),
    ]);
    fitTile(video, tile);
    return make('li', {}, [tile]);
}

/**
 * @param {HTMLElement} tile
 * @param {ParticipantState} person
 * @param {string} note
 * @param {boolean} isStillPicture the last picture stands there: it must not look live
 */
function showTile(tile, person, note, isStillPicture) {
    const noteLine = /** @type {HTMLElement} */ (tile.querySelector('.tile-note'));
    setText(noteLine, note);
    noteLine.hidden = note === '';
    // The last frame of a camera that is off would look live.
    const isOff = person.presence === 'present' && !(person.publishing && person.camera);
    tile.classList.toggle('no-picture', isOff && !isStillPicture);
    tile.dataset.state = isStillPicture ? 'interrupted' : note === '' ? 'live' : person.presence;
    const name = person.presence === 'present' && !person.microphone ? `${person.name} · microphone off` : person.name;
    const nameLine = /** @type {HTMLElement} */ (tile.querySelector('.tile-name'));
    setText(nameLine, name);
    nameLine.title = name;
}

/**
 * @param {ParticipantState} person
 * @param {Watch | null} watching
 * @param {number | null} away_s
 */
function isStill({ presence }, watching, away_s) {
    return presence === 'interrupted' || away_s !== null || watching?.state === 'interrupted';
}

/**
 * What stands over a picture; empty when the picture speaks for itself.
 *
 * @param {ParticipantState} person
 * @param {Watch | null} watching
 * @param {number | null} away_s so long the person's connection has been interrupted
 * @returns {string}
 */
function tileNote({ name, presence, publishing, camera }, watching, away_s) {
    if (presence === 'absent') return `${name} is not here.`;
    if (presence === 'waiting') return `${name} is in the waiting room.`;
    if (away_s !== null) {
        return `${name}’s connection has been interrupted for ${duration(away_s)}. Waiting for ${name} to come back …`;
    }
    if (!publishing && watching !== null) return `${name} is connecting …`;
    if (!publishing) return `${name} is here, without camera and microphone so far.`;
    if (watching?.state === 'refused') return 'The picture cannot be shown.';
    if (watching?.state === 'interrupted') return 'The picture is interrupted here. Trying again …';
    if (watching !== null && watching.state !== 'live') return 'Connecting the picture …';
    return camera ? '' : `${name}’s camera is off.`;
}

/**
 * The same in a tile that has room for two words.
 *
 * @param {ParticipantState} person
 * @param {Watch | null} watching
 * @returns {string}
 */
function smallTileNote({ presence, publishing, camera }, watching) {
    if (presence === 'interrupted') return 'Interrupted';
    if (!publishing || !camera) return 'No camera';
    return watching !== null && watching.state !== 'live' ? 'Connecting …' : '';
}
