#include "test/support/matrix.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/address.h"
#include "test/support/delivery.h"
#include "test/support/volley.h"

static const char sentinel[] = "GET /end HTTP/1.1\r\nHost: e\r\n\r\n";

struct world *matrix_start(struct echo *echo, const char *proxy_lines)
{
    char address[ADDRESS_ROOM];

    address_spare(address);
    return world_start("[proxy]\nlisten = %s\nworkers = 1\nlog = off\n%s"
                       "[budget]\nheader = X-Request-Timeout-Ms: ms\ndefault = 60s\nmax = 60s\n"
                       "local = 10ms\nhalf-close = continue\n"
                       "[upstream echo]\nurl = %s\ntell = X-Request-Timeout-Ms: ms\n"
                       "[route all]\nmatch = /*\nupstream = echo\n",
                       address, proxy_lines, echo_url(echo));
}

/* How a shot was sent, for a message. */
static const char *cutting(const struct shot *shot)
{
    static char text[64];

    if (shot->cut == SHOT_WHOLE)
        return "sent whole";
    if (shot->cut == SHOT_BYTES)
        return "sent byte by byte";
    snprintf(text, sizeof(text), "cut at %zu", shot->cut);
    return text;
}

static bool body_is(const struct delivery *delivery, const char *body)
{
    struct text arrived = {delivery->body, delivery->body_count};

    return text_is(arrived, text_of(body == NULL ? "" : body));
}

static bool statuses_are(const struct delivery *delivery, const char *wanted)
{
    size_t count = strlen(wanted);

    if (count > 0 && wanted[count - 1] == '*')
        return strncmp(delivery->statuses, wanted, count - 1) == 0;
    return strcmp(delivery->statuses, wanted) == 0;
}

static bool is_as_expected(const struct row *row, const struct delivery *delivery)
{
    return delivery->fault == NULL && statuses_are(delivery, row->statuses) &&
           body_is(delivery, row->body);
}

/* Counts the requests that came from upstream. The first shot of a row that misses is enough. */
static size_t judge_shots(const struct row *row, const struct shot *shots, size_t count)
{
    static struct delivery delivery;
    bool was_hit = true;
    size_t echoes = 0;

    for (size_t i = 0; i < count; i++) {
        const struct shot *shot = &shots[i];
        delivery_judge(&delivery, shot->bytes, shot->heard, shot->heard_count);
        echoes += delivery.echoes;
        if (was_hit && !is_as_expected(row, &delivery)) {
            cr_expect_fail("%s, not %s; %s; body '%.*s'; %s:\n%s%.*s", delivery.statuses,
                           row->statuses, delivery.fault == NULL ? "" : delivery.fault,
                           (int)delivery.body_count, delivery.body, cutting(shot), row->sent.at,
                           (int)shot->heard_count, shot->heard);
            was_hit = false;
        }
    }
    return echoes;
}

static void run_row(const struct row *row, const struct world *world, struct echo *echo)
{
    size_t count = row->sent.count + 1; /* whole, at each offset but the first, in bytes */
    struct shot *shots = calloc(count, sizeof(*shots));
    size_t room = row->sent.count + strlen(sentinel);
    char *bytes = malloc(room);
    size_t before = echo_requests(echo);

    memcpy(bytes, row->sent.at, row->sent.count);
    memcpy(bytes + row->sent.count, sentinel, strlen(sentinel));
    for (size_t i = 0; i < count; i++)
        shots[i] = (struct shot){.bytes = {bytes, room}, .cut = i};
    shots[count - 1].cut = SHOT_WHOLE;
    volley_fire(world_address(world, 0), shots, count);
    size_t echoes = judge_shots(row, shots, count);
    cr_expect_eq(echo_requests(echo) - before, echoes, "%zu requests upstream, %zu answers: %s",
                 echo_requests(echo) - before, echoes, row->sent.at);
    volley_forget(shots, count);
    free(shots);
    free(bytes);
}

void matrix_run(const struct row *rows, size_t count)
{
    struct echo *echo = echo_start();
    struct world *world = matrix_start(echo, "max-header = 1KiB\n");

    for (size_t i = 0; i < count; i++)
        run_row(&rows[i], world, echo);
    world_stop(world);
    echo_stop(echo);
}
