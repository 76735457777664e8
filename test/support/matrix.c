#include "test/support/matrix.h"

#include <criterion/criterion.h>
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
                       "[route all]\nmatch = /*\nupstream = echo\n"
                       "[route only]\nmatch = GET /only/get\nupstream = echo\n",
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

/* How many requests came from upstream. */
static size_t judge_shot(const struct row *row, const struct shot *shot)
{
    static struct delivery delivery;

    delivery_judge(&delivery, shot->bytes, (struct text){shot->heard, shot->heard_count});
    cr_expect_str_eq(delivery.statuses, row->statuses, "%s, not %s; %s: %s", delivery.statuses,
                     row->statuses, cutting(shot), row->sent.at);
    cr_expect_null(delivery.fault, "%s; %s: %s", delivery.fault, cutting(shot), row->sent.at);
    cr_expect(body_is(&delivery, row->body), "body %.*s; %s: %s", (int)delivery.body_count,
              delivery.body, cutting(shot), row->sent.at);
    return delivery.echoes;
}

static void run_row(const struct row *row, const struct world *world, struct echo *echo)
{
    size_t count = row->sent.count + 1; /* whole, at each offset but the first, in bytes */
    struct shot *shots = calloc(count, sizeof(*shots));
    size_t room = row->sent.count + strlen(sentinel);
    char *bytes = malloc(room);
    size_t before = echo_requests(echo);
    size_t echoes = 0;

    memcpy(bytes, row->sent.at, row->sent.count);
    memcpy(bytes + row->sent.count, sentinel, strlen(sentinel));
    for (size_t i = 0; i < count; i++)
        shots[i] = (struct shot){.bytes = {bytes, room}, .cut = i};
    shots[count - 1].cut = SHOT_WHOLE;
    volley_fire(world_address(world, 0), shots, count);
    for (size_t i = 0; i < count; i++)
        echoes += judge_shot(row, &shots[i]);
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
