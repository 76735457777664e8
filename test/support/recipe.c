#include "test/support/recipe.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 128 * 1024, SECTION_MAX = 64 };

static const char instead[] = "; instead: ";
static const char add[] = "; add: ";

static char folder[] = "/tmp/hourglass-recipe-XXXXXX"; /* of the sockets of stubs */

char *recipe_text(const char *file)
{
    char path[400];
    char *text = calloc(1, TEXT_MAX);
    FILE *from;

    cr_assert_not_null(text);
    snprintf(path, sizeof(path), "%s/conf/%s", HOURGLASS_SOURCE, file);
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

/* Whether a part of this name was there to be written. */
static bool write_part(FILE *to, const char *name, const char *begin, const struct part *parts)
{
    for (; parts->upstream != NULL; parts++) {
        if (strcmp(parts->upstream, name) == 0) {
            fprintf(to, "%s127.0.0.1:%u\n", begin, parts->port);
            return true;
        }
    }
    return false;
}

/* What has another host than 127.0.0.1 is not played by a stub, and stays. */
static void write_url(FILE *to, const char *upstream, const char *line, const struct part *parts)
{
    if (write_part(to, upstream, "url = http://", parts))
        return;
    if (strstr(line, "//127.0.0.1:") != NULL)
        write_socket(to, "url", line);
    else
        fprintf(to, "%s\n", line);
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
    else if (is_key(line, "trace-export"))
        write_socket(to, "trace-export", line);
    else if (is_key(line, "url"))
        write_url(to, name + 1, line, parts);
    else if (!is_key(line, "resolver") || !write_part(to, "resolver", "resolver = ", parts))
        fprintf(to, "%s\n", line);
}

static void expect_parts(const char *text, const struct part *parts)
{
    char line[SECTION_MAX];

    for (; parts->upstream != NULL; parts++) {
        bool is_resolver = strcmp(parts->upstream, "resolver") == 0;
        snprintf(line, sizeof(line), is_resolver ? "\n%s = " : "\n[upstream %s]\n",
                 parts->upstream);
        cr_assert_not_null(strstr(text, line), "the file has no %s", parts->upstream);
    }
}

/* ---- the change that a file shows ------------------------------------------------------------- */

static bool begins(const char *line, const char *mark)
{
    return strncmp(line, mark, strlen(mark)) == 0;
}

size_t recipe_changes(const char *text)
{
    size_t count = 0;

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        count += begins(line, instead) || begins(line, add);
    }
    return count;
}

/* The text as its marks want it, owned by the caller; takes the text. A line is written when it is
 * known that the one below does not stand for it. */
static char *mended(char *text)
{
    char *copy, *line, *rest = text;
    const char *held = "";
    size_t count;
    FILE *to = open_memstream(&copy, &count);

    cr_assert_not_null(to);
    cr_assert_gt(recipe_changes(text), 0, "nothing is marked");
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (!begins(line, instead))
            fprintf(to, "%s\n", held);
        held = begins(line, instead) ? line + strlen(instead)
               : begins(line, add)   ? line + strlen(add)
                                     : line;
    }
    fprintf(to, "%s\n", held);
    fclose(to);
    free(text);
    return copy;
}

/* ---- running it ------------------------------------------------------------------------------- */

/* The configuration with other addresses, owned by the caller; takes the text. */
static char *moved(char *text, const struct part *parts)
{
    char section[SECTION_MAX] = "";
    char *copy, *line, *rest = text;
    size_t count;
    FILE *to = open_memstream(&copy, &count);

    cr_assert_not_null(to);
    expect_parts(text, parts);
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (*line == '[')
            snprintf(section, sizeof(section), "%.*s", (int)strcspn(line + 1, "]"), line + 1);
        write_line(to, section, line, parts);
    }
    fclose(to);
    free(text);
    return copy;
}

struct world *recipe_start(const char *name, bool is_mended, const struct part *parts)
{
    char file[100];
    char *text;
    struct world *world;

    snprintf(file, sizeof(file), "%s.ini", name);
    cr_assert_not_null(mkdtemp(folder));
    text = recipe_text(file);
    if (is_mended)
        text = mended(text);
    text = moved(text, parts);
    world = world_start("%s", text);
    free(text);
    return world;
}

static void end_folder(void)
{
    cr_expect_eq(rmdir(folder), 0, "sockets are left in %s", folder);
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6); /* for the next */
}

void recipe_stop(struct world *world)
{
    world_stop(world);
    end_folder();
}

void recipe_stopped(struct world *world)
{
    world_stopped(world);
    end_folder();
}
