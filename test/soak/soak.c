/* Drives the program with all kinds of traffic at once for a while, and then holds it to account.
 * What must hold is said in tally.h.
 *
 *   soak [SECONDS] [SEED]
 *
 * The seed decides what each visitor does; when it does that, the machine decides. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "test/soak/backend.h"
#include "test/soak/crowd.h"
#include "test/soak/report.h"
#include "test/soak/vigil.h"

enum { VISITORS = 64, PAUSE_MS = 20, EASY_VISITS = 300, SAMPLES_WANTED = 120 };
enum { ROUNDS_MIN = 2, ROUNDS_MAX = 8 }; /* of easy visits, until all is quiet */

struct soak {
    char folder[32];
    char back[64];  /* the upstream's unix socket */
    char front[64]; /* the program's */
    struct event_base *base;
    struct backend *backend;
    struct tally tally;
    struct journal journal;
    struct vigil vigil;
    struct crowd *crowd;
    struct report report;
};

static void begin(struct soak *soak, uint64_t seed, struct span how_long)
{
    snprintf(soak->folder, sizeof soak->folder, "/tmp/hourglass-soak-XXXXXX");
    if (!mkdtemp(soak->folder)) {
        perror("soak: /tmp");
        exit(1);
    }
    snprintf(soak->back, sizeof soak->back, "%s/back", soak->folder);
    snprintf(soak->front, sizeof soak->front, "%s/front", soak->folder);
    soak->base = event_base_new();
    soak->backend = backend_create(soak->base, soak->back);
    soak->tally.out = stdout;
    journal_init(&soak->journal, &soak->tally, soak->folder);
    soak->vigil = (struct vigil){
        .base = soak->base,
        .subject = subject_start(soak->folder, backend_port(soak->backend)),
        .journal = &soak->journal,
        .tally = &soak->tally,
    };
    soak->report = (struct report){
        .vigil = &soak->vigil,
        .backend = backend_counts(soak->backend),
        .descriptors_before = subject_descriptors(soak->vigil.subject),
    };
    vigil_start(&soak->vigil, span_scale(how_long, 1, SAMPLES_WANTED));
    soak->crowd = crowd_create(&(struct crowd_options){
        .base = soak->base,
        .tally = &soak->tally,
        .port = subject_port(soak->vigil.subject),
        .path = soak->front,
        .seed = seed,
        .visitors = VISITORS,
        .pause_ms = PAUSE_MS,
    });
}

static bool all_have_left(void *arg)
{
    return crowd_busy(arg) == 0;
}

/* Nothing is in flight, and nothing is left that only a request would clear away. */
static bool is_quiet(void *arg)
{
    struct soak *soak = arg;
    struct subject *subject = soak->vigil.subject;

    if (!subject_scrape(subject))
        return false;
    soak->report.descriptors_after = subject_descriptors(subject);
    soak->report.kept = backend_counts(soak->backend)->open;
    return subject_metric(subject, "hourglass_requests_in_flight", "") == 0 &&
           subject_metric(subject, "hourglass_connections", "") == 0 &&
           soak->report.descriptors_after == soak->report.descriptors_before + soak->report.kept;
}

/* libcurl clears dead connections away when it makes a new request, but only once in a second; and
 * the last requests may leave one dead connection more. What is lost stays lost. */
static bool calm_down(struct soak *soak)
{
    struct vigil *vigil = &soak->vigil;

    crowd_stop(soak->crowd);
    if (!vigil_run(vigil, span_s(40), all_have_left, soak->crowd) ||
        !vigil_run(vigil, span_ms(1500), NULL, NULL))
        return false;
    for (int i = 0; i < ROUNDS_MAX && (i < ROUNDS_MIN || !is_quiet(soak)); i++) {
        crowd_finish_well(soak->crowd, EASY_VISITS);
        if (!vigil_run(vigil, span_s(60), all_have_left, soak->crowd) ||
            !vigil_run(vigil, span_ms(1500), NULL, NULL))
            return false;
    }
    return vigil_run(vigil, span_s(5), is_quiet, soak);
}

static void end(struct soak *soak)
{
    subject_destroy(soak->vigil.subject);
    journal_finish(&soak->journal);
    tally_finish(&soak->tally);
    backend_destroy(soak->backend);
    event_base_free(soak->base);
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"back",    "front", "stub",    "log",
                                        "log.old", "said",  "soak.ini"};
    char path[64];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

int main(int count, char **arguments)
{
    static struct soak soak;
    long seconds = count > 1 ? atol(arguments[1]) : 10;
    uint64_t seed = count > 2 ? strtoull(arguments[2], NULL, 10) : (uint64_t)clock_realtime_ms();

    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("soak: seed %llu, %ld s\n", (unsigned long long)seed, seconds);
    begin(&soak, seed, span_s(seconds));
    bool is_alive = vigil_run(&soak.vigil, span_s(seconds), NULL, NULL) && calm_down(&soak);
    if (!is_alive)
        tally_problem(&soak.tally, 0, "the program ended by itself");
    crowd_destroy(soak.crowd);
    vigil_stop(&soak.vigil);
    soak.report.ran = span_s(seconds);
    soak.report.exit_code = subject_stop(soak.vigil.subject, span_s(10), &soak.report.stop_took);
    journal_read(&soak.journal);
    report_print(&soak.report, stdout);

    uint64_t problems = soak.tally.problems;
    if (problems == 0)
        remove_folder(soak.folder);
    else
        printf("soak: what it left is in %s\n", soak.folder);
    printf("soak: %s, %llu problems; seed %llu\n", problems == 0 ? "PASS" : "FAIL",
           (unsigned long long)problems, (unsigned long long)seed);
    end(&soak);
    return problems == 0 ? 0 : 1;
}
