/* A plan as a drawing in ASCII:
 *
 *   ---- session --+-- stock --------+-- order ---> client
 *                  |   else cached   |
 *                  +-- price? -------+
 */
#include <stdio.h>
#include <string.h>

#include "proxy/explanation.h"
#include "proxy/writer.h"

enum {
    WIDTH = 66, /* of the columns in a line; a plan that needs more goes on below */
    JOINTS = 8, /* what is around a label */
    LINE_TEXT = WIDTH + LABEL_TEXT + 32,
};

/* The calls of one step: explanation->calls[first] to [first + count - 1]. */
struct column {
    size_t first;
    size_t count;
    size_t last_call; /* counted from first: below it are only stand-ins */
    int width;        /* of the longest label */
};

/* Columns first to first + count - 1, which fit a line. */
struct band {
    const struct column *columns;
    size_t first;
    size_t count;
    size_t all;
};

static size_t list_columns(const struct explanation *explanation,
                           struct column columns[static PLAN_CALLS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < explanation->calls_count; i++) {
        const struct explained_call *call = &explanation->calls[i];
        char label[LABEL_TEXT];
        if (count <= call->step)
            columns[count++] = (struct column){.first = i};
        struct column *column = &columns[call->step];
        explanation_label(call, label);
        int length = (int)strlen(label);
        column->width = length > column->width ? length : column->width;
        if (!call->failing)
            column->last_call = i - column->first;
        column->count++;
    }
    return count;
}

static void repeat(struct writer *writer, char byte, int count)
{
    while (count-- > 0)
        write_char(writer, byte);
}

/* One row of a column: "+-- label ---+", with a fork only where calls are side by side. */
static void write_cell(struct writer *writer, const struct explanation *explanation,
                       const struct column *column, size_t row)
{
    char label[LABEL_TEXT] = "";
    bool is_call = row < column->count && !explanation->calls[column->first + row].failing;
    char line = is_call ? '-' : ' ';
    char fork = is_call ? '+' : row < column->last_call ? '|' : ' ';
    int forks = column->last_call > 0 ? 1 : 0;

    if (row < column->count)
        explanation_label(&explanation->calls[column->first + row], label);
    repeat(writer, fork, forks);
    repeat(writer, line, 2);
    write_char(writer, ' ');
    write_string(writer, label);
    write_char(writer, ' ');
    repeat(writer, line, column->width - (int)strlen(label) + 2);
    repeat(writer, fork, forks);
}

static void print_row(const struct explanation *explanation, const struct band *band, size_t row,
                      FILE *out)
{
    bool is_first = band->first == 0;
    bool is_last = band->first + band->count == band->all;
    char room[LINE_TEXT];
    struct writer writer = writer_on(room, sizeof room);

    write_string(&writer, row > 0 ? "    " : is_first ? "  --" : "  ..");
    for (size_t i = band->first; i < band->first + band->count; i++)
        write_cell(&writer, explanation, &band->columns[i], row);
    if (row == 0)
        write_string(&writer, is_last ? "-> client" : "..");
    struct text line = writer_text(&writer);
    while (line.count > 0 && line.at[line.count - 1] == ' ')
        line.count--;
    fprintf(out, "%.*s\n", (int)line.count, line.at);
}

static void print_band(const struct explanation *explanation, const struct band *band, FILE *out)
{
    size_t rows = 0;

    for (size_t i = band->first; i < band->first + band->count; i++)
        rows = band->columns[i].count > rows ? band->columns[i].count : rows;
    for (size_t row = 0; row < rows; row++)
        print_row(explanation, band, row, out);
}

/* What the marks of this plan mean. */
static void print_marks(const struct explanation *explanation, FILE *out)
{
    bool any_optional = false;
    bool any_else = false;

    for (size_t i = 0; i < explanation->calls_count; i++) {
        any_optional = any_optional || explanation->calls[i].policy->optional;
        any_else = any_else || explanation->calls[i].failing;
    }
    if (any_optional || any_else)
        fputc('\n', out);
    if (any_optional)
        fputs("  ?     optional: when it fails, that leaves a gap\n", out);
    if (any_else)
        fputs("  else  stands in for the call above it when that fails\n", out);
}

void explanation_draw(const struct explanation *explanation, FILE *out)
{
    struct column columns[PLAN_CALLS_MAX];
    struct band band = {.columns = columns, .all = list_columns(explanation, columns)};

    while (band.first < band.all) {
        int width = columns[band.first].width + JOINTS;
        for (band.count = 1; band.first + band.count < band.all; band.count++) {
            width += columns[band.first + band.count].width + JOINTS;
            if (width > WIDTH)
                break;
        }
        if (band.first > 0)
            fputc('\n', out);
        print_band(explanation, &band, out);
        band.first += band.count;
    }
    print_marks(explanation, out);
}
