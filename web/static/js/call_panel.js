// The call on the dashboard: the others' pictures and one's own.

import { createOwnMedia } from './own_media.js';
import { createTiles } from './tiles.js';

/** @typedef {import('./room_model.js').RoomModel} RoomModel */

/**
 * @param {object} options
 * @param {import('./local_media.js').LocalMedia} options.media
 * @param {import('./join_api.js').Access} options.access
 * @param {() => Promise<string>} options.getToken
 * @param {() => RTCIceServer[]} options.getIceServers
 * @param {import('./reach.js').Reach} options.reach
 * @param {() => number} options.now_s page time
 * @param {(devices: {microphone: boolean, camera: boolean}) => void} options.onDevices
 */
export function createCallPanel({ media, access, getToken, getIceServers, reach, now_s, onDevices }) {
    /** @type {RoomModel | null} */
    let shown = null;
    const tiles = createTiles({
        roomId: access.room_id,
        getToken,
        getIceServers,
        reach,
        onLink: () => shown !== null && tiles.show(shown, now_s()),
    });
    const own = createOwnMedia({
        media,
        url: `/whip/${encodeURIComponent(access.room_id)}`,
        getToken,
        kbps: access.video_kbps,
        getIceServers,
        reach,
        onDevices: () => queueMicrotask(() => onDevices(own.state())),
    });

    return {
        /** @param {RoomModel} room */
        show(room) {
            const changed = room.participants !== shown?.participants || room.me !== shown.me;
            shown = room;
            if (changed || Object.keys(room.away).length > 0) tiles.show(room, now_s());
        },
        link: own.link,
        devices: () => own.state(),
        toggleMicrophone: own.toggleMicrophone,
        toggleCamera: own.toggleCamera,
        async close() {
            await Promise.all([tiles.close(), own.close()]);
        },
    };
}
