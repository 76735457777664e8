#include "proxy/otlp.h"

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/trace_state.h"
#include "test/support/otlp_reader.h"

static char message[2 * OTLP_ROOM];
static struct otlp_span spans[OTLP_SPANS_MAX];
static char bytes[16384];

/* A request that no route took, of which everything else is as given. */
static struct record record_of(struct text text, struct trace_notes *notes,
                               struct trace_context *trace)
{
    memcpy(trace->id, "0af7651916cd43dd8448eb211c80319c", sizeof trace->id);
    memcpy(notes->id, "b7ad6b7169203331", sizeof notes->id);
    return (struct record){
        .id = TEXT("id"),
        .trace = trace,
        .notes = notes,
        .client = TEXT("192.0.2.1"),
        .method = text,
        .path = text,
        .status = 404,
        .ending = ENDING_REFUSED,
        .blamed = NO_CALL,
        .started = {.ns = 5},
        .ended = {.ns = 1000},
    };
}

static const struct otlp_span *written(const struct record *record)
{
    struct writer writer = writer_on(message, sizeof message - 1);

    otlp_write_head(&writer, "test");
    char *begin = writer.at;
    otlp_write_request(&writer, record, INT64_C(1700000000000000000));
    cr_assert_leq(writer.at - begin, OTLP_ROOM);
    otlp_write_tail(&writer);
    cr_assert_not(writer.is_cut);
    *writer.at = '\0';
    cr_assert_eq(otlp_read(message, "test", spans), 1);
    return &spans[0];
}

static const struct otlp_span *written_with(struct text text)
{
    static struct trace_context trace;
    static struct trace_notes notes;

    notes = (struct trace_notes){.host = text, .agent = text, .minor = 1};
    if (notes.host.count > 255)
        notes.host.count = notes.agent.count = 255;
    notes.state =
        (struct text){text.at, text.count < TRACE_STATE_MAX ? text.count : TRACE_STATE_MAX};
    struct record record = record_of(text, &notes, &trace);
    return written(&record);
}

Test(otlp, every_byte_may_stand_in_what_clients_send)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[] = {'a', (char)byte, 'b'};
        (void)written_with((struct text){.at = text, .count = sizeof text});
    }
}

Test(otlp, the_longest_texts_fit)
{
    memset(bytes, '"', sizeof bytes);
    const struct otlp_span *span = written_with((struct text){bytes, sizeof bytes});
    cr_expect_leq(otlp_attribute(span, "url.path").count, 2 * 2048);
    cr_expect_leq(otlp_attribute(span, "http.request.method_original").count, 2 * 64);
    cr_expect_eq(span->state.count, 2 * TRACE_STATE_MAX);
}

Test(otlp, times_are_those_of_the_wall_clock)
{
    const struct otlp_span *span = written_with(TEXT("GET"));

    cr_expect_eq(span->begun_ns, UINT64_C(1700000000000000005));
    cr_expect_eq(span->ended_ns, UINT64_C(1700000000000001000));
}

Test(otlp, methods_of_nobody_have_one_name)
{
    const struct otlp_span *span = written_with(TEXT("BREW"));

    cr_expect(text_is(span->name, TEXT("HTTP")));
    cr_expect(otlp_says(span, "http.request.method", "_OTHER"));
    cr_expect(otlp_says(span, "http.request.method_original", "BREW"));
    span = written_with(TEXT("PATCH"));
    cr_expect(text_is(span->name, TEXT("PATCH")));
    cr_expect_null(otlp_attribute(span, "http.request.method_original").at);
}

Test(otlp, authorities_of_all_forms_are_taken_apart)
{
    static const struct {
        const char *host;
        const char *address; /* NULL: none */
        const char *port;
    } cases[] = {
        {"shop.example", "shop.example", "80"},
        {"shop.example:8080", "shop.example", "8080"},
        {"[2001:db8::1]", "2001:db8::1", "80"},
        {"[::1]:81", "::1", "81"},
        {"shop.example:", "shop.example", "80"},
        {"shop.example:99999", "shop.example", "80"},
        {"", NULL, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct otlp_span *span = written_with(text_of(cases[i].host));
        if (!cases[i].address) {
            cr_expect_null(otlp_attribute(span, "server.address").at);
            continue;
        }
        cr_expect(otlp_says(span, "server.address", cases[i].address), "%s", cases[i].host);
        cr_expect(otlp_says(span, "server.port", cases[i].port), "%s", cases[i].host);
    }
}
