/* A request on a time axis: each call's grant as an outline, what it used as a bar (thin while it
 * waited for a place), the end of the budget as a line. */
'use strict';

/* How long the axis is: the budget, and a little more; or what it took, if that was longer. */
function axisOf(request)
{
    const furthest = Math.max(
        request.elapsed_ms, ...callsOf(request).map((call) => call.begun_ms + call.used_ms));
    return Math.max((request.budget_ms || 0) * 1.04, furthest * 1.02, 0.001);
}

function callsOf(request)
{
    return request.calls || [];
}

function percent(value, axis)
{
    return (Math.min(Math.max(value / axis, 0), 1) * 100).toFixed(3) + '%';
}

function drawSpan(kind, from, length, axis, top, height)
{
    return draw('rect', {
        class: kind,
        x: percent(from, axis),
        y: top,
        height,
        width: percent(Math.min(length, axis - from), axis),
    });
}

function drawDeadline(budget, axis)
{
    if (!budget)
        return null;
    const x = percent(budget, axis);
    return draw('line', {class: 'deadline', x1: x, x2: x, y1: '0', y2: '100%'});
}

/* A bar is never too short to be seen. */
function visible(ms, axis)
{
    return Math.max(ms, axis * 0.004);
}

function drawCall(call, axis)
{
    const tone = wordOf(CALL_TONES, call.outcome, 'bad');
    const queued = Math.min(call.queued_ms || 0, call.used_ms);
    const bar = [];

    if (call.granted_ms > 0)
        bar.push(drawSpan('grant', call.begun_ms, call.granted_ms, axis, 1.5, 11));
    if (queued > 0)
        bar.push(drawSpan('use ' + tone, call.begun_ms, queued, axis, 6, 2));
    if (call.attempts > 0 || call.used_ms > queued)
        bar.push(drawSpan('use ' + tone, call.begun_ms + queued,
            visible(call.used_ms - queued, axis), axis, 3.5, 7));
    return bar;
}

function drawLane(request, axis, parts)
{
    return draw('svg', {class: 'lane', 'aria-hidden': 'true'}, ...parts,
        drawDeadline(request.budget_ms, axis));
}

function callLabel(call)
{
    const words = call.outcome === 'ok' ? [] : [
        ' ', make('span', {class: 'word ' + wordOf(CALL_TONES, call.outcome, 'bad')}, call.outcome)
    ];
    return make('span', {class: 'lane-name'}, call.name, ...words);
}

/* One lane for each call; one for the request itself, if it made none. */
function waterfall(request)
{
    const axis = axisOf(request);
    const lanes = callsOf(request).map((call) => make('span', {class: 'lane-row'}, callLabel(call),
                                           drawLane(request, axis, drawCall(call, axis))));

    if (lanes.length === 0)
        lanes.push(make('span', {class: 'lane-row'},
            make('span', {class: 'lane-name quiet'}, 'no call was made'),
            drawLane(request, axis,
                [drawSpan('use mild', 0, visible(request.elapsed_ms, axis), axis, 5.5, 3)])));
    return make('span', {class: 'waterfall'}, ...lanes);
}

/* Round steps for a scale under a waterfall: at most five. */
function scaleSteps(axis)
{
    const rough = axis / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    return Array.from({length: Math.floor(axis / step) + 1}, (_, i) => i * step);
}

function timeScale(request)
{
    const axis = axisOf(request);
    const budget = request.budget_ms || 0;
    const steps = scaleSteps(axis).filter((ms) => ms < budget - axis * 0.3 || ms > budget);
    const labels = steps.map((ms, i) => draw('text', {
        x: percent(ms, axis),
        y: 12,
        'text-anchor': i === 0            ? 'start'
                       : ms > axis * 0.95 ? 'end'
                                          : 'middle',
    },
                                 i === 0 ? '0 ms' : numberText(ms)));
    if (budget > 0)
        labels.push(draw('text',
            {x: percent(budget, axis), y: 12, 'text-anchor': budget > axis * 0.3 ? 'end' : 'start'},
            'budget ' + numberText(budget)));
    return make('span', {class: 'lane-row scale', 'aria-hidden': 'true'},
        make('span', {class: 'lane-name'}), draw('svg', {class: 'lane'}, ...labels));
}
