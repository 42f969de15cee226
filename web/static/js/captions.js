// The panel with the candidate's words, some seconds after they were said.

import { captionLines, captionNote, noCaptions, takeCaption } from './captions_view.js';
import { byId, make } from './elements.js';
import { clock } from './format.js';

/** @typedef {import('./protocol.js').AnalysisState} AnalysisState */
/** @typedef {import('./protocol.js').ServerEvent} ServerEvent */

export function createCaptions() {
    const panel = byId('captions');
    const list = byId('caption-list');
    const note = byId('caption-note');
    let captions = noCaptions();
    let shown = '';

    function draw() {
        const isAtEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 20;
        list.replaceChildren(
            ...captionLines(captions.words).map((line) =>
                make('li', {}, [
                    make('span', { class: 'stamp number' }, [clock(line.from_s)]),
                    make(
                        'span',
                        { class: 'stamped-text' },
                        line.words.flatMap(({ text, isDoubtful }) => [
                            isDoubtful ? make('span', { class: 'doubtful' }, [text]) : text,
                            ' ',
                        ]),
                    ),
                ]),
            ),
        );
        if (isAtEnd) list.scrollTop = list.scrollHeight;
    }

    return {
        /**
         * @param {ServerEvent} event
         * @param {AnalysisState} analysis
         */
        take(event, analysis) {
            if (event.type === 'caption') {
                captions = takeCaption(captions, event);
                draw();
            }
            panel.hidden = analysis.captions === undefined || analysis.captions === 'off';
            const words = captionNote(captions, analysis);
            if (words !== shown) {
                note.textContent = words;
                note.hidden = words === '';
                shown = words;
            }
        },
    };
}
