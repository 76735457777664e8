/* Asks the proxy once a second, and shows what it says. */
'use strict';

const POLL_MS = 1000;
const PATIENCE_MS = 5000; /* for an answer */

let isPaused = false;
let lastAnswered = null; /* when the proxy last answered, by this machine's clock */
let pollTimer = null;
let pollNumber = 0;

async function fetchJson(path)
{
    const response =
        await fetch(path, {cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS)});

    if (!response.ok)
        throw new Error(path.split('?')[0] + ' answered ' + response.status);
    return response.json();
}

/* ---- the status line */

function showStatus(tone, text)
{
    byId('status').className = tone;
    setText(byId('status-text'), text);
}

function showTrouble(error)
{
    const since = lastAnswered
                      ? 'What you see is from ' + lastAnswered.toLocaleTimeString('en-GB') + '. '
                      : '';
    const what = /answered \d/.test(error.message) ? error.message : 'The proxy cannot be reached';

    showStatus('bad', 'No answer');
    setText(byId('trouble'), what + '. ' + since + 'It is asked again every second.');
    byId('trouble').hidden = false;
    document.title = '(no answer) hourglass';
}

function showWell(answer)
{
    lastAnswered = new Date();
    byId('trouble').hidden = true;
    showStatus('good', 'Live');
    setText(byId('version'), answer.version + ', up ' + durationText(answer.uptime_ms));
    document.title = 'hourglass';
}

/* ---- asking */

function showRoutesAnswer()
{
    const answer = historyLatest();
    const span = chosenSpan(Number(byId('window').value));

    chooseFirstRoute(span);
    showTiles(answer, span);
    showRoutes(span);
    showSpending(span);
    showFilters(answer);
    showUpstreams(answer);
}

/* What comes when another poll has begun since is out of date: its filters may be others. */
async function poll()
{
    const mine = ++pollNumber;

    clearTimeout(pollTimer);
    try {
        const [routes, requests] =
            await Promise.all([fetchJson('/routes'), fetchJson('/requests?' + requestsQuery())]);
        if (mine !== pollNumber)
            return;
        historyAdd(routes);
        showRoutesAnswer();
        showRequests(requests);
        showWell(routes);
    } catch (error) {
        if (mine !== pollNumber)
            return;
        showTrouble(error);
    }
    if (!isPaused && !document.hidden)
        pollTimer = setTimeout(poll, POLL_MS);
    else if (isPaused)
        showStatus('mild', 'Paused');
}

/* ---- what a person does */

function setPaused(paused)
{
    isPaused = paused;
    byId('pause').setAttribute('aria-pressed', String(paused));
    setText(byId('pause'), paused ? 'Go on' : 'Pause');
    if (paused) {
        pollNumber++;
        clearTimeout(pollTimer);
        showStatus('mild', 'Paused');
    } else {
        poll();
    }
}

function chooseRoute(name)
{
    chosenRoute = name;
    showRoutesAnswer();
}

function listen()
{
    byId('pause').addEventListener('click', () => setPaused(!isPaused));
    byId('window').addEventListener('change', () => historyLatest() && showRoutesAnswer());
    byId('routes-all').addEventListener('click', () => {
        areAllRoutesShown = !areAllRoutesShown;
        showRoutesAnswer();
    });
    byId('filters').addEventListener('submit', (event) => event.preventDefault());
    byId('filters').addEventListener('input', poll);
    byId('filters').addEventListener('reset', () => setTimeout(poll));
    document.addEventListener('visibilitychange', () => {
        if (!document.hidden && !isPaused)
            poll();
    });
    listenToList();
    listenToRequest();
}

showLegend();
listen();
poll();
openRequest();
