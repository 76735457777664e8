/* Arithmetic on histograms, and numbers as text. A histogram is {count, sum, buckets}: how many
 * fell into each bucket, not added up; the last bucket is what is above all bounds. */
'use strict';

const NO_HISTOGRAM = Object.freeze({count: 0, sum: 0, buckets: []});

function histogramOf(json)
{
    if (!json)
        return NO_HISTOGRAM;
    return {count: json.count, sum: json.sum_ms ?? json.sum ?? 0, buckets: json.buckets || []};
}

/* What came into `later` since `earlier`; all of it, without an earlier one. */
function histogramSince(later, earlier)
{
    if (!earlier)
        return later;
    return {
        count: Math.max(0, later.count - earlier.count),
        sum: Math.max(0, later.sum - earlier.sum),
        buckets: later.buckets.map((n, i) => Math.max(0, n - (earlier.buckets[i] || 0))),
    };
}

function histogramSum(histograms)
{
    const buckets = [];
    for (const histogram of histograms)
        histogram.buckets.forEach((n, i) => { buckets[i] = (buckets[i] || 0) + n; });
    return {
        count: histograms.reduce((sum, histogram) => sum + histogram.count, 0),
        sum: histograms.reduce((sum, histogram) => sum + histogram.sum, 0),
        buckets,
    };
}

/* The value below which the share q of a histogram lies, as if each bucket were filled evenly; NaN
 * when it is empty, and the highest bound for what is above that. */
function quantile(histogram, bounds, q)
{
    const total = histogram.buckets.reduce((sum, n) => sum + n, 0);
    let below = 0;

    if (total === 0)
        return NaN;
    for (let i = 0; i < bounds.length; i++) {
        const inside = histogram.buckets[i];
        if (inside > 0 && below + inside >= q * total) {
            const low = i > 0 ? bounds[i - 1] : 0;
            return low + (bounds[i] - low) * (q * total - below) / inside;
        }
        below += inside;
    }
    return bounds[bounds.length - 1];
}

/* About the highest value, where most are near it: the mean of the highest bucket that has any, as
 * the sum tells it when those in lower ones lie in their middle. Else that bucket's bound. */
function highest(histogram, bounds)
{
    const top = histogram.buckets.findLastIndex((n) => n > 0);
    const low = top > 0 ? bounds[top - 1] : 0;
    const high = bounds[top] ?? Infinity;
    const lower =
        histogram.buckets.slice(0, Math.max(top, 0))
            .reduce((sum, n, i) => sum + n * (bounds[i] + (i > 0 ? bounds[i - 1] : 0)) / 2, 0);

    if (top < 0 || histogram.buckets[top] < histogram.count / 2)
        return high;
    return Math.min(Math.max((histogram.sum - lower) / histogram.buckets[top], low), high);
}

/* What none of them is above, as far as it is known: NaN when it is empty. */
function atMost(histogram, bounds)
{
    const top = histogram.buckets.findLastIndex((n) => n > 0);
    return top < 0 ? NaN : bounds[top] ?? Infinity;
}

/* How many are surely not above a limit: those in buckets that end at it or before. */
function countUpTo(histogram, bounds, limit)
{
    return bounds.reduce(
        (sum, bound, i) => bound <= limit ? sum + (histogram.buckets[i] || 0) : sum, 0);
}

/* What was counted in `later` since `earlier`, name by name. */
function countsSince(later, earlier)
{
    const counts = {};
    for (const [name, count] of Object.entries(later || {}))
        counts[name] = Math.max(0, count - (earlier && earlier[name] || 0));
    return counts;
}

function total(counts)
{
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

const grouped = new Intl.NumberFormat('en', {maximumFractionDigits: 0});

function countText(n)
{
    return grouped.format(n);
}

/* 0.42, 3.1, 412: as many digits as matter. */
function numberText(n)
{
    if (!Number.isFinite(n))
        return '–';
    if (n === 0 || n >= 9.95)
        return grouped.format(n);
    return n < 0.995 ? n.toFixed(2) : n.toFixed(1);
}

function msText(ms)
{
    return Number.isFinite(ms) ? numberText(ms) + ' ms' : '–';
}

function shareText(share)
{
    if (!Number.isFinite(share))
        return '–';
    return share > 0 && share < 0.01 ? '< 1 %' : grouped.format(share * 100) + ' %';
}

function bytesText(bytes)
{
    if (bytes < 10000)
        return countText(bytes) + ' B';
    return bytes < 1048576 ? countText(bytes / 1024) + ' KiB'
                           : numberText(bytes / 1048576) + ' MiB';
}

/* 12 s, 3 min, 2 h, 4 days */
function durationText(ms)
{
    const seconds = ms / 1000;
    if (seconds < 100)
        return Math.round(seconds) + ' s';
    if (seconds < 5400)
        return Math.round(seconds / 60) + ' min';
    return seconds < 172800 ? Math.round(seconds / 3600) + ' h'
                            : Math.round(seconds / 86400) + ' days';
}
