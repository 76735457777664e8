#include "proxy/metrics_print.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/memory.h"
#include "proxy/metrics_rows.h"
#include "proxy/writer.h"

#ifndef HOURGLASS_VERSION
#define HOURGLASS_VERSION "0.0.0"
#endif

enum {
    LINES_MAX = 32,  /* of one owner's part of a metric */
    LINE_EXTRA = 96, /* of a line: all but the metric's name and the owner's labels */
};

static_assert(HISTOGRAM_BUCKETS + 2 <= LINES_MAX && (int)OUTCOMES <= (int)LINES_MAX &&
                  (int)REASONS <= (int)LINES_MAX && (int)RETRY_VERDICTS <= (int)LINES_MAX,
              "they are written together");

/* What is being printed. */
struct page {
    FILE *out; /* nobody else knows it: its lock is left out */
    const struct metrics_view *view;
    const struct metrics_row *row;
    char *room; /* owned: for the lines of one owner, which are written together */
    size_t room_bytes;
    char *labels_room; /* owned */
    size_t labels_bytes;
    struct text labels; /* of that owner, parted by commas; in their room */
};

/* ---- labels ----------------------------------------------------------------------------------- */

struct label {
    const char *name; /* NULL: there is none */
    const char *value;
};

/* Writes a label, if it is one, with the escapes of the text format, behind those before it. */
static void write_label(struct writer *writer, const struct label *label)
{
    const char *value = label->value;

    if (!label->name)
        return;
    write_string(writer, writer->at == writer->start ? "" : ",");
    write_string(writer, label->name);
    write_string(writer, "=\"");
    for (;;) {
        size_t plain = strcspn(value, "\"\\\n");
        write_text(writer, (struct text){.at = value, .count = plain});
        value += plain;
        if (!*value)
            break;
        write_char(writer, '\\');
        write_char(writer, *value == '\n' ? 'n' : *value);
        value++;
    }
    write_char(writer, '"');
}

static struct label owner_label(const struct conf *conf, const struct metrics_place *place)
{
    if (place->owner == OWNER_PROXY)
        return (struct label){NULL, NULL};
    if (place->owner == OWNER_UPSTREAM)
        return (struct label){"upstream", conf->upstreams[place->index].name};
    return (struct label){"route", metrics_route_name(conf, place->index)};
}

/* Of a part of the owner: a method, a source or a call of its route. */
static struct label part_label(const struct conf *conf, const struct metrics_place *place)
{
    switch (place->owner) {
    case OWNER_METHOD:
        return (struct label){"method", method_label((unsigned)place->part)};
    case OWNER_SOURCE:
        return (struct label){"source", metrics_source_name(conf, place->part)};
    case OWNER_CALL:
        return (struct label){"call", conf->routes[place->index].calls[place->part].name};
    default:
        return (struct label){NULL, NULL};
    }
}

static size_t label_room(const struct label *label)
{
    return label->name ? 2 * strlen(label->value) : 0;
}

static void set_labels(struct page *page, const struct metrics_place *place)
{
    const struct label owner = owner_label(page->view->conf, place);
    const struct label part = part_label(page->view->conf, place);
    size_t bytes = LINE_EXTRA + label_room(&owner) + label_room(&part);

    if (bytes > page->labels_bytes) {
        page->labels_room = memory_resize(page->labels_room, bytes);
        page->labels_bytes = bytes;
    }
    struct writer writer = writer_on(page->labels_room, bytes);
    write_label(&writer, &owner);
    write_label(&writer, &part);
    assert(!writer.is_cut);
    page->labels = writer_text(&writer);
}

/* ---- lines ------------------------------------------------------------------------------------ */

/* For the lines of one owner, in the page's room. */
static struct writer lines_of(struct page *page, const struct metrics_place *place)
{
    set_labels(page, place);
    size_t bytes = LINES_MAX * (strlen(page->row->name) + page->labels.count + LINE_EXTRA);

    if (bytes > page->room_bytes) {
        page->room = memory_resize(page->room, bytes);
        page->room_bytes = bytes;
    }
    return writer_on(page->room, page->room_bytes);
}

static void write_lines(const struct page *page, const struct writer *writer)
{
    assert(!writer->is_cut);
    fwrite_unlocked(writer->start, 1, (size_t)(writer->at - writer->start), page->out);
}

/* All of a line but its number. label: a further one; NULL: none. */
static void write_name(struct writer *writer, const struct page *page, const char *suffix,
                       const char *label)
{
    write_string(writer, page->row->name);
    write_string(writer, suffix);
    if (page->labels.count == 0 && !label)
        return;
    write_char(writer, '{');
    write_text(writer, page->labels);
    if (!label)
        write_char(writer, '}');
    else if (page->labels.count > 0)
        write_char(writer, ',');
    write_string(writer, label ? label : "");
}

/* The end of a line. In one piece, since a page may have a hundred thousand of them. */
static void write_value(struct writer *writer, uint64_t value)
{
    char room[24];
    char *end = room + sizeof room, *at = end;

    *--at = '\n';
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    *--at = ' ';
    write_text(writer, (struct text){.at = at, .count = (size_t)(end - at)});
}

/* Does the row tell of this owner what is zero? Of a method, once there was a request with it. */
static bool shows_zeros(const struct page *page, const struct metrics_place *place,
                        const uint64_t *totals)
{
    const struct metrics_row *row = page->row;
    const struct conf *conf = page->view->conf;
    uint64_t any = 0;

    if (row->is_of_observed)
        return place->index < conf->routes_count &&
               conf->routes[place->index].enforce_share < SHARE_WHOLE;
    if (place->owner != OWNER_METHOD || place->part == 0)
        return true;
    for (unsigned value = 0; value < row->count; value++)
        any |= totals[value];
    return any != 0;
}

static void write_counter(struct writer *writer, const struct page *page, unsigned value)
{
    write_name(writer, page, "", page->row->label);
    if (!page->row->label)
        return;
    write_string(writer, "=\"");
    write_string(writer, page->row->value(value));
    write_string(writer, "\"}");
}

static void print_counters(struct page *page, const struct metrics_place *place)
{
    const struct metrics_row *row = page->row;
    uint64_t totals[LINES_MAX], shown;

    metrics_sum(page->view, place, totals, row->count);
    shown = shows_zeros(page, place, totals) ? row->always : 0;
    for (unsigned value = 0; value < row->count; value++) {
        if (totals[value] != 0)
            shown |= UINT64_C(1) << value;
    }
    if (!shown)
        return;
    struct writer writer = lines_of(page, place);
    for (unsigned value = 0; value < row->count; value++) {
        if (!(shown & UINT64_C(1) << value))
            continue;
        write_counter(&writer, page, value);
        write_value(&writer, totals[value]);
    }
    write_lines(page, &writer);
}

static void write_buckets(struct writer *writer, const struct page *page,
                          const struct metrics_spread *spread)
{
    const struct scale *scale =
        page->row->kind == KIND_RATIOS ? &scale_of_ratios : &scale_of_durations;
    char *begin = writer->at;
    uint64_t below = 0;

    write_name(writer, page, "_bucket", "le=\"");
    const struct text name = {.at = begin, .count = (size_t)(writer->at - begin)};
    for (size_t i = 0; i <= scale->count; i++) {
        if (i > 0)
            write_text(writer, name);
        below += spread->buckets[i];
        write_string(writer, i < scale->count ? scale->names[i] : "+Inf");
        write_string(writer, "\"}");
        write_value(writer, below);
    }
    write_name(writer, page, "_sum", NULL);
    write_char(writer, ' ');
    write_decimal(writer, spread->sum, scale->digits);
    write_char(writer, '\n');
}

/* One that has counted nothing is left out, but for those of the whole: of thousands most may be so.
 */
static void print_histogram(struct page *page, const struct metrics_place *place)
{
    struct metrics_spread spread;

    metrics_spread(page->view, place, &spread);
    if (spread.count == 0 && place->owner != OWNER_PROXY)
        return;
    struct writer writer = lines_of(page, place);
    write_buckets(&writer, page, &spread);
    write_name(&writer, page, "_count", NULL);
    write_value(&writer, spread.count);
    write_lines(page, &writer);
}

/* ---- whose ------------------------------------------------------------------------------------ */

static size_t owners_count(const struct conf *conf, enum metrics_owner owner)
{
    switch (owner) {
    case OWNER_PROXY:
        return 1;
    case OWNER_ROUTE:
    case OWNER_METHOD:
        return conf->routes_count + 1;
    case OWNER_SOURCE:
    case OWNER_CALL:
        return conf->routes_count;
    case OWNER_UPSTREAM:
        return conf->upstreams_count;
    }
    return 0;
}

static size_t parts_count(const struct conf *conf, const struct metrics_place *place)
{
    switch (place->owner) {
    case OWNER_METHOD:
        return METHOD_KINDS;
    case OWNER_SOURCE:
        return metrics_sources(conf);
    case OWNER_CALL:
        return conf->routes[place->index].calls_count;
    default:
        return 1;
    }
}

static void print_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_row(struct page *page)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "histogram"};
    const struct metrics_row *row = page->row;
    const struct conf *conf = page->view->conf;
    struct metrics_place place = {.owner = row->owner, .field = row->field};

    if (row->help)
        print_head(page->out, row->name, types[row->kind], row->help);
    for (; place.index < owners_count(conf, row->owner); place.index++) {
        for (place.part = 0; place.part < parts_count(conf, &place); place.part++) {
            if (row->kind >= KIND_DURATIONS)
                print_histogram(page, &place);
            else
                print_counters(page, &place);
        }
    }
}

/* ---- the whole -------------------------------------------------------------------------------- */

static void print_upstreams_max(FILE *out, const struct metrics_view *view)
{
    const struct conf *conf = view->conf;

    print_head(out, "hourglass_upstream_connections_max", "gauge",
               "The limit of calls in flight: connections, of all workers together.");
    for (size_t i = 0; i < conf->upstreams_count; i++)
        fprintf(out, "hourglass_upstream_connections_max{upstream=\"%s\"} %zu\n",
                conf->upstreams[i].name, view->workers_count * conf->upstreams[i].connections);
}

static void print_one(FILE *out, const char *name, uint64_t value, const char *help)
{
    size_t count = strlen(name);
    bool is_total = count > 6 && strcmp(name + count - 6, "_total") == 0;

    print_head(out, name, is_total ? "counter" : "gauge", help);
    fprintf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void print_whole(FILE *out, const struct metrics_view *view)
{
    const struct metrics_whole *whole = &view->whole;

    print_one(out, "hourglass_workers", view->workers_count, "Threads that serve clients.");
    print_one(out, "hourglass_connections_max", whole->max_connections,
              "The limit of connections of clients: max-connections, or what descriptors allow.");
    print_one(out, "hourglass_memory_bytes", whole->memory_bytes,
              "Memory that connections and requests hold, but for libcurl's.");
    print_one(out, "hourglass_memory_max_bytes", whole->memory_max_bytes,
              "The limit of that: max-memory.");
    print_one(out, "hourglass_log_lines_dropped_total", whole->log.dropped,
              "Lines that were not written to the log.");
    print_one(out, "hourglass_log_reopen_failures_total", whole->log.reopen_failures,
              "How often the log could not be opened anew.");
    print_one(out, "hourglass_admin_pages_cut_off_total", whole->admin_pages_cut_off,
              "Pages of the admin listener that were cut off, since they were read too slowly.");
}

void metrics_print(FILE *out, const struct metrics_view *view)
{
    struct page page = {.out = out, .view = view};

    print_head(out, "hourglass_build_info", "gauge", "Always 1; the version is in its label.");
    fputs("hourglass_build_info{version=\"" HOURGLASS_VERSION "\"} 1\n", out);
    for (size_t i = 0; i < metrics_rows_count; i++) {
        page.row = &metrics_rows[i];
        print_row(&page);
    }
    free(page.labels_room);
    free(page.room);
    print_upstreams_max(out, view);
    print_whole(out, view);
}
