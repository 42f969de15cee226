// A pie as SVG. Its table is on the page already; the picture adds nothing that is not there.

import { pieSlices } from './arcs.js';
import { makeSvg } from './elements.js';

/**
 * @param {HTMLElement} container
 * @param {{key: string, share: number}[]} parts key names the colour
 */
export function drawPie(container, parts) {
    const slices = pieSlices(
        parts.map((part) => part.share),
        48,
    );
    const drawn = slices.flatMap(({ path }, i) =>
        path === '' ? [] : [makeSvg('path', { d: path, class: 'pie-slice', 'data-key': parts[i].key })],
    );
    const empty = makeSvg('circle', { r: 48, class: 'pie-none' });
    const shapes = drawn.length > 0 ? drawn : [empty];
    container.replaceChildren(makeSvg('svg', { viewBox: '-50 -50 100 100', class: 'pie-picture' }, shapes));
}
