/* The list of recent requests, and what is asked of /requests for it. */
'use strict';

const REQUESTS_LIMIT = 60;
const NO_ROUTE = '(none)'; /* as /requests names it */

let requestsAnswer = null;
let isListPressed = false; /* a finger or a button is down on it */

/* ---- which */

function requestsQuery()
{
    const query = new URLSearchParams({limit: REQUESTS_LIMIT});
    const wanted = {
        route: byId('filter-route').value,
        outcome: byId('filter-outcome').value,
        whose: byId('filter-whose').value,
        reason: byId('filter-reason').value,
        call: byId('filter-call').value,
        would: byId('filter-would').value,
        id: byId('filter-id').value.trim(),
    };

    for (const [name, value] of Object.entries(wanted)) {
        if (value !== '')
            query.set(name, value);
    }
    if (byId('order').value === 'worst')
        query.set('worst', '1');
    return query;
}

function isFiltered()
{
    return ['route', 'outcome', 'whose', 'reason', 'call', 'would', 'id'].some(
        (name) => byId('filter-' + name).value !== '');
}

/* The calls of the chosen route, or of all. */
function callNames(routes)
{
    const chosen = byId('filter-route').value;
    const calls = routes.filter((route) => chosen === '' || route.name === chosen)
                      .flatMap((route) => route.calls.map((call) => call.name));
    return [...new Set(calls)].sort();
}

function showFilters({routes, unrouted})
{
    const names = routes.map((route) => route.name);

    setOptions(byId('filter-route'), total(unrouted || {}) > 0 ? [...names, NO_ROUTE] : names,
        (name) => name === NO_ROUTE ? 'no route' : name);
    setOptions(byId('filter-call'), callNames(routes));
    setOptions(byId('filter-outcome'), Object.keys(OUTCOMES),
        (name) => name + ' – ' + wordOf(OUTCOMES, name, ''));
    setOptions(byId('filter-whose'), Object.keys(WHOSE), (name) => wordOf(WHOSE, name, name));
    setOptions(byId('filter-reason'), Object.keys(ALL_REASONS),
        (name) => name + ' – ' + wordOf(ALL_REASONS, name, ''));
    setOptions(byId('filter-would'), Object.keys(WOULD), (name) => wordOf(WOULD, name, name));
    byId('filter-would').parentElement.hidden =
        byId('filter-would').value === '' && routes.every((route) => route.mode !== 'observe');
}

/* The list shows those of one route. */
function listRoute(name)
{
    byId('filters').reset();
    byId('filter-route').value = name;
    byId('requests').scrollIntoView();
    byId('requests').focus({preventScroll: true});
}

/* ---- one of them, in the list */

function outcomeTag(request)
{
    const tone = wordOf(OUTCOME_TONES, request.outcome, 'bad');
    return make('span', {class: 'outcome ' + tone}, make('b', {}, String(request.status || '–')),
        ' ' + request.outcome);
}

function shareUsed(request)
{
    return request.budget_ms > 0 ? request.elapsed_ms / request.budget_ms : NaN;
}

function timeOfDay(request)
{
    const time = new Date(request.time);
    return make('time', {datetime: request.time, class: 'quiet'},
        Number.isNaN(time.getTime()) ? request.time : time.toLocaleTimeString('en-GB'));
}

function spentText(request)
{
    const spent = numberText(request.elapsed_ms);
    return request.budget_ms > 0 ? spent + ' of ' + msText(request.budget_ms) : spent + ' ms';
}

function blameText(request)
{
    const of = request.call ? 'in ' + request.call : '';
    const reason = request.reason && request.reason !== 'call' ? request.reason : '';
    const whose = wordOf(WHOSE_MARKS, request.whose, '');
    const what = [reason, of].filter((part) => part !== '').join(' ');
    return [what, whose].filter((part) => part !== '').join(', ');
}

/* What a request would have come to that was only observed, if that is not what it has come to. */
function wouldMark(request)
{
    const words = wordOf(WOULD_MARKS, request.would, '');
    if (words === '')
        return null;
    return make('span', {class: 'word warn'},
        words + (request.would_call ? ' in ' + request.would_call : ''));
}

function requestKey(request)
{
    return request.request_id + ' ' + request.time;
}

function requestLink(id)
{
    return '#request=' + encodeURIComponent(id);
}

function renderRequest(request)
{
    const isOver = shareUsed(request) > 1;

    return make('li', {},
        make('a', {href: requestLink(request.request_id), class: 'row'},
            make('span', {class: 'what'}, outcomeTag(request), ' ',
                make('span', {class: 'quiet'}, blameText(request)), ' ', wouldMark(request), ' ',
                make('span', {class: 'target'}, request.method + ' ' + request.path)),
            ' ', waterfall(request), ' ',
            make('span', {class: 'spent'},
                make('span', {class: isOver ? 'word bad' : ''}, spentText(request)), ' ',
                make('span', {class: 'quiet'},
                    shareText(shareUsed(request)) +
                        (request.mode === 'observe' ? ', observed' : '')),
                ' ', timeOfDay(request))));
}

/* ---- all of them */

/* Links that move away under the pointer, or under the keyboard's focus, cannot be used. */
function isHeld()
{
    const list = byId('list');
    return isListPressed || list.matches(':hover') && matchMedia('(hover: hover)').matches ||
           list.querySelector(':focus-visible') !== null;
}

function listenToList()
{
    byId('list').addEventListener('pointerdown', () => { isListPressed = true; });
    for (const end of ['pointerup', 'pointercancel'])
        window.addEventListener(end, () => { isListPressed = false; });
}

function notKept(count)
{
    return countText(count) + (count === 1 ? ' was' : ' were') + ' not kept';
}

function requestsNote(answer, isHeldNow)
{
    const skipped = answer.skipped > 0 ? '; ' + notKept(answer.skipped) : '';
    const held = isHeldNow ? 'held while you are in the list; ' : '';
    return held + countText(answer.requests.length) + ' shown' + skipped;
}

function emptyText()
{
    return isFiltered() ? 'No recent request is like that.'
                        : 'No request yet. As soon as one is over, it is here.';
}

function showRequests(answer)
{
    const held = isHeld() && byId('list').children.length > 0;

    setText(byId('requests-note'), requestsNote(answer, held));
    if (held)
        return;
    requestsAnswer = answer;
    showAll(byId('list'), answer.requests, requestKey, () => '', renderRequest);
    byId('requests-empty').hidden = answer.requests.length > 0;
    setText(byId('requests-empty'), emptyText());
}

function legendItem(picture, text)
{
    return make('span', {class: 'key'},
        draw('svg', {class: 'lane', 'aria-hidden': 'true'}, ...picture), text);
}

function showLegend()
{
    byId('legend').append(legendItem([drawSpan('grant', 0, 9, 10, 1.5, 11)], 'granted to a call '),
        legendItem([drawSpan('use good', 0, 9, 10, 3.5, 7)], 'used '),
        legendItem([drawSpan('use good', 0, 9, 10, 6, 2)], 'waited for a place '),
        legendItem([drawSpan('use bad', 0, 9, 10, 3.5, 7)], 'failed, or cut '),
        legendItem([drawDeadline(5, 10)], 'end of the budget'));
}
