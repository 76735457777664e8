#include "test/support/delivery.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "test/support/message.h"

/* --- one request, as it was sent and as it arrived */

/* The same name but for case and for what is neither letter nor digit: in CGI all are one. */
static bool is_double(struct text name, struct text wanted)
{
    char hyphened[64];

    if (name.count != wanted.count || name.count > sizeof(hyphened))
        return false;
    for (size_t i = 0; i < name.count; i++)
        hyphened[i] = isalnum((unsigned char)name.at[i]) ? name.at[i] : '-';
    return text_is_like((struct text){hyphened, name.count}, wanted);
}

/* Names that say something of one connection only (RFC 9110 section 7.6.1), and those that the
 * proxy says itself. */
static bool is_between_two(struct text name)
{
    static const char *const names[] = {"Connection",
                                        "Keep-Alive",
                                        "Proxy-Connection",
                                        "TE",
                                        "Trailer",
                                        "Upgrade",
                                        "Expect",
                                        "Proxy-Authorization",
                                        "Transfer-Encoding",
                                        "Content-Length",
                                        "Host",
                                        "Via",
                                        "X-Forwarded-For",
                                        "X-Forwarded-Proto",
                                        "X-Forwarded-Host",
                                        "X-Request-Id",
                                        "Traceparent",
                                        "X-Request-Timeout-Ms"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (is_double(name, text_of(names[i])))
            return true;
    }
    return false;
}

/* Is it an item of a comma list? */
static bool is_listed(struct text list, struct text name)
{
    const char *end = list.at + list.count;

    for (const char *at = list.at; at < end; at++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma == NULL ? end : comma;
        if (text_is_like(text_trimmed((struct text){at, (size_t)(stop - at)}), name))
            return true;
        at = stop;
    }
    return false;
}

static bool crosses(const struct strict *sent, struct text name)
{
    for (size_t i = 0; i < sent->fields_count; i++) {
        if (text_is_like(sent->fields[i].name, TEXT("Connection")) &&
            is_listed(sent->fields[i].value, name))
            return false;
    }
    return !is_between_two(name);
}

/* The next field from *i on that crosses; NULL: there is none. */
static const struct strict_field *next_crossing(const struct strict *sent,
                                                const struct strict *fields, size_t *i)
{
    while (*i < fields->fields_count) {
        const struct strict_field *field = &fields->fields[(*i)++];
        if (crosses(sent, field->name))
            return field;
    }
    return NULL;
}

/* What crosses is there, byte by byte, in order, and as often. */
static bool fields_are_same(const struct strict *sent, const struct strict *arrived)
{
    size_t i = 0;
    size_t j = 0;

    for (;;) {
        const struct strict_field *wanted = next_crossing(sent, sent, &i);
        const struct strict_field *found = next_crossing(sent, arrived, &j);
        if (wanted == NULL || found == NULL)
            return wanted == found;
        if (!text_is(wanted->name, found->name) || !text_is(wanted->value, found->value))
            return false;
    }
}

/* What the proxy says itself it says once, and hop-by-hop names not at all. */
static bool own_fields_are_single(const struct strict *arrived)
{
    static const char *const own[] = {"Host",         "Via",         "X-Forwarded-Proto",
                                      "X-Request-Id", "Traceparent", "X-Request-Timeout-Ms"};
    static const char *const none[] = {"Connection", "Keep-Alive",        "Proxy-Connection",
                                       "TE",         "Trailer",           "Upgrade",
                                       "Expect",     "Transfer_Encoding", "Content_Length"};
    struct text value;

    for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
        if (strict_find(arrived, own[i], &value) != 1)
            return false;
    }
    for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
        if (strict_find(arrived, none[i], &value) != 0)
            return false;
    }
    return true;
}

/* Splits http://authority/path?query (RFC 9112 section 3.2.2). *target becomes what stands behind
 * the authority, which is returned: none for other forms. */
static struct text take_authority(struct text *target)
{
    const struct text scheme = TEXT("http://");
    struct text authority = TEXT_NONE;

    if (target->count < scheme.count ||
        !text_is_like((struct text){target->at, scheme.count}, scheme))
        return authority;
    authority.at = target->at + scheme.count;
    target->count -= scheme.count;
    while (authority.count < target->count && strchr("/?", authority.at[authority.count]) == NULL)
        authority.count++;
    target->at = authority.at + authority.count;
    target->count -= authority.count;
    return authority;
}

/* A path that is left out is "/", or "*" for OPTIONS (section 3.2.4). */
static bool target_is_same(const struct strict *sent, struct text target, struct text arrived)
{
    bool has_path = target.count > 0 && target.at[0] != '?';

    if (has_path || text_is(target, arrived))
        return text_is(target, arrived);
    if (target.count == 0 && text_is(sent->method, TEXT("OPTIONS")))
        return text_is(arrived, TEXT("*"));
    return arrived.count == target.count + 1 && arrived.at[0] == '/' &&
           memcmp(arrived.at + 1, target.at, target.count) == 0;
}

static bool start_is_same(const struct strict *sent, const struct strict *arrived)
{
    struct text target = sent->target;
    struct text host = take_authority(&target);
    struct text told;

    if (strict_find(arrived, "Host", &told) != 1)
        return false;
    if (host.count == 0 && strict_find(sent, "Host", &host) == 0)
        host = told; /* 1.0: anything will do */
    return arrived->minor == 1 && text_is(sent->method, arrived->method) &&
           target_is_same(sent, target, arrived->target) &&
           (host.count == 0 || text_is(host, told));
}

static bool body_is_same(const struct strict *sent, const struct strict *arrived)
{
    return sent->body_count == arrived->body_count &&
           memcmp(sent->body, arrived->body, sent->body_count) == 0;
}

static const char *compare(const struct strict *sent, const struct strict *arrived)
{
    if (!start_is_same(sent, arrived))
        return "another start line or Host";
    if (!fields_are_same(sent, arrived))
        return "other headers";
    if (!own_fields_are_single(arrived))
        return "headers of the proxy's own";
    return body_is_same(sent, arrived) ? NULL : "another body";
}

/* --- a connection */

struct hearing {
    struct delivery *delivery;
    struct text sent;            /* what no reply belongs to yet */
    enum strict_verdict verdict; /* on the request at its beginning */
    struct source source;        /* what was heard */
    bool is_closing;             /* the last reply has said so */
    bool may_close;              /* it could not have known */
};

static void look_at_next(struct hearing *hearing)
{
    hearing->verdict = strict_read(&hearing->delivery->wanted, hearing->sent);
}

static int status_of(const struct message *reply)
{
    return atoi(reply->start + strlen("HTTP/1.1 "));
}

/* Steps over what is said before a reply. False: nothing else was heard. */
static bool find_reply(struct source *source)
{
    const struct text interim = TEXT("HTTP/1.1 100 Continue\r\n\r\n");

    while (source->end - source->begin >= interim.count &&
           memcmp(source->bytes + source->begin, interim.at, interim.count) == 0)
        source->begin += interim.count;
    return source->begin < source->end;
}

/* False: it is not whole. */
static bool read_reply(struct hearing *hearing, struct message *reply)
{
    message_init(reply, true);
    reply->has_no_body = hearing->verdict == STRICT_COMPLETE &&
                         text_is(hearing->delivery->wanted.method, TEXT("HEAD"));
    message_take(reply, &hearing->source);
    return reply->state == MESSAGE_COMPLETE;
}

/* What an answer from upstream says that has arrived there. */
static const char *judge_echo(struct hearing *hearing, const struct message *reply)
{
    struct delivery *delivery = hearing->delivery;
    struct text body = {reply->body, reply->body_count};

    delivery->echoes++;
    if (hearing->verdict != STRICT_COMPLETE)
        return "a request arrived that was not sent";
    if (reply->has_no_body)
        return NULL;
    if (strict_read(&delivery->arrived, body) != STRICT_COMPLETE ||
        delivery->arrived.used != body.count)
        return "what arrived is not one request";
    if (delivery->echoes == 1) {
        delivery->body_count = delivery->arrived.body_count;
        memcpy(delivery->body, delivery->arrived.body, delivery->body_count);
    }
    return compare(&delivery->wanted, &delivery->arrived);
}

/* The body of a HEAD is not forwarded, so that its reply may come before its end and the connection
 * be closed without a word. */
static const char *judge_reply(struct hearing *hearing, const struct message *reply)
{
    const char *connection = message_header(reply, "Connection", 0);
    const char *fault = NULL;
    char *statuses = hearing->delivery->statuses;
    size_t count = strlen(statuses);

    if (hearing->is_closing)
        return "a reply after the last";
    hearing->is_closing = connection != NULL && strcmp(connection, "close") == 0;
    snprintf(statuses + count, sizeof(hearing->delivery->statuses) - count, "%s%d",
             count > 0 ? " " : "", status_of(reply));
    if (status_of(reply) == 200)
        fault = judge_echo(hearing, reply);
    else if (hearing->verdict != STRICT_COMPLETE && !hearing->is_closing)
        fault = "a refusal after which the connection goes on";
    if (fault == NULL && hearing->verdict == STRICT_COMPLETE) {
        hearing->may_close = reply->has_no_body && hearing->delivery->wanted.framing != STRICT_BARE;
        hearing->sent.at += hearing->delivery->wanted.used;
        hearing->sent.count -= hearing->delivery->wanted.used;
        look_at_next(hearing);
    }
    return fault;
}

void delivery_judge(struct delivery *delivery, struct text sent, char *heard, size_t heard_count)
{
    struct hearing hearing = {
        .delivery = delivery,
        .sent = sent,
        .source = {.fd = -1, .bytes = heard, .end = heard_count},
    };

    delivery->statuses[0] = '\0';
    delivery->body_count = delivery->echoes = 0;
    delivery->fault = NULL;
    look_at_next(&hearing);
    while (delivery->fault == NULL && find_reply(&hearing.source)) {
        struct message reply;
        delivery->fault =
            read_reply(&hearing, &reply) ? judge_reply(&hearing, &reply) : "a reply is not whole";
        message_finish(&reply);
    }
    if (delivery->fault == NULL && !hearing.is_closing && !hearing.may_close &&
        hearing.verdict != STRICT_MORE)
        delivery->fault = "nobody answered";
}
