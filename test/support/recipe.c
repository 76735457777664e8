#include "test/support/recipe.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 64 * 1024, SECTION_MAX = 64 };

static char folder[] = "/tmp/hourglass-recipe-XXXXXX"; /* of the sockets of stubs */

char *recipe_text(const char *file)
{
    char path[400];
    char *text = calloc(1, TEXT_MAX);
    FILE *from;

    cr_assert_not_null(text);
    snprintf(path, sizeof(path), "%s/conf/recipes/%s", HOURGLASS_SOURCE, file);
    from = fopen(path, "r");
    cr_assert_not_null(from, "there is no %s", path);
    cr_assert_lt(fread(text, 1, TEXT_MAX, from), TEXT_MAX);
    fclose(from);
    return text;
}

static bool is_key(const char *line, const char *key)
{
    size_t count = strlen(key);

    return strncmp(line, key, count) == 0 && line[count + strspn(line + count, " ")] == '=';
}

/* Where the stub that had this line's port is now, and its upstream finds it. */
static void write_socket(FILE *to, const char *key, const char *line)
{
    const char *port = strrchr(line, ':');

    cr_assert_not_null(port, "no port in %s", line);
    fprintf(to, "%s = unix:%s/%d\n", key, folder, atoi(port + 1));
}

static void write_url(FILE *to, const char *upstream, const char *line, const struct part *parts)
{
    for (; parts->upstream != NULL; parts++) {
        if (strcmp(parts->upstream, upstream) == 0) {
            fprintf(to, "url = http://127.0.0.1:%u\n", origin_port(parts->origin));
            return;
        }
    }
    write_socket(to, "url", line);
}

/* section: in which the line is, "proxy" or "upstream db". */
static void write_line(FILE *to, const char *section, const char *line, const struct part *parts)
{
    const char *name = strchr(section, ' ');

    if (strcmp(section, "proxy") == 0 && is_key(line, "listen"))
        fprintf(to, "listen = 127.0.0.1:0\n");
    else if (is_key(line, "admin"))
        fprintf(to, "admin = 127.0.0.1:0\n");
    else if (is_key(line, "listen"))
        write_socket(to, "listen", line);
    else if (is_key(line, "url"))
        write_url(to, name + 1, line, parts);
    else
        fprintf(to, "%s\n", line);
}

static void expect_upstreams(const char *text, const struct part *parts)
{
    char section[SECTION_MAX];

    for (; parts->upstream != NULL; parts++) {
        snprintf(section, sizeof(section), "\n[upstream %s]\n", parts->upstream);
        cr_assert_not_null(strstr(text, section), "the recipe has no upstream %s", parts->upstream);
    }
}

/* The configuration with other addresses, owned by the caller. */
static char *moved(const char *name, const struct part *parts)
{
    char file[100];
    char section[SECTION_MAX] = "";
    char *text, *copy, *rest, *line;
    size_t count;
    FILE *to = open_memstream(&copy, &count);

    cr_assert_not_null(to);
    snprintf(file, sizeof(file), "%s.ini", name);
    text = recipe_text(file);
    expect_upstreams(text, parts);
    rest = text;
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (*line == '[')
            snprintf(section, sizeof(section), "%.*s", (int)strcspn(line + 1, "]"), line + 1);
        write_line(to, section, line, parts);
    }
    fclose(to);
    free(text);
    return copy;
}

struct world *recipe_start(const char *name, const struct part *parts)
{
    char *text;
    struct world *world;

    cr_assert_not_null(mkdtemp(folder));
    text = moved(name, parts);
    world = world_start("%s", text);
    free(text);
    return world;
}

void recipe_stop(struct world *world)
{
    world_stop(world);
    cr_expect_eq(rmdir(folder), 0, "sockets are left in %s", folder);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6); /* for the next */
}
