#include "test/support/trouble.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEADING_MAX = 64 };

/* ---- the page --------------------------------------------------------------------------------- */

/* In place. */
static void squeeze(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        if (*from != ' ' || from[1] != ' ')
            *to++ = *from;
    }
    *to = '\0';
}

/* The section of the page whose heading is the file's name; owned by the caller. */
static char *section_of(const char *file)
{
    char heading[HEADING_MAX];
    char *page = recipe_text("troubleshooting/README.md"), *section, *begin, *end;

    snprintf(heading, sizeof(heading), "\n### %s\n", file);
    begin = strstr(page, heading);
    cr_assert_not_null(begin, "the page has no section %s", file);
    end = strstr(begin + 1, "\n##");
    section = strndup(begin, end != NULL ? (size_t)(end - begin) : strlen(begin));
    cr_assert_not_null(section);
    squeeze(section);
    free(page);
    return section;
}

void trouble_expect_said(const char *file, const char *text)
{
    char *section = section_of(file), *wanted = strdup(text);

    cr_assert_not_null(wanted);
    squeeze(wanted);
    cr_expect_not_null(strstr(section, wanted), "the section %s has no \"%s\"", file, wanted);
    free(wanted);
    free(section);
}

/* ---- what the program says -------------------------------------------------------------------- */

void trouble_expect_logs(const struct world *world, const char *file, const char *const *texts)
{
    cr_expect(world_logs(world, texts), "%s", file);
    for (; *texts != NULL; texts++)
        trouble_expect_said(file, *texts);
}

/* Lines lie in memory for up to 100 ms. */
static bool comes_into_the_log(const struct world *world, const char *const *texts)
{
    for (int i = 0; i < 50 && !world_has_logged(world, texts); i++)
        usleep(10 * 1000);
    return world_has_logged(world, texts);
}

void trouble_expect_logged(const struct world *world, const struct trouble *trouble)
{
    const char *texts[TROUBLE_LOGS + 1] = {NULL};

    memcpy(texts, trouble->logs, sizeof(trouble->logs));
    for (int i = 0; i < 9 && !comes_into_the_log(world, texts); i++)
        (void)trouble_ask(world, trouble->ask, trouble->status);
    trouble_expect_logs(world, trouble->file, texts);
}

static double count_of(const struct world *world, const char *metric, const char *label)
{
    return *label != '\0' ? world_metric_sum(world, metric, label)
                          : world_metric(world, metric, "");
}

void trouble_expect_count(const struct world *world, const char *file, const char *metric,
                          const char *label)
{
    double value = count_of(world, metric, label);

    for (int i = 0; i < 200 && value <= 0; i++) {
        usleep(25 * 1000);
        value = count_of(world, metric, label);
    }
    cr_expect_gt(value, 0, "%s: %s{%s} is %g", file, metric, label, value);
    trouble_expect_said(file, metric);
    trouble_expect_said(file, label);
}

const struct reply *trouble_ask(const struct world *world, const char *request, int status)
{
    const struct reply *reply = world_ask(world, request);

    for (int i = 0; i < 39 && reply->status != status; i++)
        reply = world_ask(world, request);
    cr_expect_eq(reply->status, status, "%d %s", reply->status, reply->body);
    return reply;
}

/* ---- one row ---------------------------------------------------------------------------------- */

static struct world *start(const struct trouble *trouble, bool is_mended)
{
    char name[HEADING_MAX];

    snprintf(name, sizeof(name), "troubleshooting/%s", trouble->file);
    return recipe_start(name, is_mended, (const struct part[]){trouble->part, {NULL, 0}});
}

static void expect_symptom(const struct world *world, const struct trouble *trouble)
{
    const struct reply *reply = trouble_ask(world, trouble->ask, trouble->status);

    if (trouble->says != NULL) {
        cr_expect(strstr(reply->message.head, trouble->says) != NULL ||
                      strstr(reply->body, trouble->says) != NULL,
                  "%s: no \"%s\" in:\n%s\n%s", trouble->file, trouble->says, reply->message.head,
                  reply->body);
        trouble_expect_said(trouble->file, trouble->says);
    }
    if (trouble->logs[0] != NULL)
        trouble_expect_logged(world, trouble);
    if (trouble->counts != NULL)
        trouble_expect_count(world, trouble->file, trouble->counts, trouble->label);
}

void trouble_show(const struct trouble *trouble)
{
    struct world *world = start(trouble, false);

    expect_symptom(world, trouble);
    recipe_stop(world);
    if (trouble->mended == 0)
        return;
    world = start(trouble, true);
    (void)trouble_ask(world, trouble->ask, trouble->mended);
    if (trouble->mended_logs != NULL)
        cr_expect(LOGS(world, trouble->mended_logs), "%s", trouble->file);
    recipe_stop(world);
}
