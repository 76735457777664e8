#include "test/soak/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/soak/token.h"

void journal_init(struct journal *journal, struct tally *tally, const char *folder)
{
    *journal = (struct journal){.tally = tally, .fd = -1};
    snprintf(journal->path, sizeof journal->path, "%s/log", folder);
    snprintf(journal->old_path, sizeof journal->old_path, "%s.old", journal->path);
}

/* The text behind " key=", NULL when there is none. */
static const char *value_of(const char *line, const char *key)
{
    const char *at = strstr(line, key);

    return at ? at + strlen(key) : NULL;
}

static bool is_word(const char *value, const char *word)
{
    return value && strncmp(value, word, strlen(word)) == 0 && strchr(" \n", value[strlen(word)]);
}

static void take_request(struct journal *journal, const char *line)
{
    const char *id = value_of(line, " request_id=");
    const char *status = value_of(line, " status=");
    const char *outcome = value_of(line, " outcome=");
    uint32_t token = 0;

    if (is_word(outcome, "bad_request")) {
        journal->tally->bad_lines++;
        return;
    }
    for (unsigned i = 0; id && status && i < ENDINGS; i++) {
        if (!is_word(outcome, ending_name((enum ending)i)))
            continue;
        if (token_read(id + (*id == '"'), &token))
            tally_log(journal->tally, token, atoi(status) % TALLY_STATUSES, (enum ending)i);
        else
            tally_problem(journal->tally, 0, "the log has another id than was sent: %s", line);
        return;
    }
    tally_problem(journal->tally, 0, "a line of the log that cannot be read: %s", line);
}

static void take_line(struct journal *journal, const char *line)
{
    const char *dropped = value_of(line, "level=warn msg=\"");

    if (strncmp(line, "time=", 5) == 0)
        take_request(journal, line);
    else if (dropped && strstr(line, "log lines were dropped"))
        journal->tally->dropped_lines += strtoull(dropped, NULL, 10);
    else
        tally_problem(journal->tally, 0, "a strange line in the log: %s", line);
}

static void take_lines(struct journal *journal)
{
    char *at = journal->bytes;
    char *end;

    journal->bytes[journal->count] = '\0';
    while ((end = strchr(at, '\n'))) {
        *end = '\0';
        take_line(journal, at);
        at = end + 1;
    }
    journal->count -= (size_t)(at - journal->bytes);
    memmove(journal->bytes, at, journal->count);
}

static void read_file(struct journal *journal)
{
    ssize_t count;

    while ((count = read(journal->fd, journal->bytes + journal->count,
                         sizeof journal->bytes - 1 - journal->count)) > 0) {
        journal->count += (size_t)count;
        take_lines(journal);
    }
}

void journal_read(struct journal *journal)
{
    /* Once the new file is there, nothing more comes into the old one. */
    bool is_over = journal->is_moved && access(journal->path, F_OK) == 0;

    if (journal->fd < 0)
        journal->fd = open(journal->path, O_RDONLY | O_CLOEXEC);
    if (journal->fd < 0)
        return;
    read_file(journal);
    if (!is_over)
        return;
    close(journal->fd);
    unlink(journal->old_path);
    journal->fd = -1;
    journal->is_moved = false;
    journal_read(journal);
}

bool journal_move(struct journal *journal)
{
    if (journal->is_moved || journal->fd < 0)
        return false;
    journal->is_moved = rename(journal->path, journal->old_path) == 0;
    journal->moves += journal->is_moved;
    return journal->is_moved;
}

void journal_finish(struct journal *journal)
{
    if (journal->fd >= 0)
        close(journal->fd);
}
