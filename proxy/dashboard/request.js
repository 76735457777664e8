/* One request with its whole ledger: #request=ID shows it. */
'use strict';

const CUT_LATE_MS = 5; /* timers may be so late on any machine that is busy */

/* ---- what happened, in a sentence */

/* How long after the end of its grant a call was cut, where that is worth to be told. */
function cutLate(call, request)
{
    const late = call.used_ms - call.granted_ms;
    const isCut = /timeout$/.test(call.outcome) && request.mode === 'enforce';

    return isCut && late > CUT_LATE_MS ? late : 0;
}

function latenessOf(request)
{
    return callsOf(request)
        .filter((call) => cutLate(call, request) > 0)
        .map((call) => ' The proxy noticed that the time of call ' + call.name + ' was up ' +
                       msText(cutLate(call, request)) + ' late.')
        .join('');
}

function whatHappened(request)
{
    const why = wordOf(REASONS, request.reason, request.reason || 'the time was up');
    const call = callsOf(request).find((each) => each.name === request.call);

    if (request.reason === 'call' && call)
        return 'Call ' + call.name + ' used up the ' + msText(call.granted_ms) +
               ' that it was granted of the budget of ' + msText(request.budget_ms) + '.';
    if (request.reason === 'infeasible' && callsOf(request).length > 0)
        return 'When it was the turn of ' +
               (request.call ? 'call ' + request.call : 'the next call') +
               ', less was left of the budget of ' + msText(request.budget_ms) +
               ' than it needs at the least.';
    return 'Of a budget of ' + msText(request.budget_ms) + ': ' + why + '.';
}

function whoseSentence(request)
{
    const words = wordOf(WHOSE, request.whose, request.whose);
    return words ? ' Whose time it was – ' + words[0].toLowerCase() + words.slice(1) + '.' : '';
}

function verdictOfTimeout(request)
{
    return whatHappened(request) + whoseSentence(request) + latenessOf(request);
}

function verdict(request)
{
    if (request.outcome === 'timeout')
        return verdictOfTimeout(request);
    const words = wordOf(OUTCOMES, request.outcome, request.outcome);
    const call = callsOf(request).find((each) => each.name === request.call);
    const sentence = words[0].toUpperCase() + words.slice(1);
    const blamed =
        call ? ' Call ' + call.name + ': ' + wordOf(CALL_OUTCOMES, call.outcome, call.outcome) + '.'
             : '';
    return sentence + '.' + blamed + whoseSentence(request) + latenessOf(request);
}

/* Of one that was observed: what enforcing its budget would have done with it. */
function wouldSentences(request)
{
    const named = (calls, what) =>
        calls && calls.length > 0
            ? ' Calls that would have been ' + what + ': ' + calls.join(', ') + '.'
            : '';
    const why = request.would_reason
                    ? ': ' + wordOf(REASONS, request.would_reason, request.would_reason)
                    : '';
    const call = request.would_call ? ' (' + request.would_call + ')' : '';

    return 'Held to its budget, ' + wordOf(WOULD, request.would, request.would) + why + call + '.' +
           named(request.would_cut, 'cut') + named(request.would_skip, 'skipped');
}

/* ---- its ledger */

function ledgerRow(call, request)
{
    const isCut = (request.would_cut || []).includes(call.name);
    const late = cutLate(call, request);
    const number = (text, extra) => make('td', {class: 'number ' + (extra || '')}, text);
    const ms = (value) => Number.isFinite(value) ? value.toFixed(1) : '–';
    const tone = wordOf(CALL_TONES, call.outcome, 'bad');

    return make('tr', {class: call.name === request.call ? 'chosen' : undefined},
        make('th', {scope: 'row'}, call.name,
            call.upstream ? make('span', {class: 'match quiet'}, call.upstream) : null),
        make('td', {}, make('span', {class: 'word ' + tone}, call.outcome),
            make('span', {class: 'match quiet'}, wordOf(CALL_OUTCOMES, call.outcome, '')),
            isCut ? make('span', {class: 'match word warn'}, 'would have been cut') : null,
            late > 0 ? make('span', {class: 'match word warn'}, 'cut ' + msText(late) + ' late')
                     : null),
        number(call.status ? String(call.status) : '–'), number(countText(call.attempts)),
        number(ms(call.begun_ms)), number(ms(call.granted_ms)), number(ms(call.used_ms)),
        number(ms(call.granted_ms - call.used_ms), 'quiet'), number(ms(call.queued_ms), 'quiet'));
}

function ledger(request)
{
    if (callsOf(request).length === 0)
        return make('p', {class: 'empty'}, 'No call was made.');
    return make('div',
        {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Ledger of its calls'},
        make('table', {class: 'ledger'}, make('caption', {}, 'Ledger, in ms'),
            head(['Call'], ['Outcome'], ['Status', 'number'], ['Attempts', 'number'],
                ['Begun at', 'number'], ['Granted', 'number'], ['Used', 'number'],
                ['Left', 'number'], ['Queued', 'number']),
            make('tbody', {}, ...callsOf(request).map((call) => ledgerRow(call, request)))));
}

/* ---- what else is known */

function facts(request)
{
    const known = [
        ['Request id', request.request_id, 'code'],
        ['Trace id', request.trace_id, 'code'],
        ['Time', request.time],
        ['Client', request.client],
        ['Route', request.route || 'none'],
        [
            'Mode',
            request.mode === 'observe' ? 'observed: it was not held to its budget' : request.mode
        ],
        [
            'Budget',
            request.budget_ms > 0
                ? msText(request.budget_ms) + ', ' +
                      (request.source === 'default' ? 'the default' : 'from ' + request.source)
                : undefined
        ],
        [
            'Elapsed',
            msText(request.elapsed_ms) +
                (request.budget_ms > 0 ? ', ' + shareText(shareUsed(request)) + ' of the budget'
                                       : '')
        ],
        [
            'The proxy itself',
            Number.isFinite(request.local_ms) ? msText(request.local_ms) : undefined
        ],
        ['Waiting for places', request.queue_ms > 0 ? msText(request.queue_ms) : undefined],
        ['Upload', request.upload_ms > 0 ? msText(request.upload_ms) : undefined],
        [
            'Body bytes',
            countText(request.bytes_up) + ' up, ' + countText(request.bytes_down) + ' down'
        ],
        ['Termination', request.termination + ': ' + terminationInWords(request.termination)],
        ['Reason', request.reason],
        ['Whose time', request.whose && wordOf(WHOSE, request.whose, request.whose)],
    ];

    return make('dl', {class: 'facts'},
        ...known.filter(([, value]) => value !== undefined)
            .flatMap(([name, value, kind]) => [make('dt', {}, name),
                         make('dd', {}, kind === 'code' ? make('code', {}, value) : value)]));
}

function renderWhole(request)
{
    return make('article', {},
        make('p', {class: 'headline'}, outcomeTag(request), ' ',
            make('span', {class: 'target'}, request.method + ' ' + request.path), ' ',
            make('span', {class: 'spent'}, spentText(request))),
        make('p', {class: 'verdict'}, verdict(request)),
        request.would ? make('p', {class: 'verdict'}, wouldSentences(request)) : null,
        make('div', {class: 'large'}, waterfall(request), timeScale(request)), ledger(request),
        facts(request));
}

/* ---- opened and closed */

function chosenRequest()
{
    const match = location.hash.match(/^#request=(.+)$/);
    try {
        return match ? decodeURIComponent(match[1]) : null;
    } catch {
        return match[1];
    }
}

/* Those with this id, newest first: clients may send one id twice. What is in the list does when
 * the proxy cannot be asked. */
async function findRequests(id)
{
    try {
        return (await fetchJson('/requests?' + new URLSearchParams({id}))).requests;
    } catch {
        return (requestsAnswer ? requestsAnswer.requests : [])
            .filter((request) => request.request_id === id);
    }
}

function notFound(id)
{
    return make('p', {class: 'empty'}, 'No request with the id ', make('code', {}, id),
        ' is kept any longer, or it never came here. The log may have it.');
}

async function openRequest()
{
    const id = chosenRequest();
    const dialog = byId('request');

    if (id === null) {
        dialog.close();
        return;
    }
    const found = await findRequests(id);
    if (chosenRequest() !== id)
        return;
    setText(byId('request-title'),
        found.length > 1 ? countText(found.length) + ' requests with one id' : 'Request');
    byId('request-body').replaceChildren(...(found.length > 0 ? found.map(renderWhole) : [notFound(
                                                                                             id)]));
    if (!dialog.open)
        dialog.showModal();
    byId('request-title').focus();
}

function closeRequest()
{
    if (chosenRequest() !== null)
        history.replaceState(null, '', location.pathname + location.search);
}

function listenToRequest()
{
    const dialog = byId('request');

    window.addEventListener('hashchange', openRequest);
    dialog.addEventListener('close', closeRequest);
    dialog.addEventListener('click', (event) => {
        if (event.target === dialog) /* beside it: its content does not reach the backdrop */
            dialog.close();
    });
    byId('request-close').addEventListener('click', () => dialog.close());
}
