/* Is it JSON? The check in pieces and a plain reader of the grammar have to agree. The input is how
 * many cuts there are, how many bytes each piece before a cut has, one byte each, and the text. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/json.h"
#include "conf/json_check.h"
#include "test/support/json_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Takes a piece off the front of rest: in memory of its own, so that a look behind it is found. */
static bool take_piece(struct json_check *check, struct text *rest, size_t count)
{
    if (count > rest->count)
        count = rest->count;
    char *piece = malloc(count + 1);

    assert(piece);
    memcpy(piece + 1, rest->at, count);
    bool is_right = json_check_take(check, piece + 1, count);
    free(piece);
    *rest = (struct text){.at = rest->at + count, .count = rest->count - count};
    return is_right;
}

static bool is_value_cut(struct text text, const uint8_t *cuts, size_t cuts_count)
{
    struct text rest = text;
    struct json_check check;
    bool is_right = true;

    json_check_init(&check);
    for (size_t i = 0; i <= cuts_count; i++) {
        bool was_right = is_right;
        is_right = take_piece(&check, &rest, i < cuts_count ? cuts[i] : rest.count);
        assert(was_right || !is_right);
        struct text taken = {.at = text.at, .count = text.count - rest.count};
        assert(json_check_is_whole(&check) == json_reader_is_value(taken));
    }
    assert(is_right || !json_check_is_whole(&check));
    return json_check_is_whole(&check);
}

/* What is taken is a value without blanks around it, and so is the next, until there is none. */
static void check_values(struct text rest)
{
    struct text value;

    for (struct text before = rest; json_take_value(&rest, &value); before = rest) {
        assert(json_reader_is_value(value) && rest.count < before.count);
        assert(!strchr(" \t\r\n", value.at[0]) && !strchr(" \t\r\n", value.at[value.count - 1]));
        assert(rest.at + rest.count == before.at + before.count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    if (count == 0 || bytes[0] > count - 1)
        return 0;
    size_t cuts_count = bytes[0];
    struct text text = {.at = (const char *)bytes + 1 + cuts_count,
                        .count = count - 1 - cuts_count};
    bool is_value = is_value_cut(text, bytes + 1, cuts_count);

    assert(is_value == json_reader_is_value(text));
    assert(is_value == json_is_value(text));
    check_values(text);
    return 0;
}
