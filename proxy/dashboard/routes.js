/* The numbers at the top, and the table of routes. */
'use strict';

const ROUTES_SHOWN = 25;
const NOW_MS = 5000;
const LATE_MS =
    20; /* the most that reply = auto keeps back: what is later may cost a 504 its time */

let areAllRoutesShown = false;
let chosenRoute = null;

/* ---- the numbers at the top */

function tile(name, value, note, tone)
{
    return {name, value, note: note || '', tone: tone || ''};
}

function renderTile(each)
{
    return make('div', {class: 'tile ' + each.tone}, make('dt', {}, each.name),
        make('dd', {}, make('strong', {}, each.value), make('span', {class: 'quiet'}, each.note)));
}

/* "≤ 2 ms": what is known of the latest; beyond all bounds, what it surely was. */
function latenessText(histogram, bounds)
{
    const most = atMost(histogram, bounds);

    if (Number.isNaN(most))
        return '–';
    return most === Infinity ? '> ' + msText(bounds[bounds.length - 1]) : '≤ ' + msText(most);
}

/* How late the proxy itself was at most, and with what: whatever its event loop had for it, or with
 * cutting a call whose time was up. */
function latenessTile({lateness, bounds})
{
    const both = histogramSum([lateness.loop_lag, lateness.deadline_lateness]);
    const most = atMost(both, bounds);
    const isCut = atMost(lateness.deadline_lateness, bounds) === most;

    return tile('Proxy itself late', latenessText(both, bounds),
        Number.isNaN(most) ? ''
        : isCut            ? 'cutting a call'
                           : 'in its event loop',
        most > LATE_MS ? 'warn' : '');
}

/* Requests, with those that no route took. */
function totalOfAll(span)
{
    return span.routes.reduce((sum, route) => sum + route.total, total(span.unrouted));
}

function tilesOf(answer, span)
{
    const now = recently(NOW_MS);
    const rate = totalOfAll(now) / (now.length_ms / 1000);
    const all = totalOfAll(span);
    const timeouts = span.routes.reduce((sum, route) => sum + total(route.timeouts), 0);
    const ratio = histogramSum(span.routes.map((route) => route.used_ratio));
    const process = answer.process;
    const dropped = process.log_lines_dropped;

    return [
        tile('Requests/s', now.length_ms > 0 ? numberText(rate) : '–', 'now'),
        tile('In flight', countText(process.in_flight),
            process.workers + (process.workers === 1 ? ' worker' : ' workers')),
        tile('504', countText(timeouts),
            all > 0 ? shareText(timeouts / all) + ' of ' + countText(all) : '',
            timeouts > 0 ? 'bad' : ''),
        tile('Budget used', shareText(quantile(ratio, span.ratios, 0.5)),
            'p99 ' + shareText(quantile(ratio, span.ratios, 0.99))),
        tile('Connections', countText(process.connections),
            'of ' + countText(process.max_connections)),
        tile(
            'Memory', bytesText(process.memory_bytes), 'of ' + bytesText(process.memory_max_bytes)),
        latenessTile(span),
        ...(dropped > 0 ? [tile('Log lines lost', countText(dropped), 'since the start', 'warn')]
                        : []),
    ];
}

function showTiles(answer, span)
{
    setText(byId('tiles-note'), '504, budget used, lateness: ' + windowText(span) + waitText(span));
    showAll(byId('tiles'), tilesOf(answer, span), (each) => each.name, JSON.stringify, renderTile);
}

/* ---- the table */

function troubles(requests)
{
    return Object.entries(requests)
        .filter(([name, count]) => count > 0 && name !== 'ok' && name !== 'timeout')
        .map(([name, count]) => ({name, count, tone: wordOf(OUTCOME_TONES, name, 'bad')}))
        .sort((a, b) => b.count - a.count);
}

/* With those that were only observed. */
function troublesOf(route)
{
    const count = total(route.would_time_out);
    const others = troubles(route.requests);
    return count > 0 ? [{name: 'would be 504', count, tone: 'warn'}, ...others] : others;
}

function failures(route)
{
    return troublesOf(route).reduce((sum, {count, tone}) => tone === 'mild' ? sum : sum + count, 0);
}

/* Those with 504s first, then other failures, then by how much they are asked for. */
function inOrder(routes)
{
    return [...routes].sort((a, b) => total(b.timeouts) - total(a.timeouts) ||
                                      failures(b) - failures(a) || b.total - a.total);
}

/* The mean; without any request, what one would get. */
function budgetOf(route)
{
    return route.budget.count > 0 ? route.budget.sum / route.budget.count : route.default_ms;
}

/* A percentile of the times of a route's requests. Those that used no more than their budget took no
 * longer than that, whatever a wide bucket says. */
function timeOf(route, span, q)
{
    const time = quantile(route.elapsed, span.bounds, q);
    const isWithin = quantile(route.used_ratio, span.ratios, q) <= 1;

    return isWithin ? Math.min(time, highest(route.budget, span.bounds)) : time;
}

function rateOf(count, span)
{
    return count / Math.max(span.length_ms / 1000, 0.001);
}

function rowOf(route, span)
{
    return {
        name: route.name,
        match: route.match,
        mode: route.mode,
        isChosen: route.name === chosenRoute,
        rate: rateOf(route.total, span),
        inFlight: route.in_flight,
        timeouts: total(route.timeouts),
        others: troublesOf(route),
        p50: timeOf(route, span, 0.5),
        p99: timeOf(route, span, 0.99),
        budget: budgetOf(route),
        isOver: quantile(route.used_ratio, span.ratios, 0.99) > 1,
    };
}

function drawBullet(row)
{
    const axis = Math.max(row.budget * 1.04, Number.isFinite(row.p99) ? row.p99 * 1.02 : 0);
    const tone = row.isOver ? 'bad' : 'good';

    return draw('svg', {class: 'lane', 'aria-hidden': 'true'},
        Number.isFinite(row.p99) ? drawSpan('use faint ' + tone, 0, row.p99, axis, 5, 4) : null,
        Number.isFinite(row.p50) ? drawSpan('use ' + tone, 0, row.p50, axis, 3.5, 7) : null,
        drawDeadline(row.budget, axis));
}

/* 25 failed, 3 refused */
function othersWords(row)
{
    return row.others.flatMap(({name, count, tone}, i) => [i > 0 ? ', ' : '',
                                  make('span', {class: tone === 'mild' ? 'quiet' : 'word ' + tone},
                                      countText(count) + ' ' + name),
    ]);
}

/* Where there is room for it; elsewhere it stands under the name. */
function othersCell(row)
{
    return make(
        'td', {class: 'number wide quiet'}, ...(row.others.length > 0 ? othersWords(row) : ['–']));
}

function nameCell(button, tag, match, row)
{
    return make('th', {scope: 'row'}, button, tag, make('span', {class: 'match quiet'}, match),
        row.others.length > 0 ? make('span', {class: 'match narrow'}, ...othersWords(row)) : null);
}

function renderRoute(row)
{
    const choose = make(
        'button', {type: 'button', class: 'link', 'aria-pressed': String(row.isChosen)}, row.name);
    const number = (text, extra) => make('td', {class: 'number ' + (extra || '')}, text);

    choose.addEventListener('click', () => chooseRoute(row.name));
    return make('tr', {class: row.isChosen ? 'chosen' : undefined},
        nameCell(choose, row.mode === 'observe' ? make('span', {class: 'tag'}, 'observed') : null,
            row.match, row),
        number(numberText(row.rate)), number(countText(row.inFlight), 'wide'),
        number(countText(row.timeouts), row.timeouts > 0 ? 'word bad' : 'quiet'), othersCell(row),
        number(numberText(row.p50)), number(numberText(row.p99), row.isOver ? 'word bad' : ''),
        number(numberText(row.budget)), make('td', {class: 'wide picture'}, drawBullet(row)));
}

/* Requests that no route took have no budget, no calls, and no place where their time goes. */
function unroutedRow(span)
{
    return {
        name: NO_ROUTE,
        rate: rateOf(total(span.unrouted), span),
        others: troubles(span.unrouted),
    };
}

function renderUnrouted(row)
{
    const list = make('button', {type: 'button', class: 'link'}, 'no route');
    const number = (text, extra) => make('td', {class: 'number ' + (extra || '')}, text);

    list.addEventListener('click', () => listRoute(NO_ROUTE));
    return make('tr', {}, nameCell(list, null, 'answered 404 or 405', row),
        number(numberText(row.rate)), number('–', 'wide quiet'), number('–', 'quiet'),
        othersCell(row), number('–', 'quiet'), number('–', 'quiet'), number('–', 'quiet'),
        make('td', {class: 'wide picture'}));
}

function lastText(ms)
{
    return 'last ' + (ms === 60000 ? 'minute' : durationText(ms));
}

/* Of which time the numbers are. While nobody looked, as behind another tab, none were kept: then it
 * is longer than what was chosen. */
function windowText(span)
{
    if (span.asked_ms === 0)
        return 'since the start, ' + durationText(span.length_ms) + ' ago';
    return lastText(span.length_ms < 1.5 * span.asked_ms ? span.asked_ms : span.length_ms);
}

/* Why it is not the time that was chosen. */
function waitText(span)
{
    if (span.unseen_ms === 0)
        return '';
    return '; the ' + lastText(span.chosen_ms) + ' can be told in ' +
           durationText(Math.max(span.unseen_ms, 1000));
}

function showRoutes(span)
{
    const sorted = inOrder(span.routes);
    const rows = sorted.slice(0, areAllRoutesShown ? sorted.length : ROUTES_SHOWN)
                     .map((route) => rowOf(route, span));
    const isQuiet = totalOfAll(span) === 0;

    if (total(span.unrouted) > 0)
        rows.push(unroutedRow(span));

    setText(byId('routes-note'), 'times in ms, ' + windowText(span));
    showAll(byId('routes').tBodies[0], rows, (row) => row.name, JSON.stringify,
        (row) => row.name === NO_ROUTE ? renderUnrouted(row) : renderRoute(row));
    byId('routes').hidden = rows.length === 0;
    byId('routes-empty').hidden = !isQuiet;
    setText(byId('routes-empty'),
        sorted.length === 0 ? 'The configuration has no route.'
        : span.asked_ms === 0
            ? 'No request yet.'
            : 'No request in this time. What came before is under “since the start”.');
    byId('routes-all').hidden = sorted.length <= ROUTES_SHOWN;
    setText(byId('routes-all'), areAllRoutesShown
                                    ? 'Show the first ' + ROUTES_SHOWN + ' only'
                                    : 'Show all ' + countText(sorted.length) + ' routes');
}

function showUpstreams(answer)
{
    const number = (n, extra) => make('td', {class: 'number ' + (extra || '')}, countText(n));

    byId('upstreams').hidden = answer.upstreams.length === 0;
    showAll(byId('upstreams').querySelector('tbody'), answer.upstreams, (each) => each.name,
        JSON.stringify,
        (each) => make('tr', {}, make('th', {scope: 'row'}, each.name), number(each.in_flight),
            number(each.queued, each.queued > 0 ? 'word warn' : ''), number(each.connections),
            number(each.retries), number(each.hedges, 'wide'), number(each.hedges_won, 'wide')));
}
