/* What tells of metrics and what there is: the manual page, the alert rules and the dashboard name
 * none that the program does not have, and the manual page lacks none. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/json.h"
#include "proxy/metrics_print.h"

#define PREFIX "hourglass_"
#define MANUAL "proxy/hourglass.1"
#define RULES "tools/monitoring/alerts.yml"
#define RULES_TEST "tools/monitoring/alerts_test.yml"
#define DASHBOARD "tools/monitoring/dashboard.json"

static char *page;

static void set_up(void)
{
    static struct conf conf;
    struct metrics metrics;
    const struct metrics *worker = &metrics;
    const struct metrics_view view = {.conf = &conf, .workers = &worker, .workers_count = 1};
    size_t count = 0;
    FILE *out = open_memstream(&page, &count);

    metrics_init(&metrics, &conf);
    metrics_print(out, &view);
    fclose(out);
    metrics_finish(&metrics);
}

static void tear_down(void)
{
    free(page);
}

TestSuite(monitoring, .init = set_up, .fini = tear_down);

/* A file of the tree, terminated; to be freed. */
static char *read_tree(const char *path)
{
    char name[512];
    char *text = NULL;
    size_t room = 0;
    FILE *file;

    snprintf(name, sizeof name, "%s/%s", HOURGLASS_SOURCE, path);
    file = fopen(name, "r");
    cr_assert(file, "%s", name);
    cr_assert_gt(getdelim(&text, &room, '\0', file), 0);
    fclose(file);
    return text;
}

/* The name at the begin of the text, in a room for it. */
static const char *name_at(const char *text, char room[static 100])
{
    size_t count = 0;

    while (isalnum((unsigned char)text[count]) || text[count] == '_')
        count++;
    cr_assert_lt(count, 100);
    memcpy(room, text, count);
    room[count] = '\0';
    return room;
}

/* Of which type is the metric? NULL: there is none of this name. */
static const char *type_of(const char *name)
{
    static char type[20];
    char line[140];

    snprintf(line, sizeof line, "# TYPE %s ", name);
    const char *at = strstr(page, line);
    return at && sscanf(at + strlen(line), "%19s", type) == 1 ? type : NULL;
}

/* A histogram's values have longer names. */
static bool is_value(const char *name)
{
    static const char *const ends[] = {"_bucket", "_sum", "_count"};
    char metric[100];
    size_t count = strlen(name);

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t end = strlen(ends[i]);
        if (count <= end || strcmp(name + count - end, ends[i]) != 0)
            continue;
        snprintf(metric, sizeof metric, "%.*s", (int)(count - end), name);
        const char *type = type_of(metric);
        return type && strcmp(type, "histogram") == 0;
    }
    const char *type = type_of(name);
    return type && strcmp(type, "histogram") != 0;
}

/* All that a file names. in_sentences: histograms are named as such. */
static void expect_known(const char *path, bool in_sentences)
{
    char *text = read_tree(path);
    char name[100];
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, PREFIX)); at += strlen(PREFIX), count++) {
        name_at(at, name);
        cr_expect(is_value(name) || (in_sentences && type_of(name)), "%s names %s", path, name);
    }
    cr_expect_gt(count, 10, "%s", path);
    free(text);
}

Test(monitoring, every_metric_that_is_written_of_exists)
{
    expect_known(MANUAL, true);
    expect_known(RULES, true);
    expect_known(RULES_TEST, true);
    expect_known(DASHBOARD, false);
}

Test(monitoring, the_manual_page_has_an_entry_for_every_metric)
{
    char *manual = read_tree(MANUAL);
    char name[100], entry[140];
    size_t count = 0;

    for (const char *at = page; (at = strstr(at, "# TYPE ")); count++) {
        at += strlen("# TYPE ");
        snprintf(entry, sizeof entry, "\n.TP\n.B %s\n", name_at(at, name));
        bool is_plain = strstr(manual, entry);
        snprintf(entry, sizeof entry, "\n.TP\n.BR %s {", name);
        cr_expect(is_plain || strstr(manual, entry), "%s is not described", name);
    }
    cr_expect_gt(count, 40);
    free(manual);
}

Test(monitoring, the_dashboard_is_json)
{
    char *dashboard = read_tree(DASHBOARD);

    cr_expect(json_is_value(text_of(dashboard)));
    free(dashboard);
}
