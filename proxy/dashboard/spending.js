/* Where the time of a route goes, call by call; whose time its 504s were; and what a little more
 * time would have changed. */
'use strict';

const MORE_MS = [20, 50, 100, 200];

/* ---- where the time goes */

/* What is drawn and told of a call, of the proxy's own work, or of all. */
function spendingRow(name, used, span, whole)
{
    return {
        name,
        granted: NaN,
        p50: quantile(used, span.bounds, 0.5),
        p99: quantile(used, span.bounds, 0.99),
        share: used.sum / whole.sum,
        cut: NaN,
    };
}

/* Where grants are enforced a call uses no more than its own, whatever a wide bucket says. */
function callRow(call, route, span)
{
    const row = spendingRow(call.name, call.used, span, route.elapsed);
    const most = route.mode === 'enforce' ? highest(call.granted, span.bounds) : Infinity;
    const calls = total(call.outcomes);

    return {
        ...row,
        granted: call.granted.sum / call.granted.count,
        p50: most < row.p50 ? most : row.p50,
        p99: most < row.p99 ? most : row.p99,
        cut: calls > 0 ? (call.outcomes.timeout || 0) / calls : NaN,
        note: call.upstream + (call.optional ? ', optional' : ''),
    };
}

function spendingRows(route, span)
{
    return [
        ...route.calls.map((call) => callRow(call, route, span)),
        {...spendingRow('local', route.local, span, route.elapsed), note: 'the proxy’s own work'},
        {
            ...spendingRow('whole request', route.elapsed, span, route.elapsed),
            p50: timeOf(route, span, 0.5),
            p99: timeOf(route, span, 0.99),
            note: '',
            isWhole: true
        },
    ];
}

function drawSpending(row, axis, budget)
{
    const tone = row.isWhole ? 'whole' : 'good';

    return draw('svg', {class: 'lane', 'aria-hidden': 'true'},
        Number.isFinite(row.granted) ? drawSpan('grant', 0, row.granted, axis, 1.5, 11) : null,
        Number.isFinite(row.p99) ? drawSpan('use faint ' + tone, 0, row.p99, axis, 5, 4) : null,
        Number.isFinite(row.p50) ? drawSpan('use ' + tone, 0, visible(row.p50, axis), axis, 3.5, 7)
                                 : null,
        drawDeadline(budget, axis));
}

function renderSpendingRow(row, axis, budget)
{
    const number = (text, extra) => make('td', {class: 'number ' + (extra || '')}, text);

    return make('tr', {class: row.isWhole ? 'whole' : undefined},
        make('th', {scope: 'row'}, row.name,
            row.note ? make('span', {class: 'match quiet'}, row.note) : null),
        number(numberText(row.granted)), number(numberText(row.p50)), number(numberText(row.p99)),
        number(row.isWhole ? '' : shareText(row.share)),
        number(row.isWhole ? '' : shareText(row.cut), row.cut > 0 ? 'word bad' : 'quiet'),
        make('td', {class: 'picture wide'}, drawSpending(row, axis, budget)));
}

function head(...names)
{
    return make('thead', {},
        make('tr', {},
            ...names.map(([name, kind]) => make('th', {scope: 'col', class: kind}, name))));
}

function spendingTable(route, span)
{
    const rows = spendingRows(route, span);
    const budget = budgetOf(route);
    const axis = Math.max(budget * 1.04, ...rows.map((row) => row.p99 || 0), 0.001);

    return make('table', {},
        head(['Call'], ['Granted', 'number'], ['p50 used', 'number'], ['p99 used', 'number'],
            ['Share', 'number'], ['Cut', 'number'], ['of ' + msText(budget), 'picture wide']),
        make('tbody', {}, ...rows.map((row) => renderSpendingRow(row, axis, budget))));
}

function spendingPart(route, span)
{
    if (route.total === 0)
        return [make('p', {class: 'empty'}, 'No request to this route in this time.')];
    return [
        spendingTable(route, span),
        make('p', {class: 'quiet remark'},
            'Granted is the mean; the outline is that, the bar the median, the thin bar the 99th ' +
                'percentile. Each line stands by itself: the medians of calls do not add up to ' +
                'that of the request. Share is of all the time that requests took; calls side ' +
                'by side can make it more than 100 % in all.')
    ];
}

/* ---- the 504s */

/* Names and counts of those that there are, the most first. */
function presentOf(counts)
{
    return Object.entries(counts).filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
}

function countRow([name, count], all, heading)
{
    return make('tr', {}, make('th', {scope: 'row'}, ...heading(name)),
        make('td', {class: 'number'}, countText(count)),
        make('td', {class: 'number'}, shareText(count / all)));
}

function whoseTable(route)
{
    return make('table', {id: 'whose'},
        head(['Whose time it was'], ['504', 'number'], ['Share', 'number']),
        make('tbody', {},
            ...presentOf(route.timeouts_whose)
                .map((row) => countRow(row, total(route.timeouts_whose),
                         (name) => [wordOf(WHOSE, name, name)]))));
}

function reasonsTable(route)
{
    const heading =
        (name) => [name, make('span', {class: 'match quiet'}, wordOf(REASONS, name, ''))];

    return make('table', {id: 'reasons'}, head(['Reason'], ['504', 'number'], ['Share', 'number']),
        make('tbody', {},
            ...presentOf(route.timeouts)
                .map((row) => countRow(row, total(route.timeouts), heading))));
}

/* Calls that ended so have used up their grant: what makes a 504 with the reason "call". */
const CUT = ['timeout', 'dns_timeout', 'connect_timeout'];

/* Of the 504s, how many would surely have been answered with so much more. Each has a required call
 * that was cut, or several, and for each of these it takes a late answer that was read on and came in
 * that time. Which calls were of one request is not known: so each one without such an answer is
 * taken to have spoilt a 504 of its own, though there may be fewer. */
function savedBy(route, span)
{
    const calls = route.calls.filter((call) => !call.optional).map((call) => ({
        cut: CUT.reduce((sum, outcome) => sum + (call.outcomes[outcome] || 0), 0),
        late: call.late,
    }));
    const most = Math.min(route.timeouts.call || 0, calls.reduce((sum, {cut}) => sum + cut, 0));
    const without = (answered) =>
        calls.reduce((sum, call) => sum + Math.max(0, call.cut - answered(call.late)), 0);
    const surely = (answered) => Math.max(0, most - without(answered));

    return {
        all: total(route.timeouts),
        known: surely((late) => late.count),
        rows: MORE_MS.map(
            (more) => ({more, saved: surely((late) => countUpTo(late, span.bounds, more))})),
    };
}

function savedRow(row, all)
{
    return make('tr', {}, make('th', {scope: 'row'}, '+\u00a0' + row.more + '\u00a0ms'),
        make('td', {class: 'number'}, countText(row.saved)),
        make('td', {class: 'number'}, shareText(row.saved / all)),
        make('td', {class: 'picture'},
            draw('svg', {class: 'lane', 'aria-hidden': 'true'},
                drawSpan('grant', 0, all, all, 1.5, 11),
                drawSpan('use good', 0, row.saved, all, 3.5, 7))));
}

function savedRemark({known, all})
{
    return 'At the least. Known for ' + countText(known) + ' of ' + countText(all) + ' 504s: ' +
           'those whose calls were all answered late, which is seen with on-expiry = drain at ' +
           'their upstreams. What comes after such a call, or ran beside it, would have needed ' +
           'time of its own.';
}

function savedPart(route, span)
{
    const saved = savedBy(route, span);

    if (saved.known === 0)
        return [make('p', {class: 'empty'},
            'Nobody knows whether more time would have helped: that takes late answers that ' +
                'were read to their end, and on-expiry = drain at the upstreams of its calls.')];
    return [
        make('table', {id: 'saved'},
            head(['With'], ['answered', 'number'], ['of the 504s', 'number'], ['', 'picture']),
            make('tbody', {}, ...saved.rows.map((row) => savedRow(row, saved.all)))),
        make('p', {class: 'quiet remark'}, savedRemark(saved)),
    ];
}

function timeoutsPart(route, span)
{
    if (total(route.timeouts) === 0)
        return [make('h3', {}, 'Its 504s'), make('p', {class: 'empty'}, 'None in this time.')];
    return [
        make('h3', {}, 'Its ' + countText(total(route.timeouts)) + ' 504s'),
        whoseTable(route),
        reasonsTable(route),
        make('h3', {}, 'Would a little more time have helped?'),
        ...savedPart(route, span),
    ];
}

/* ---- together */

function showSpending(span)
{
    const route = span.routes.find((each) => each.name === chosenRoute);

    byId('spending').hidden = !route;
    if (!route)
        return;
    setText(byId('spending-title'), 'Where the time of ' + route.name + ' goes');
    setText(byId('spending-note'), 'in ms, ' + windowText(span));
    showWhenChanged(byId('spending-calls'), JSON.stringify([route.name, spendingRows(route, span)]),
        () => spendingPart(route, span));
    showWhenChanged(byId('spending-timeouts'),
        JSON.stringify([route.name, route.timeouts, route.timeouts_whose, savedBy(route, span)]),
        () => timeoutsPart(route, span));
}

/* The one to begin with: where the 504s are, or what is asked for most. */
function chooseFirstRoute(span)
{
    if (chosenRoute !== null && span.routes.some((route) => route.name === chosenRoute))
        return;
    const first = inOrder(span.routes)[0];
    chosenRoute = first && first.total > 0 ? first.name : null;
}
