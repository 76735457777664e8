#include "conf/json_check.h"

#include "conf/json.h"
#include "conf/json_runs.h"
#include "conf/utf8.h"

/* What may come next. The numbers' are named by what has come. */
enum state {
    VALUE,
    NAME,
    FIRST_OR_CLOSE, /* behind [ or { */
    COLON,
    COMMA_OR_CLOSE,
    OVER, /* blanks behind the value */
    STRING,
    STRING_WIDE, /* characters of several bytes */
    STRING_ESCAPE,
    STRING_HEX,
    NUMBER_MINUS,
    NUMBER_ZERO,
    NUMBER_INTEGER,
    NUMBER_POINT,
    NUMBER_FRACTION,
    NUMBER_E,
    NUMBER_SIGN,
    NUMBER_EXPONENT,
    WORD,
    WRONG,
};

/* ---- blanks ----------------------------------------------------------------------------------- */

static inline bool is_empty(const struct json_rest *rest)
{
    return rest->at == rest->end;
}

/* Returns where the blanks at the front end. A long run is of spaces. */
static const char *past_blanks(struct json_rest rest)
{
    while (!is_empty(&rest) && json_is_blank(rest.at[0])) {
        rest.at++;
        json_skip_run(&rest, json_is_space, json_mark_spaces);
    }
    return rest.at;
}

/* False: nothing comes behind them. */
static inline bool skip_blanks(struct json_rest *rest)
{
    if (!is_empty(rest) && json_is_blank(rest->at[0]))
        rest->at = past_blanks(*rest);
    return !is_empty(rest);
}

/* ---- structure -------------------------------------------------------------------------------- */

/* What takes something off the front of rest sets the state to what may come behind it. It returns
 * whether it has got through and there is more. */

static inline bool go(struct json_check *check, enum state state)
{
    check->state = state;
    return state != WRONG;
}

static inline bool step(struct json_check *check, struct json_rest *rest, enum state state)
{
    rest->at++;
    return go(check, state) && !is_empty(rest);
}

static inline enum state behind_value(const struct json_check *check)
{
    return check->depth > 0 ? COMMA_OR_CLOSE : OVER;
}

static inline bool is_in_object(const struct json_check *check)
{
    return (check->levels[0] & 1) != 0;
}

static enum state open(struct json_check *check, bool is_object)
{
    if (check->depth == JSON_DEPTH_MAX)
        return WRONG;
    check->depth++;
    check->levels[1] = check->levels[1] << 1 | check->levels[0] >> 63;
    check->levels[0] = check->levels[0] << 1 | is_object;
    return FIRST_OR_CLOSE;
}

static enum state close(struct json_check *check, bool is_object)
{
    if (is_object != is_in_object(check))
        return WRONG;
    check->depth--;
    check->levels[0] = check->levels[0] >> 1 | check->levels[1] << 63;
    check->levels[1] >>= 1;
    return behind_value(check);
}

/* What may come behind the first byte of a value. */
static inline enum state begin(struct json_check *check, char c)
{
    switch (c) {
    case '"':
        check->is_name = false;
        return STRING;
    case '{':
    case '[':
        return open(check, c == '{');
    case 't':
        check->word = "rue";
        return WORD;
    case 'f':
        check->word = "alse";
        return WORD;
    case 'n':
        check->word = "ull";
        return WORD;
    case '-':
        return NUMBER_MINUS;
    case '0':
        return NUMBER_ZERO;
    default:
        return json_is_digit(c) ? NUMBER_INTEGER : WRONG;
    }
}

static inline bool take_value(struct json_check *check, struct json_rest *rest)
{
    return skip_blanks(rest) && step(check, rest, begin(check, rest->at[0]));
}

static inline bool take_quote(struct json_check *check, struct json_rest *rest)
{
    check->is_name = true;
    return skip_blanks(rest) && step(check, rest, rest->at[0] == '"' ? STRING : WRONG);
}

static inline bool take_colon(struct json_check *check, struct json_rest *rest)
{
    return skip_blanks(rest) && step(check, rest, rest->at[0] == ':' ? VALUE : WRONG);
}

static inline bool is_close(char c)
{
    return c == ']' || c == '}';
}

static inline bool take_comma(struct json_check *check, struct json_rest *rest)
{
    if (!skip_blanks(rest))
        return false;
    char c = rest->at[0];
    if (c == ',')
        return step(check, rest, is_in_object(check) ? NAME : VALUE);
    return step(check, rest, is_close(c) ? close(check, c == '}') : WRONG);
}

/* Behind an opening bracket, which may be closed at once. */
static inline bool take_first(struct json_check *check, struct json_rest *rest)
{
    if (!skip_blanks(rest))
        return false;
    char c = rest->at[0];
    if (is_close(c))
        return step(check, rest, close(check, c == '}'));
    return go(check, is_in_object(check) ? NAME : VALUE);
}

/* ---- strings, numbers and words --------------------------------------------------------------- */

static inline bool take_string(struct json_check *check, struct json_rest *rest)
{
    json_skip_run(rest, json_is_plain_byte, json_mark_plain);
    if (is_empty(rest))
        return false;
    char c = rest->at[0];
    if (c == '"')
        return step(check, rest, check->is_name ? COLON : behind_value(check));
    if (c == '\\')
        return step(check, rest, STRING_ESCAPE);
    check->utf8 = UTF8_WHOLE;
    return go(check, c & 0x80 ? STRING_WIDE : WRONG);
}

static bool take_wide(struct json_check *check, struct json_rest *rest)
{
    unsigned utf8 = check->utf8;

    rest->at += utf8_take_wide((struct text){rest->at, (size_t)(rest->end - rest->at)}, &utf8);
    check->utf8 = utf8;
    if (utf8 == UTF8_WRONG)
        return go(check, WRONG);
    return !is_empty(rest) && go(check, STRING);
}

static inline bool take_escape(struct json_check *check, struct json_rest *rest)
{
    char c = rest->at[0];

    check->hex = 4;
    if (c == 'u')
        return step(check, rest, STRING_HEX);
    return step(check, rest, c != '\0' && strchr("\"\\/bfnrt", c) ? STRING : WRONG);
}

static bool take_hex(struct json_check *check, struct json_rest *rest)
{
    char letter = (char)(rest->at[0] | 0x20);

    if (!json_is_digit(rest->at[0]) && (letter < 'a' || letter > 'f'))
        return go(check, WRONG);
    check->hex--;
    return step(check, rest, check->hex > 0 ? STRING_HEX : STRING);
}

/* What may come behind c in a number; OVER: c does not belong to it. */
static inline enum state behind_number(enum state state, char c)
{
    switch (state) {
    case NUMBER_MINUS:
        return c == '0' ? NUMBER_ZERO : json_is_digit(c) ? NUMBER_INTEGER : WRONG;
    case NUMBER_POINT:
        return json_is_digit(c) ? NUMBER_FRACTION : WRONG;
    case NUMBER_E:
        if (c == '+' || c == '-')
            return NUMBER_SIGN;
        /* fall through */
    case NUMBER_SIGN:
        return json_is_digit(c) ? NUMBER_EXPONENT : WRONG;
    case NUMBER_ZERO:
    case NUMBER_INTEGER:
        if (c == '.')
            return NUMBER_POINT;
        /* fall through */
    case NUMBER_FRACTION:
        return c == 'e' || c == 'E' ? NUMBER_E : OVER;
    default:
        return OVER;
    }
}

static inline bool take_number(struct json_check *check, struct json_rest *rest)
{
    enum state state = check->state;

    if (state == NUMBER_INTEGER || state == NUMBER_FRACTION || state == NUMBER_EXPONENT)
        json_skip_run(rest, json_is_digit, json_mark_digits);
    if (is_empty(rest))
        return false;
    state = behind_number(state, rest->at[0]);
    return state == OVER ? go(check, behind_value(check)) : step(check, rest, state);
}

static bool take_word(struct json_check *check, struct json_rest *rest)
{
    for (; *check->word != '\0' && !is_empty(rest); check->word++) {
        if (rest->at[0] != *check->word)
            return go(check, WRONG);
        rest->at++;
    }
    return *check->word == '\0' && go(check, behind_value(check));
}

/* ---- all -------------------------------------------------------------------------------------- */

/* The cases of structure stand in the order in which their parts come in an object, so that most
 * often one leads to the next. */
static inline void take_some(struct json_check *check, struct json_rest *rest)
{
    switch ((enum state)check->state) {
    case COMMA_OR_CLOSE:
        if (!take_comma(check, rest) || check->state != NAME)
            return;
        /* fall through */
    case NAME:
        if (!take_quote(check, rest) || !take_string(check, rest) || check->state != COLON)
            return;
        /* fall through */
    case COLON:
        if (!take_colon(check, rest))
            return;
        /* fall through */
    case VALUE:
        if (!take_value(check, rest) || check->state != STRING)
            return;
        /* fall through */
    case STRING:
        take_string(check, rest);
        return;
    case FIRST_OR_CLOSE:
        take_first(check, rest);
        return;
    case STRING_WIDE:
        take_wide(check, rest);
        return;
    case STRING_ESCAPE:
        take_escape(check, rest);
        return;
    case STRING_HEX:
        take_hex(check, rest);
        return;
    case WORD:
        take_word(check, rest);
        return;
    case OVER:
    case WRONG:
        return;
    default:
        take_number(check, rest);
    }
}

void json_check_init(struct json_check *check)
{
    *check = (struct json_check){.state = VALUE};
}

size_t json_check_value(struct json_check *check, struct text text)
{
    if (text.count == 0)
        return 0;
    /* A copy that is nobody else's can stay in registers. */
    struct json_check now = *check;
    struct json_rest rest = {.at = text.at, .end = text.at + text.count};

    while (!is_empty(&rest) && now.state != OVER && now.state != WRONG)
        take_some(&now, &rest);
    if (now.state == OVER)
        skip_blanks(&rest);
    *check = now;
    return (size_t)(rest.at - text.at);
}

bool json_check_take(struct json_check *check, const char *bytes, size_t count)
{
    if (json_check_value(check, (struct text){.at = bytes, .count = count}) < count)
        check->state = WRONG;
    return check->state != WRONG;
}

bool json_check_is_whole(const struct json_check *check)
{
    switch ((enum state)check->state) {
    case OVER:
        return true;
    case NUMBER_ZERO:
    case NUMBER_INTEGER:
    case NUMBER_FRACTION:
    case NUMBER_EXPONENT:
        return check->depth == 0;
    default:
        return false;
    }
}
