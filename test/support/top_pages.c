#include "test/support/top_pages.h"

#include <stdio.h>
#include <string.h>

#define EMPTY "{\"count\":0,\"sum_ms\":0,\"buckets\":[0,0,0,0]}"

#define ROUTES(time, up, lag, lost, ok, late, elapsed, budget, ratio, granted, used, db_ok,      \
               db_late, db_answered)                                                             \
    "{\"time_ms\":" time ",\"uptime_ms\":" up ",\"version\":\"9.9\",\"le_ms\":[100,1000,10000]," \
    "\"le_ratio\":[0.5,1],\"process\":{\"workers\":2,\"in_flight\":7,\"connections\":40,"        \
    "\"max_connections\":10000,\"memory_bytes\":12582912,\"memory_max_bytes\":536870912,"        \
    "\"log_lines_dropped\":0,\"loop_lag\":" lag ",\"deadline_lateness\":" EMPTY                  \
    "},\"unrouted\":{\"ok\":0,\"refused\":" lost                                                 \
    "},\"routes\":[{\"name\":\"quiet\",\"match\":\"/q\",\"mode\":"                               \
    "\"enforce\",\"default_ms\":1200,\"max_ms\":30000,\"requests\":{\"ok\":5},\"timeouts\":{},"  \
    "\"would_time_out\":{\"local\":2},"                                                          \
    "\"elapsed\":" EMPTY ",\"budget\":" EMPTY ",\"used_ratio\":{\"count\":0,\"sum\":0,"          \
    "\"buckets\":[0,0,0]},\"local\":" EMPTY ",\"calls\":[]},"                                    \
    "{\"name\":\"order\",\"match\":\"/o\",\"mode\":\"enforce\",\"default_ms\":1200,"             \
    "\"max_ms\":30000,\"in_flight\":4,\"requests\":{\"ok\":" ok ",\"timeout\":" late             \
    "},\"timeouts\":{\"call\":" late "},\"timeouts_whose\":{\"call\":1,\"client\":" late         \
    "},\"elapsed\":" elapsed ",\"budget\":" budget ",\"used_ratio\":" ratio ",\"local\":" EMPTY  \
    ",\"calls\":[{\"name\":\"db\",\"upstream\":\"pg\",\"optional\":false,\"outcomes\":{"         \
    "\"ok\":" db_ok ",\"timeout\":" db_late "},\"granted\":" granted ",\"used\":" used           \
    ",\"left\":" EMPTY ",\"attempts\":12,\"late\":" db_answered                                  \
    "}]}],\"upstreams\":[{\"name\":\"pg\","                                                      \
    "\"in_flight\":3,\"queued\":2,\"connections\":5,\"retries\":1,\"hedges\":4,"                 \
    "\"hedges_won\":1}]}"

const char TOP_ROUTES_BEFORE[] =
    ROUTES("1795391510000", "60000", "{\"count\":600,\"sum_ms\":120,\"buckets\":[600,0,0,0]}", "20",
           "100", "1", "{\"count\":101,\"sum_ms\":6050,\"buckets\":[100,1,0,0]}",
           "{\"count\":101,\"sum_ms\":121200,\"buckets\":[0,0,101,0]}",
           "{\"count\":101,\"sum\":6,\"buckets\":[100,1,0]}",
           "{\"count\":101,\"sum_ms\":50500,\"buckets\":[0,101,0,0]}",
           "{\"count\":101,\"sum_ms\":5500,\"buckets\":[100,1,0,0]}", "100", "1", EMPTY);

const char TOP_ROUTES_AFTER[] =
    ROUTES("1795391511000", "61000", "{\"count\":608,\"sum_ms\":422,\"buckets\":[607,1,0,0]}", "25",
           "108", "3", "{\"count\":111,\"sum_ms\":8450,\"buckets\":[108,3,0,0]}",
           "{\"count\":111,\"sum_ms\":133200,\"buckets\":[0,0,111,0]}",
           "{\"count\":111,\"sum\":8,\"buckets\":[108,3,0]}",
           "{\"count\":111,\"sum_ms\":55500,\"buckets\":[0,111,0,0]}",
           "{\"count\":111,\"sum_ms\":6900,\"buckets\":[108,3,0,0]}", "108", "3",
           "{\"count\":1,\"sum_ms\":300,\"buckets\":[0,1,0,0]}");

const char TOP_REQUESTS[] =
    "{\"time_ms\":1795391511000,\"kept\":2,\"skipped\":0,\"requests\":[\n"
    "{\"time\":\"2026-11-22T23:51:50.123Z\",\"request_id\":\"r-77\",\"trace_id\":\"4bf9\","
    "\"client\":\"192.0.2.1\",\"route\":\"order\",\"method\":\"GET\",\"path\":\"/o/"
    "7\",\"status\":504,"
    "\"outcome\":\"timeout\",\"termination\":\"BH\",\"reason\":\"call\",\"whose\":\"client\","
    "\"call\":\"db\","
    "\"elapsed_ms\":980.5,\"upload_ms\":0,\"bytes_up\":0,\"bytes_down\":12,\"mode\":\"enforce\","
    "\"budget_ms\":1000,\"source\":\"default\",\"local_ms\":1,\"queue_ms\":0,\"calls\":[]},\n"
    "{\"time\":\"2026-11-22T23:51:49.000Z\",\"request_id\":\"\\u001b[31mred\",\"route\":\"order\","
    "\"method\":\"GET\",\"path\":\"/\\u0007\\u009b\",\"status\":200,\"outcome\":\"ok\","
    "\"termination\":\"--\",\"elapsed_ms\":90,\"budget_ms\":1000}]}\n";

/* Whole answers, for as long as the test. */
static const char *answer_with(const char *body)
{
    static char rooms[3][8192];
    static size_t used;
    char *room = rooms[used++ % 3];

    snprintf(room, sizeof rooms[0],
             "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    return room;
}

struct origin *top_pages_start(void)
{
    const char *before = answer_with(TOP_ROUTES_BEFORE);
    const char *after = answer_with(TOP_ROUTES_AFTER);
    const char *requests = answer_with(TOP_REQUESTS);
    enum { LOOKS = 200 };
    struct script scripts[2 * LOOKS] = {
        {.deeds = {SEND(before)}},
        {.deeds = {SEND(requests)}},
    };

    for (size_t i = 1; i < LOOKS; i++) {
        scripts[2 * i] = (struct script){.deeds = {SEND(after)}};
        scripts[2 * i + 1] = (struct script){.deeds = {SEND(requests)}};
    }
    return origin_start("127.0.0.1", scripts, 2 * LOOKS);
}
