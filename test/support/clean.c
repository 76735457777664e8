#include "test/support/clean.h"

#include <criterion/criterion.h>
#include <string.h>

#include "conf/json.h"
#include "test/support/exposition.h"
#include "test/support/json_reader.h"
#include "test/support/logfmt.h"
#include "test/support/structured.h"
#include "test/support/world.h"

void clean_expect_visible(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        cr_expect(*at == '\n' || (*at >= ' ' && *at <= '~'), "byte %d in:\n%s", *at, at);
}

/* Where a stranger tries to add a member, it is one of these. */
static bool is_forged(struct text object)
{
    return text_is(json_find(object, TEXT("/status")), TEXT("299")) ||
           json_find(object, TEXT("/forged")).at != NULL;
}

void clean_expect_json(const char *text)
{
    struct text value = json_trimmed(text_of(text));

    clean_expect_visible(text);
    cr_expect(json_reader_is_value(value), "no JSON: %s", text);
    cr_expect_not(is_forged(value), "forged: %s", text);
    cr_expect_null(strstr(text, "\"forged\":"), "%s", text);
    cr_expect_null(strstr(text, "\"status\":299"), "%s", text);
}

void clean_expect_metrics(const char *text)
{
    clean_expect_visible(text);
    cr_expect_gt(exposition_count(text), 0);
    cr_expect_null(strstr(text, "\nforged"), "%s", strstr(text, "\nforged"));
}

void clean_expect_list(const char *field)
{
    cr_expect(*field == '\0' || structured_is_list(field), "no list: %s", field);
}

/* How many lines are a JSON object, as each must be that begins like one. */
static int count_objects(const char *said)
{
    int count = 0;

    for (; *said != '\0'; said += strcspn(said, "\n"), said += *said == '\n') {
        struct text line = {.at = said, .count = strcspn(said, "\n")};
        if (*said != '{')
            continue;
        cr_expect(json_reader_is_value(line), "not JSON: %.*s", (int)line.count, line.at);
        cr_expect_not(is_forged(line), "forged: %.*s", (int)line.count, line.at);
        count++;
    }
    return count;
}

void clean_expect_log(const struct world *world, int lines)
{
    size_t count = world_count_lines(world);
    const char *said = program_stderr(world_program(world));

    cr_expect_eq(logfmt_count(said), (int)count);
    cr_expect_eq((int)count + count_objects(said), lines);
    clean_expect_visible(said);
    cr_expect_null(strstr(said, " status=299"), "%s", said);
    cr_expect_null(strstr(said, "\nforged"), "%s", said);
}
