#include "proxy/attempt.h"

#include <criterion/criterion.h>

#include "proxy/attempt_bytes.h"

/* What a reply waits for before it is flushed: with room alone it would wait for ever. */
Test(attempt, room_for_the_upload_brings_no_more_of_the_response)
{
    cr_expect_not(attempt_brings_more(&(struct attempt){.news = 0}));
    cr_expect_not(attempt_brings_more(&(struct attempt){.news = NEWS_ROOM}));
    cr_expect(attempt_brings_more(&(struct attempt){.news = NEWS_BODY}));
    cr_expect(attempt_brings_more(&(struct attempt){.news = NEWS_ROOM | NEWS_BODY}));
    cr_expect(attempt_brings_more(&(struct attempt){.news = NEWS_ROOM | NEWS_END}));
}
