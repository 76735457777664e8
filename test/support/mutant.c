#include "test/support/mutant.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define HOST "Host: h\r\n"
#define HIDDEN "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"

static const char *const valid[] = {
    "GET / HTTP/1.1\r\n" HOST "Accept: */*\r\nX-A: 1\r\n\r\n",
    "POST /a?b HTTP/1.1\r\n" HOST "Content-Length: 5\r\nX-A: 1\r\n\r\nhello",
    "POST /a HTTP/1.1\r\nContent-Length: 33\r\n" HOST "\r\n" HIDDEN,
    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nX-A: 1\r\n\r\n"
    "21\r\n" HIDDEN "\r\n0\r\n\r\n",
    "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
    "3;a=b\r\nabc\r\n0;c\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Connection: keep-alive, X-A\r\nX-A: 1\r\nX-B: 2\r\n\r\n" HIDDEN,
    "POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab"
    "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\ncde" HIDDEN,
    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" HIDDEN,
    "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc" HIDDEN,
    "GET http://x/a HTTP/1.1\r\n" HOST "Cookie: a=b; c=\"d\"\r\nX-A: 1\r\nX-A: 2\r\n\r\n",
    "DELETE / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
};

/* What readers are known to disagree on. NULs are put in by themselves. */
static const char *const pieces[] = {
    "\r",
    "\n",
    "\r\n",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "=",
    "\"",
    "\\",
    "+",
    "-",
    "0",
    "1",
    "5",
    "f",
    "x",
    "\x0b",
    "\x7f",
    "\x80",
    "\r\n\r\n",
    "\r\n ",
    "0\r\n\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "Connection: close\r\n",
    "Connection: Transfer-Encoding\r\n",
    "X-A : 1\r\n",
    HIDDEN,
};

#define COUNT(array) (int64_t)(sizeof(array) / sizeof((array)[0]))

static size_t dice_below(struct dice *dice, size_t end)
{
    return end == 0 ? 0 : (size_t)dice_to(dice, (int64_t)end - 1);
}

static void delete_bytes(struct mutant *mutant, size_t at, size_t count)
{
    memmove(mutant->bytes + at, mutant->bytes + at + count, mutant->count - at - count);
    mutant->count -= count;
}

/* bytes may be part of the mutant. What does not fit is left away. */
static void insert_bytes(struct mutant *mutant, size_t at, struct text bytes)
{
    char copy[MUTANT_MAX];

    if (bytes.count > MUTANT_MAX - mutant->count)
        return;
    memcpy(copy, bytes.at, bytes.count);
    memmove(mutant->bytes + at + bytes.count, mutant->bytes + at, mutant->count - at);
    memcpy(mutant->bytes + at, copy, bytes.count);
    mutant->count += bytes.count;
}

/* The line that has this byte, with its line end. */
static struct text line_with(const struct mutant *mutant, size_t at)
{
    size_t begin = at;
    size_t end = at;

    while (begin > 0 && mutant->bytes[begin - 1] != '\n')
        begin--;
    while (end < mutant->count && mutant->bytes[end] != '\n')
        end++;
    end += end < mutant->count;
    return (struct text){mutant->bytes + begin, end - begin};
}

static void insert_piece(struct mutant *mutant, struct dice *dice, size_t at)
{
    static const struct text nul = {"", 1};
    int64_t piece = dice_to(dice, COUNT(pieces));

    insert_bytes(mutant, at, piece == COUNT(pieces) ? nul : text_of(pieces[piece]));
}

/* Takes the line to another place, or leaves it where it is and puts a copy there. */
static void move_line(struct mutant *mutant, struct dice *dice, size_t at)
{
    struct text line = line_with(mutant, at);
    char copy[MUTANT_MAX];
    bool is_copy = dice_chance(dice, 50);

    memcpy(copy, line.at, line.count);
    if (!is_copy)
        delete_bytes(mutant, (size_t)(line.at - mutant->bytes), line.count);
    struct text other = line_with(mutant, dice_below(dice, mutant->count));
    insert_bytes(mutant, (size_t)(other.at - mutant->bytes), (struct text){copy, line.count});
}

static void mutate(struct mutant *mutant, struct dice *dice)
{
    size_t at = dice_below(dice, mutant->count);
    size_t left = mutant->count - at;
    size_t some = 1 + dice_below(dice, left < 4 ? left : 4);
    struct text line = line_with(mutant, at);

    if (mutant->count < 4 || some > left)
        return;
    switch (dice_to(dice, 6)) {
    case 0:
        delete_bytes(mutant, at, some);
        break;
    case 1:
        insert_bytes(mutant, at, (struct text){mutant->bytes + at, some});
        break;
    case 2:
        delete_bytes(mutant, at, 1);
        insert_piece(mutant, dice, at);
        break;
    case 3:
        insert_piece(mutant, dice, at);
        break;
    case 4:
        insert_piece(mutant, dice, (size_t)(line.at - mutant->bytes));
        break;
    case 5:
        delete_bytes(mutant, (size_t)(line.at - mutant->bytes), line.count);
        break;
    default:
        move_line(mutant, dice, at);
        break;
    }
}

void mutant_draw(struct mutant *mutant, struct dice *dice)
{
    struct text start = text_of(valid[dice_to(dice, COUNT(valid) - 1)]);

    assert(start.count <= MUTANT_MAX);
    memcpy(mutant->bytes, start.at, start.count);
    mutant->count = start.count;
    for (int64_t times = 1 + dice_to(dice, 3); times > 0; times--)
        mutate(mutant, dice);
}
