// A video's tile takes the shape of its picture, so that no bars are drawn beside it.

/**
 * Keep `--ratio` (width over height) of a tile as that of the picture in its video.
 *
 * @param {HTMLVideoElement} video
 * @param {HTMLElement} tile
 */
export function fitTile(video, tile) {
    const fit = () => {
        const { videoWidth, videoHeight } = video;
        if (videoWidth > 0 && videoHeight > 0) tile.style.setProperty('--ratio', (videoWidth / videoHeight).toFixed(4));
    };
    // A phone that is turned round changes the picture in the middle of the call.
    video.addEventListener('resize', fit);
    video.addEventListener('loadedmetadata', fit);
    fit();
}
