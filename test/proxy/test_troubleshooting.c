/* The page conf/troubleshooting/README.md: that it is whole. Each configuration has its row and its
 * test, each link leads somewhere, and what the program can say of trouble is named. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/metrics_rows.h"
#include "test/support/trouble.h"

enum { NAME_MAX_BYTES = 64, FILES_MAX = 100, TESTS = 3 };

static char *page;
static char *names[FILES_MAX]; /* of the files, without .ini */
static size_t names_count;

static void find_files(void)
{
    DIR *folder = opendir(HOURGLASS_SOURCE "/conf/troubleshooting");

    cr_assert_not_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *end = strstr(entry->d_name, ".ini");
        if (end == NULL)
            continue;
        cr_assert_lt(names_count, FILES_MAX);
        names[names_count] = strndup(entry->d_name, (size_t)(end - entry->d_name));
        cr_assert_not_null(names[names_count++]);
    }
    closedir(folder);
}

static void look(void)
{
    page = recipe_text("troubleshooting/README.md");
    find_files();
    cr_assert_gt(names_count, 0);
}

static void look_away(void)
{
    free(page);
    for (size_t i = 0; i < names_count; i++)
        free(names[i]);
}

TestSuite(troubleshooting, .init = look, .fini = look_away, .timeout = 300);

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

static size_t count_format(const char *text, const char *format, const char *name)
{
    char part[2 * NAME_MAX_BYTES];
    int written = snprintf(part, sizeof(part), format, name);

    cr_assert(written > 0 && (size_t)written < sizeof(part));
    return count_of(text, part);
}

static char *text_of_file(const char *name)
{
    char file[2 * NAME_MAX_BYTES];
    int count = snprintf(file, sizeof(file), "troubleshooting/%s.ini", name);

    cr_assert(count > 0 && (size_t)count < sizeof(file));
    return recipe_text(file);
}

/* ---- the files -------------------------------------------------------------------------------- */

Test(troubleshooting, each_file_has_one_row_that_links_it_and_is_linked_from_above)
{
    for (size_t i = 0; i < names_count; i++) {
        cr_expect_eq(count_format(page, "(%s.ini)", names[i]), 1, "%s", names[i]);
        cr_expect_eq(count_format(page, "\n### %s\n", names[i]), 1, "%s", names[i]);
        cr_expect_geq(count_format(page, "](#%s)", names[i]), 1, "%s", names[i]);
    }
    cr_expect_eq(count_of(page, ".ini)"), names_count, "a link to a file that there is not");
}

static void expect_heading(const char *anchor)
{
    char heading[2 * NAME_MAX_BYTES];

    snprintf(heading, sizeof(heading), "\n### %.*s\n", (int)strcspn(anchor, ")"), anchor);
    cr_expect_not_null(strstr(page, heading), "no section%s", heading);
}

Test(troubleshooting, each_link_to_a_row_leads_to_one)
{
    for (const char *at = page; (at = strstr(at, "](#")) != NULL;) {
        at += strlen("](#");
        expect_heading(at);
    }
}

/* The change that is marked in this file, and how the file is run. */
static void expect_row_of(const char *name)
{
    char command[3 * NAME_MAX_BYTES];
    char *text = text_of_file(name), *line, *rest = text;

    snprintf(command, sizeof(command), ";     hourglass -c conf/troubleshooting/%s.ini\n", name);
    cr_expect_not_null(strstr(text, command), "%s does not say how it is run", name);
    if (recipe_changes(text) == 0)
        trouble_expect_said(name, "**Change**: nothing in");
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (recipe_changes(line) == 1)
            trouble_expect_said(name, strstr(line, ": ") + 2);
    }
    free(text);
}

Test(troubleshooting, each_row_names_the_change_that_its_file_marks)
{
    for (size_t i = 0; i < names_count; i++)
        expect_row_of(names[i]);
}

static void expect_command(const char *name, const char *command)
{
    char *text = text_of_file(name);

    cr_expect_not_null(strstr(text, command), "%s.ini does not say: %s", name, command);
    free(text);
}

Test(troubleshooting, each_command_of_a_row_stands_at_the_head_of_its_file)
{
    char name[NAME_MAX_BYTES] = "";
    char *line, *rest = page;
    size_t count = 0;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (strncmp(line, "### ", 4) == 0)
            snprintf(name, sizeof(name), "%s", line + 4);
        if (strncmp(line, "    $ ", 6) == 0) {
            expect_command(name, line + 6);
            count++;
        }
    }
    cr_expect_geq(count, names_count);
}

Test(troubleshooting, check_takes_each_file)
{
    for (size_t i = 0; i < names_count; i++) {
        char path[400];
        snprintf(path, sizeof(path), "%s/conf/troubleshooting/%s.ini", HOURGLASS_SOURCE, names[i]);
        struct program *check = program_start((const char *const[]){"check", "-c", path, NULL});
        cr_expect_eq(program_exit_code(check, span_s(20)), 0, "%s", program_stderr(check));
        program_destroy(check);
    }
}

/* ---- the tests -------------------------------------------------------------------------------- */

/* Is there a SHOW of this file that goes on to the change? */
static bool shows_change(const char *tests, const char *name)
{
    char begin[2 * NAME_MAX_BYTES];

    int count = snprintf(begin, sizeof(begin), ".file = \"%s\"", name);

    cr_assert(count > 0 && (size_t)count < sizeof(begin));
    for (const char *at = tests; (at = strstr(at, begin)) != NULL; at += strlen(begin)) {
        const char *mended = strstr(at, ".mended = ");
        if (mended != NULL && mended < strstr(at, ");\n"))
            return true;
    }
    return false;
}

static bool has_test(const char *tests, const char *name)
{
    char *text = text_of_file(name);
    bool has_change = recipe_changes(text) > 0;

    free(text);
    if (count_format(tests, ".file = \"%s\"", name) +
            count_format(tests, "AS_IT_IS(\"%s\"", name) ==
        0)
        return false;
    return !has_change || shows_change(tests, name) ||
           count_format(tests, "MENDED(\"%s\"", name) > 0;
}

Test(troubleshooting, each_file_has_a_test_before_and_after_its_change)
{
    static const char *const files[TESTS] = {"time", "calls", "proxy"};
    char *tests[TESTS];

    for (size_t i = 0; i < TESTS; i++) {
        char file[100];
        snprintf(file, sizeof(file), "../test/proxy/test_troubleshooting_%s.c", files[i]);
        tests[i] = recipe_text(file);
    }
    for (size_t i = 0; i < names_count; i++) {
        bool is_tested = false;
        for (size_t j = 0; j < TESTS; j++)
            is_tested |= has_test(tests[j], names[i]);
        cr_expect(is_tested, "%s.ini has no test", names[i]);
    }
    for (size_t i = 0; i < TESTS; i++)
        free(tests[i]);
}

/* ---- what the program can say ----------------------------------------------------------------- */

static bool is_one_of(const char *const *list, const char *name)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, name) == 0)
            return true;
    }
    return false;
}

/* Values that tell of no trouble, or that no line of /metrics has. */
static const char *const quiet_values[] = {"ok",      "none",    "retry",  "condition",
                                           "waiting", "running", "nobody", NULL};

/* Reasons of a 504, outcomes of requests and calls, why there was no retry, limits, lost spans. */
Test(troubleshooting, each_value_of_a_label_that_tells_of_trouble_is_named)
{
    for (size_t i = 0; i < metrics_rows_count; i++) {
        const struct metrics_row *row = &metrics_rows[i];
        if (row->label == NULL || strcmp(row->label, "stage") == 0 ||
            strcmp(row->label, "status") == 0)
            continue;
        for (unsigned value = 0; value < row->count; value++) {
            const char *name = row->value(value);
            cr_expect(is_one_of(quiet_values, name) || count_format(page, "`%s`", name) > 0,
                      "%s of %s", name, row->name);
        }
    }
}

/* How many there are, or how fast: nothing is wrong when they grow. */
static const char *const quiet_metrics[] = {"hourglass_build_info",
                                            "hourglass_request_duration_seconds",
                                            "hourglass_call_attempts_total",
                                            "hourglass_call_granted_seconds",
                                            "hourglass_call_used_seconds",
                                            "hourglass_requests_begun_total",
                                            "hourglass_requests_in_flight",
                                            "hourglass_connections",
                                            "hourglass_connections_accepted_total",
                                            "hourglass_trace_spans_exported_total",
                                            "hourglass_upstream_calls_in_flight",
                                            "hourglass_upstream_connections_max",
                                            "hourglass_upstream_retries_total",
                                            "hourglass_upstream_hedges_total",
                                            "hourglass_upstream_hedges_won_total",
                                            "hourglass_workers",
                                            "hourglass_connections_max",
                                            NULL};

/* The entries of a part of the manual page that begin with this macro: calls with the name of each. */
typedef void entry_f(const char *name);

static void for_each_entry(const char *from, const char *to, const char *macro, entry_f *expect)
{
    char *manual = recipe_text("../proxy/hourglass.1"), *at, *end;
    size_t count = 0;

    at = strstr(manual, from);
    cr_assert_not_null(at, "%s", from);
    end = strstr(at, to);
    cr_assert_not_null(end, "%s", to);
    *end = '\0';
    for (; (at = strstr(at, macro)) != NULL; count++) {
        char name[NAME_MAX_BYTES];
        at += strlen(macro);
        at += strcspn(at, " ") + 1; /* B or BR */
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, " \n\\"), at);
        expect(name);
    }
    cr_expect_gt(count, 0, "no entries in %s", from);
    free(manual);
}

static void expect_metric(const char *name)
{
    cr_expect(is_one_of(quiet_metrics, name) || count_format(page, "`%s`", name) > 0, "%s", name);
}

Test(troubleshooting, each_metric_that_tells_of_trouble_is_named)
{
    for_each_entry("\n.SH METRICS\n", "\n.SH SIGNALS\n", "\n.TP\n.", expect_metric);
}

static void expect_error(const char *name)
{
    cr_expect_gt(count_format(page, "`%s`", name), 0, "%s", name);
}

Test(troubleshooting, each_error_of_proxy_status_is_named)
{
    for_each_entry("\nIts\n.B error\nis\n", "\n.RE\n", "\n.TP 27\n.", expect_error);
}

static void expect_status(const char *status)
{
    cr_expect_gt(count_of(page, status), 0, "%s", status);
}

Test(troubleshooting, each_status_that_the_program_gives_by_itself_is_named)
{
    for_each_entry("\nThese statuses the program gives", "\n.PP\n", "\n.TP\n.", expect_status);
}

static void expect_letter(const char *letter)
{
    cr_expect_geq(count_format(page, "\n| `%s` |", letter), 1, "%s", letter);
}

Test(troubleshooting, each_letter_of_a_termination_code_has_its_line)
{
    for_each_entry("\n.SS \"Termination codes\"\n", "\n.SH ADMIN\n", "\n.TP 5\n.", expect_letter);
}
