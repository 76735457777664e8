/* The log of a program that serves: files that are moved away under it, and those that cannot be
 * written. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/support/address.h"
#include "test/support/fleet.h"
#include "test/support/world.h"

enum { ROUNDS = 10, PATH_ROOM = 128 };

static char folder[] = "/tmp/hourglass-logging-XXXXXX";
static char moved_folder[PATH_ROOM];
static char path[PATH_ROOM];

static void set_up(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/log", folder);
    snprintf(moved_folder, sizeof(moved_folder), "%s-moved", folder);
}

static void tear_down(void)
{
    DIR *opened = opendir(folder);

    for (struct dirent *entry; opened && (entry = readdir(opened)) != NULL;) {
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(opened), entry->d_name, 0);
    }
    closedir(opened);
    rmdir(folder);
}

TestSuite(logging, .init = set_up, .fini = tear_down, .timeout = 600);

static struct world *before(void)
{
    char stub[ADDRESS_ROOM];

    address_spare(stub);
    return world_start("[proxy]\nlisten = 127.0.0.1:0\nadmin = 127.0.0.1:0\nworkers = 3\n"
                       "log = %s\n" WORLD_BUDGET "default = 20s\n[stub s]\nlisten = %s\n"
                       "[upstream u]\nurl = %s\n[route r]\nmatch = /*\nupstream = u\n",
                       path, stub, stub);
}

static off_t size_of(const char *file)
{
    struct stat status;

    return stat(file, &status) == 0 ? status.st_size : -1;
}

static double dropped(const struct world *world)
{
    return world_metric(world, "hourglass_log_lines_dropped_total", "");
}

static void await_drops(const struct world *world, double count)
{
    for (int i = 0; i < 1000 && dropped(world) < count; i++)
        usleep(5000);
    cr_assert_eq(dropped(world), count);
}

static void ask_often(const struct world *world, int count)
{
    for (int i = 0; i < count; i++)
        cr_expect_eq(world_get(world, "/", "")->status, 200);
}

/* Moves the log away and has it opened anew. Returns how long the old file is when that is over. */
static off_t rotate(const struct world *world, const char *to)
{
    cr_assert_eq(rename(path, to), 0);
    program_signal(world_program(world), SIGUSR1);
    for (int i = 0; i < 2000 && size_of(path) < 0; i++)
        usleep(5000);
    cr_assert_geq(size_of(path), 0, "it was not opened anew");
    usleep(20 * 1000);
    return size_of(to);
}

/* What a file holds: request lines, each whole; and how many it says were dropped. */
struct content {
    size_t lines;
    size_t drops;
};

static void read_file(const char *file, struct content *content)
{
    FILE *opened = fopen(file, "r");
    char *line = NULL;
    size_t room = 0;

    cr_assert(opened);
    for (ssize_t count; (count = getline(&line, &room, opened)) > 0;) {
        unsigned drops;
        cr_expect_eq(line[count - 1], '\n', "%s is torn: %s", file, line);
        if (sscanf(line, "level=warn msg=\"%u log lines were dropped\"", &drops) == 1) {
            content->drops += drops;
            continue;
        }
        cr_expect(strncmp(line, "time=", 5) == 0 && strstr(line + 5, "time=") == NULL &&
                      strstr(line, " calls=\"u:ok:") != NULL,
                  "%s has half a line: %s", file, line);
        content->lines++;
    }
    free(line);
    fclose(opened);
}

Test(logging, under_load_loses_no_line_when_the_file_is_moved_away)
{
    char moved[ROUNDS][PATH_ROOM + 16];
    off_t sizes[ROUNDS];
    struct content content = {0};
    struct world *world = before();
    struct fleet *fleet = fleet_start(&(struct fleet_options){
        .address = world_address(world, 0), .keepers = 8, .openers = 4, .pause_us = 4000});

    for (int i = 0; i < ROUNDS; i++) {
        snprintf(moved[i], sizeof(moved[i]), "%s.%d", path, i);
        usleep(50 * 1000);
        sizes[i] = rotate(world, moved[i]);
    }
    struct tally tally = fleet_recall(fleet);
    double drops = dropped(world);
    world_stop(world);
    for (int i = 0; i < ROUNDS; i++) {
        cr_expect_eq(size_of(moved[i]), sizes[i], "%s was written to later", moved[i]);
        read_file(moved[i], &content);
    }
    read_file(path, &content);
    cr_expect_eq(content.lines + content.drops, tally.answered, "%zu lines, %zu dropped, %s",
                 content.lines, content.drops, tally_text(&tally));
    cr_expect_eq((double)content.drops, drops);
}

Test(logging, goes_on_in_the_old_file_while_the_folder_is_gone_and_says_so_once)
{
    struct content content = {0};
    struct world *world = before();
    char *said;

    ask_often(world, 5);
    cr_assert_eq(rename(folder, moved_folder), 0);
    program_signal(world_program(world), SIGUSR1);
    cr_assert(program_says(world_program(world), "cannot open the log"));
    ask_often(world, 5);
    cr_expect_eq(world_metric(world, "hourglass_log_reopen_failures_total", ""), 1);
    cr_expect_eq(dropped(world), 0);
    cr_expect_eq(world_end(world, &said), 0);
    char *first = strstr(said, "goes on with the file it has: No such file or directory\n");
    cr_assert(first, "%s", said);
    cr_expect_null(strstr(first + 1, "goes on"), "%s", said);
    free(said);
    cr_assert_eq(rename(moved_folder, folder), 0);
    read_file(path, &content);
    cr_expect_eq(content.lines, 10);
}

Test(logging, a_full_disk_holds_no_request_up_and_the_gap_is_told_in_one_line)
{
    struct content content = {0};
    char first[100] = "";

    cr_assert_eq(symlink("/dev/full", path), 0);
    struct world *world = before();
    ask_often(world, 30);
    await_drops(world, 30);
    ask_often(world, 10);
    await_drops(world, 40);
    unlink(path);
    program_signal(world_program(world), SIGUSR1);
    for (int i = 0; i < 2000 && size_of(path) < 1; i++)
        usleep(5000);
    ask_often(world, 3);
    world_stop(world);
    read_file(path, &content);
    cr_expect_eq(content.lines, 3);
    cr_expect_eq(content.drops, 40);
    FILE *file = fopen(path, "r");
    cr_assert(file && fgets(first, sizeof(first), file));
    cr_expect_str_eq(first, "level=warn msg=\"40 log lines were dropped\"\n");
    fclose(file);
}
