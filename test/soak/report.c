#include "test/soak/report.h"

#include <stdlib.h>
#include <string.h>

enum { MEMORY_COLUMNS = 12, MIB = 1 << 20 };

/* Of a run that is long enough for its memory to have settled, and to judge by how late it was: that a
 * machine was busy for some seconds says nothing. */
enum { SECONDS_MIN = 60, GROWTH_MAX = 4 * MIB };

#ifdef __has_feature
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif

/* A sanitizer keeps what was freed, looks for leaks itself, and is slow. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer)
static const bool memory_is_judged = false;
static const unsigned late_per_mille = 50;
#else
static const bool memory_is_judged = true;
static const unsigned late_per_mille = 10;
#endif

static double metric(const struct report *report, const char *name, const char *label)
{
    return subject_metric(report->vigil->subject, name, label);
}

static void expect(const struct report *report, const char *what, double is, double should)
{
    if (is != should)
        tally_problem(report->vigil->tally, 0, "%s: %.0f, and should be %.0f", what, is, should);
}

/* ---- accounts */

static void check_accounts(const struct report *report)
{
    struct tally *tally = report->vigil->tally;
    double ended = metric(report, "hourglass_requests_total", "");
    double lines = 0;
    char label[64];

    for (unsigned i = 0; i < ENDINGS; i++) {
        snprintf(label, sizeof label, "outcome=\"%s\"", ending_name((enum ending)i));
        lines += (double)tally->endings[i];
        if (tally->dropped_lines == 0)
            expect(report, label, (double)tally->endings[i],
                   metric(report, "hourglass_requests_total", label));
    }
    expect(report, "requests begun", metric(report, "hourglass_requests_begun_total", ""), ended);
    expect(report, "lines in the log",
           lines + (double)tally->bad_lines + (double)tally->dropped_lines,
           ended + metric(report, "hourglass_bad_requests_total", ""));
    expect(report, "connections accepted and shed",
           metric(report, "hourglass_connections_accepted_total", "") +
               metric(report, "hourglass_connections_shed_total", ""),
           (double)tally->connects);
    expect(report, "log lines dropped", metric(report, "hourglass_log_lines_dropped_total", ""),
           (double)tally->dropped_lines);
}

static void check_rest(const struct report *report)
{
    static const char *const gauges[] = {
        "hourglass_requests_in_flight",
        "hourglass_connections",
        "hourglass_upstream_calls_in_flight",
        "hourglass_upstream_queue_length",
    };

    for (size_t i = 0; i < sizeof gauges / sizeof *gauges; i++)
        expect(report, gauges[i], metric(report, gauges[i], ""), 0);
    expect(report, "descriptors beside those of kept connections",
           (double)report->descriptors_after - (double)report->kept,
           (double)report->descriptors_before);
    expect(report, "requests upstream that nobody has sent", (double)report->backend->strange, 0);
    expect(report, "exit code", report->exit_code, 0);
}

static void check_complaints(const struct report *report)
{
    char *said = subject_complaints(report->vigil->subject);

    if (*said != '\0')
        tally_problem(report->vigil->tally, 0, "the program said:\n%s", said);
    free(said);
}

static void check_time(const struct report *report)
{
    struct tally *tally = report->vigil->tally;
    uint64_t all = 0;
    uint64_t late = 0;

    for (size_t i = 0; i < TALLY_LATE_CLASSES; i++) {
        all += tally->late[i];
        late += i + 2 >= TALLY_LATE_CLASSES ? tally->late[i] : 0;
    }
    if (span_covers(report->ran, span_s(SECONDS_MIN)) && late * 1000 > all * late_per_mille)
        tally_problem(tally, 0, "%llu of %llu answers were late by more than %s",
                      (unsigned long long)late, (unsigned long long)all,
                      tally_late_name(TALLY_LATE_CLASSES - 3));
}

/* ---- memory */

static size_t most_memory(const struct vigil *vigil, size_t from, size_t to)
{
    size_t most = 0;

    for (size_t i = from; i < to; i++)
        most = vigil->memory[i] > most ? vigil->memory[i] : most;
    return most;
}

static void check_memory(const struct report *report)
{
    const struct vigil *vigil = report->vigil;
    size_t half = vigil->samples / 2;
    size_t before = most_memory(vigil, half / 2, half);
    size_t after = most_memory(vigil, half, vigil->samples);

    if (memory_is_judged && span_covers(report->ran, span_s(SECONDS_MIN)) &&
        after > before + GROWTH_MAX)
        tally_problem(vigil->tally, 0, "its memory grew from %zu to %zu MiB in the second half",
                      before / MIB, after / MIB);
}

static void print_memory(const struct vigil *vigil, FILE *out)
{
    fputs("memory, MiB    ", out);
    for (size_t i = 0; i < MEMORY_COLUMNS && vigil->samples > 0; i++) {
        size_t at = i * (vigil->samples - 1) / (MEMORY_COLUMNS - 1);
        fprintf(out, " %.1f", (double)vigil->memory[at] / MIB);
    }
    fputc('\n', out);
}

/* ---- tables */

static void print_statuses(const struct tally *tally, FILE *out)
{
    fprintf(out, "%-8s %12s %12s %12s\n", "status", "answers seen", "logged", "codec's own");
    for (size_t i = 0; i < TALLY_STATUSES; i++) {
        if (tally->seen[i] + tally->logged[i] + tally->refused[i] > 0)
            fprintf(out, "%-8zu %12llu %12llu %12llu\n", i, (unsigned long long)tally->seen[i],
                    (unsigned long long)tally->logged[i], (unsigned long long)tally->refused[i]);
    }
}

static void print_time(const struct tally *tally, FILE *out)
{
    fputs("answers after the client's timer, by at most: ", out);
    for (size_t i = 0; i < TALLY_LATE_CLASSES; i++)
        fprintf(out, "%s %llu%s", tally_late_name(i), (unsigned long long)tally->late[i],
                i + 1 < TALLY_LATE_CLASSES ? ", " : "");
    fprintf(out, "; the latest %.1f ms\n", span_as_ms(tally->latest));
}

static void print_figures(const struct report *report, FILE *out)
{
    const struct tally *tally = report->vigil->tally;
    const struct backend_counts *backend = report->backend;
    double seconds = span_as_ms(report->ran) / 1000;

    fprintf(out, "%.0f s: %zu requests (%.0f/s) on %llu connections (%llu shed), %.1f MiB read\n",
            seconds, tally->records_count, (double)tally->records_count / seconds,
            (unsigned long long)tally->connects, (unsigned long long)tally->shed,
            (double)tally->bytes_read / MIB);
    fprintf(out, "upstream: %llu requests, %llu of them whole, on %llu connections\n",
            (unsigned long long)backend->requests, (unsigned long long)backend->whole,
            (unsigned long long)backend->connections);
    fprintf(out,
            "begun %.0f = ended %.0f; log: %llu lines of refusals = %.0f; dropped %llu; moved "
            "away %zu times\n",
            metric(report, "hourglass_requests_begun_total", ""),
            metric(report, "hourglass_requests_total", ""), (unsigned long long)tally->bad_lines,
            metric(report, "hourglass_bad_requests_total", ""),
            (unsigned long long)tally->dropped_lines, report->vigil->journal->moves);
    fprintf(out,
            "descriptors: %zu before, %zu after, of these %zu to the upstream; stopped in "
            "%.0f ms, exit code %d\n",
            report->descriptors_before, report->descriptors_after, report->kept,
            span_as_ms(report->stop_took), report->exit_code);
}

void report_print(const struct report *report, FILE *out)
{
    struct tally *tally = report->vigil->tally;

    tally_compare(tally, out);
    print_statuses(tally, out);
    print_figures(report, out);
    print_time(tally, out);
    print_memory(report->vigil, out);
    check_accounts(report);
    check_rest(report);
    check_complaints(report);
    check_time(report);
    check_memory(report);
    if (report->backend->strange > 0)
        fprintf(out, "the first strange request upstream: %s\n", report->backend->said);
}
