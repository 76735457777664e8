/* What the names in the JSON mean, for people. The names themselves are those of the log. */
'use strict';

const OUTCOMES = {
    ok: 'answered, as the upstream answered',
    upstream_5xx: 'the upstream answered with 5xx',
    timeout: '504: the time was up',
    failed: '502: a call failed',
    overload: '503: more than can be done',
    refused: 'refused: no route, or not a valid request',
    client_gone: 'the client left',
    cut: 'broken off after its head was sent',
};

/* How much an outcome matters: its colour. */
const OUTCOME_TONES = {
    ok: 'good',
    upstream_5xx: 'warn',
    timeout: 'bad',
    failed: 'bad',
    overload: 'bad',
    refused: 'mild',
    client_gone: 'mild',
    cut: 'bad',
};

const CALL_TONES = {
    ok: 'good',
    status: 'warn',
    skipped: 'mild',
    cancelled: 'mild',
    running: 'good'
};

const CALL_OUTCOMES = {
    ok: 'answered',
    running: 'was under way',
    skipped: 'skipped: too little time was left for it',
    cancelled: 'cancelled: nobody waited for it any longer',
    timeout: 'used up its grant without an answer',
    queue_timeout: 'used up its grant while it waited for a connection',
    unsent: 'too little was left when it could have been sent',
    upload_timeout: 'used up its grant while the client was still sending',
    dns_timeout: 'used up its grant while the name was looked up',
    connect_timeout: 'could not connect in time',
    dns_error: 'the name was not found',
    refused: 'no connection could be made',
    broken: 'the connection ended before the answer was complete',
    invalid: 'what came is not a valid answer',
    too_large: 'the answer is larger than what is kept of one',
    unfilled: 'its request could not be filled in',
    queue_full: 'too many calls were waiting already',
    no_memory: 'there was no memory left for its answer',
    status: 'answered, but not with what was needed',
};

/* Reasons of a 504: what was the matter when it came to that. */
const REASONS = {
    arrival: 'the budget had expired when the request came',
    infeasible: 'too little for what calls need, at the start or later',
    call: 'a call used up its grant',
    queue: 'no connection to the upstream came free in time',
    local: 'the proxy’s own work took too long',
    upload: 'the client was still sending its body',
    drain: 'the proxy was stopping',
};

/* With those of what is no 504. */
const ALL_REASONS = {
    ...REASONS,
    failed: 'a call failed',
    overload: 'there was more than can be done',
};

/* Whose limit it was that a 504 ran into. */
const WHOSE = {
    call: 'An upstream: over its call’s own budget',
    client: 'The client’s budget',
    default: 'The default of the route',
    max: 'max of the route',
    proxy: 'The proxy itself: it was late',
    drain: 'The drain',
};

/* The same where a sentence would be too long; an upstream's call is named beside it. */
const WHOSE_MARKS = {
    client: 'the client’s budget',
    default: 'the route’s default',
    max: 'the route’s max',
    proxy: 'the proxy was late',
};

/* What would have become of a request that was only observed. */
const WOULD = {
    go_on: 'it would have gone on',
    time_out: 'it would have been answered 504',
    break_off: 'its answer would have been broken off',
};

/* The same as a mark in the list. */
const WOULD_MARKS = {
    time_out: 'would be 504',
    break_off: 'would be broken off',
};

/* The two letters of a termination code. */
const TERMINATION_WHO = {
    '-': 'nobody ended it: it was answered',
    B: 'ended by its budget',
    C: 'ended by the client',
    U: 'ended by an upstream',
    P: 'ended by the proxy',
    R: 'ended by the rules',
    D: 'ended because the proxy was stopping',
};

const TERMINATION_WHERE = {
    A: 'on arrival, before any call',
    R: 'while the request’s body was read',
    N: 'while the upstream’s name was looked up',
    Q: 'while it waited for a place at the upstream',
    C: 'while it connected to the upstream',
    S: 'while the request was sent to the upstream',
    H: 'while it waited for the head of the upstream’s response',
    D: 'while the body of the upstream’s response came',
    L: 'between calls, or in the proxy itself',
    T: 'while the reply was on its way to the client',
};

function terminationInWords(code)
{
    const who = TERMINATION_WHO[code[0]] || 'ended';
    const where = TERMINATION_WHERE[code[1]];
    return where ? who + ', ' + where : who;
}

/* Its own members only: a name from the proxy never reaches what objects inherit. */
function wordOf(table, name, otherwise)
{
    return Object.hasOwn(table, name) ? table[name] : otherwise;
}
