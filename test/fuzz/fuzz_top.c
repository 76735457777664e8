/* What `hourglass top` reads from whoever is at the other end, and draws on a terminal. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "proxy/top_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Nothing that a terminal would obey, and no line that is longer than it is wide. */
static void check_drawn(const char *drawn, size_t count, size_t columns)
{
    size_t column = 0;

    for (size_t i = 0; i < count; i++) {
        assert(drawn[i] == '\n' || (drawn[i] >= ' ' && drawn[i] <= '~'));
        column = drawn[i] == '\n' ? 0 : column + 1;
        assert(column <= columns);
    }
}

static void draw(const struct top_sample *sample, const struct top_requests *worst)
{
    const struct top_view view = {
        .before = sample, .now = sample, .worst = worst, .address = "here"};
    char *drawn;
    size_t count;
    FILE *out = open_memstream(&drawn, &count);
    struct top_canvas canvas = {.out = out, .columns = 100, .rows = 40};

    assert(out);
    top_view_draw(&view, &canvas);
    fclose(out);
    check_drawn(drawn, count, canvas.columns);
    free(drawn);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct text answer = {.at = (const char *)bytes, .count = count};
    struct top_sample sample = {.version = ""};
    struct top_requests worst = {.count = 0};

    bool has_routes = top_sample_read(&sample, answer);
    bool has_requests = top_requests_read(&worst, answer);
    if (!has_routes) { /* requests are never drawn without a sample */
        bool is_read = top_sample_read(&sample, TEXT("{\"routes\":[]}"));
        assert(is_read);
    }
    if (has_routes || has_requests)
        draw(&sample, &worst);
    top_sample_finish(&sample);
    top_requests_finish(&worst);
    return 0;
}
