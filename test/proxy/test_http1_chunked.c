/* Chunked bodies by the thousand, whole and with a few bytes changed: the decoder and a plain reader
 * of the RFC have to agree on each byte of the body, and on where it ends. */
#include "proxy/http1_chunked.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "test/support/chunk_reader.h"
#include "test/support/dice.h"

enum { ROOM = 1024, FRAMING_MAX = 4096, ROUNDS = 50000 };

struct bytes {
    char at[ROOM];
    size_t count;
};

static struct pool pool;

static void set_up(void)
{
    pool_init(&pool);
}

static void tear_down(void)
{
    pool_finish(&pool);
}

TestSuite(http1_chunked, .init = set_up, .fini = tear_down, .timeout = 300);

/* ---- a body, right or nearly ------------------------------------------------------------------ */

static void add(struct bytes *bytes, const char *text)
{
    bytes->count += (size_t)snprintf(bytes->at + bytes->count, ROOM - bytes->count, "%s", text);
}

static const char *pick(struct dice *dice, const char *const *texts, int64_t count)
{
    return texts[dice_to(dice, count - 1)];
}

#define PICK(dice, ...)                            \
    pick(dice, (const char *const[]){__VA_ARGS__}, \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void add_chunk(struct bytes *bytes, struct dice *dice)
{
    char line[32];
    int count = (int)dice_to(dice, 40) + 1;

    snprintf(line, sizeof(line), dice_chance(dice, 50) ? "%s%x" : "%s%X",
             PICK(dice, "", "", "", "0", "000"), (unsigned)count);
    add(bytes, line);
    add(bytes, PICK(dice, "", "", "", ";a", ";a=b", ";a=\"b c\"", ";a;b=1", ";a=b;c=\"d\""));
    add(bytes, "\r\n");
    for (int i = 0; i < count; i++)
        bytes->at[bytes->count++] = "0123456789abcdef\r\n;:\0 "[dice_to(dice, 21)];
    add(bytes, "\r\n");
}

static void add_body(struct bytes *bytes, struct dice *dice)
{
    for (int64_t chunks = dice_to(dice, 4); chunks > 0; chunks--)
        add_chunk(bytes, dice);
    add(bytes, PICK(dice, "0\r\n", "0\r\n", "000\r\n", "0;a=b\r\n"));
    add(bytes, PICK(dice, "", "", "A: b\r\n", "A: b\r\nC:\r\n"));
    add(bytes, "\r\n");
    add(bytes, PICK(dice, "", "", "GET / HTTP/1.1\r\n", "0\r\n\r\n", "\r\n"));
}

static char odd_byte(struct dice *dice)
{
    static const char ODD[] = "\r\n\t\0 ;:=\"0123456789aAfFgGxX+-_,\x01\x7f\x80\xff";

    return ODD[dice_to(dice, sizeof(ODD) - 2)];
}

/* One byte changed, added or taken away; or the rest cut off. */
static void spoil(struct bytes *bytes, struct dice *dice)
{
    size_t at = (size_t)dice_to(dice, (int64_t)bytes->count - 1);
    size_t behind = bytes->count - at;

    switch (dice_to(dice, 6)) {
    case 0:
    case 1:
        bytes->at[at] = odd_byte(dice);
        break;
    case 2:
    case 3:
        memmove(bytes->at + at + 1, bytes->at + at, behind);
        bytes->at[at] = odd_byte(dice);
        bytes->count++;
        break;
    case 4:
    case 5:
        memmove(bytes->at + at, bytes->at + at + 1, behind - 1);
        bytes->count--;
        break;
    default:
        bytes->count = at + 1;
        break;
    }
}

/* ---- its two readers -------------------------------------------------------------------------- */

struct decoded {
    char body[ROOM];
    size_t count;
    size_t used;
    enum chunked_result result;
};

/* In steps of so many bytes at the most, and pieces of so many. */
static void decode(struct decoded *decoded, const struct bytes *bytes, size_t step, size_t wanted)
{
    struct http1_chunked *chunked = http1_chunked_create(&pool, FRAMING_MAX);

    *decoded = (struct decoded){.result = CHUNKED_MORE};
    while (decoded->result == CHUNKED_MORE && decoded->used < bytes->count) {
        size_t left = bytes->count - decoded->used;
        struct text rest = {bytes->at + decoded->used, left < step ? left : step};
        size_t given = rest.count;
        struct text piece;
        while ((decoded->result = http1_chunked_next(chunked, &rest, wanted, &piece)) ==
               CHUNKED_PIECE) {
            cr_assert(piece.count > 0 && piece.count <= wanted);
            memcpy(decoded->body + decoded->count, piece.at, piece.count);
            decoded->count += piece.count;
        }
        decoded->used += given - rest.count;
    }
    http1_chunked_destroy(chunked, &pool);
}

static const char *printable(const struct bytes *bytes)
{
    static char text[4 * ROOM + 1];
    size_t count = 0;

    for (size_t i = 0; i < bytes->count; i++)
        count += (size_t)sprintf(text + count, bytes->at[i] > ' ' ? "%c" : "\\x%02x",
                                 (unsigned char)bytes->at[i]);
    return text;
}

static const enum chunks_state EXPECTED[] = {
    [CHUNKED_MORE] = CHUNKS_SHORT, [CHUNKED_END] = CHUNKS_WHOLE, [CHUNKED_INVALID] = CHUNKS_WRONG};

/* Of what is dropped, extensions and trailers, the decoder may refuse more. */
static void compare(const struct bytes *bytes, const struct decoded *decoded)
{
    char body[ROOM];
    struct chunk_reading reading =
        chunk_reader_read((struct text){.at = bytes->at, .count = bytes->count}, body);
    bool is_stricter = decoded->result == CHUNKED_INVALID && !reading.is_plain;

    cr_assert(is_stricter || EXPECTED[decoded->result] == reading.state, "%d, not %d: %s",
              (int)decoded->result, (int)reading.state, printable(bytes));
    cr_assert(decoded->count == reading.body_count || decoded->result == CHUNKED_INVALID);
    cr_assert_leq(decoded->count, reading.body_count, "%s", printable(bytes));
    cr_assert_eq(memcmp(decoded->body, body, decoded->count), 0, "%s", printable(bytes));
    cr_assert(decoded->result != CHUNKED_END || decoded->used == reading.used, "%zu, not %zu: %s",
              decoded->used, reading.used, printable(bytes));
}

static void compare_cut(struct dice *dice, const struct bytes *bytes)
{
    static struct decoded whole, cut;

    decode(&whole, bytes, ROOM, SIZE_MAX);
    decode(&cut, bytes, (size_t)dice_to(dice, 6) + 1, (size_t)dice_to(dice, 20) + 1);
    compare(bytes, &whole);
    compare(bytes, &cut);
    cr_assert_eq(whole.result, cut.result, "%s", printable(bytes));
}

/* ---- tests ------------------------------------------------------------------------------------ */

Test(http1_chunked, whole_bodies_are_read_to_the_byte)
{
    struct dice dice = {.state = 1};

    for (int i = 0; i < ROUNDS / 10; i++) {
        static struct decoded decoded;
        struct bytes bytes = {.count = 0};
        add_body(&bytes, &dice);
        decode(&decoded, &bytes, (size_t)dice_to(&dice, 30) + 1, SIZE_MAX);
        cr_assert_eq(decoded.result, CHUNKED_END, "%s", printable(&bytes));
        compare(&bytes, &decoded);
    }
}

Test(http1_chunked, what_is_left_of_spoiled_bodies_has_one_reading)
{
    struct dice dice = {.state = 2};

    for (int i = 0; i < ROUNDS; i++) {
        struct bytes bytes = {.count = 0};
        add_body(&bytes, &dice);
        for (int64_t times = dice_to(&dice, 2); times >= 0 && bytes.count > 1; times--)
            spoil(&bytes, &dice);
        compare_cut(&dice, &bytes);
    }
}

/* Two bytes that are no line end stand where it should be. */
Test(http1_chunked, chunk_that_is_longer_than_its_size_is_refused)
{
    static const char *const bodies[] = {
        "2\r\nabXY0\r\n\r\n",   "2\r\nabcd4\r\nefgh\r\n0\r\n\r\n",
        "2\r\nab\r\r0\r\n\r\n", "2\r\nab0\r\n0\r\n\r\n",
        "2\r\nab\n\n0\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        for (size_t step = 1; step < 12; step++) {
            static struct decoded decoded;
            struct bytes bytes = {.count = 0};
            add(&bytes, bodies[i]);
            decode(&decoded, &bytes, step, SIZE_MAX);
            cr_expect_eq(decoded.result, CHUNKED_INVALID, "%s in steps of %zu", bodies[i], step);
            cr_expect_eq(decoded.count, 2, "%s in steps of %zu", bodies[i], step);
        }
    }
}

Test(http1_chunked, framing_between_two_pieces_is_limited)
{
    static const char *const fillers[] = {"0", "0;a", "A: b\r\n"};

    for (size_t i = 0; i < sizeof(fillers) / sizeof(*fillers); i++) {
        struct http1_chunked *chunked = http1_chunked_create(&pool, FRAMING_MAX);
        enum chunked_result result = CHUNKED_MORE;
        struct text first = i == 2 ? TEXT("0\r\n") : TEXT("0"), piece;
        size_t fed = first.count;

        result = http1_chunked_next(chunked, &first, SIZE_MAX, &piece);
        while (result == CHUNKED_MORE && fed < 2 * FRAMING_MAX) {
            struct text filler = text_of(fillers[i] + (i == 1 && fed > 1));
            fed += filler.count;
            result = http1_chunked_next(chunked, &filler, SIZE_MAX, &piece);
        }
        cr_expect_eq(result, CHUNKED_INVALID, "%s", fillers[i]);
        cr_expect_gt(fed, FRAMING_MAX, "%s", fillers[i]);
        cr_expect_leq(fed, FRAMING_MAX + 8, "%s", fillers[i]);
        http1_chunked_destroy(chunked, &pool);
    }
}

/* Feeds one chunk again and again. Returns how many bytes were taken, of `most`. */
static size_t feed_again(const char *chunk, size_t most)
{
    struct http1_chunked *chunked = http1_chunked_create(&pool, FRAMING_MAX);
    enum chunked_result result = CHUNKED_MORE;
    size_t fed = 0;

    while (result == CHUNKED_MORE && fed < most) {
        struct text bytes = text_of(chunk), piece;
        fed += bytes.count;
        do
            result = http1_chunked_next(chunked, &bytes, SIZE_MAX, &piece);
        while (result == CHUNKED_PIECE);
    }
    http1_chunked_destroy(chunked, &pool);
    return result == CHUNKED_MORE ? most : fed;
}

Test(http1_chunked, little_body_carries_little_framing)
{
    enum { MOST = 100 * FRAMING_MAX };

    cr_expect_eq(feed_again("1\r\na\r\n", MOST), MOST);
    cr_expect_eq(feed_again("1;a=b;c=\"d\"\r\na\r\n", MOST), MOST);
    cr_expect_lt(feed_again("1;a=0123456789012345678901234567890123456789\r\na\r\n", MOST),
                 3 * FRAMING_MAX);
    cr_expect_eq(feed_again("10;a=012345678901234567890123456789\r\n0123456789abcdef\r\n", MOST),
                 MOST);
}
