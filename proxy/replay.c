#include "proxy/replay.h"

enum { PIECES = 32 };

void replay_init(struct replay *replay, bool is_kept)
{
    *replay = (struct replay){.copy = CHAIN_EMPTY, .is_kept = is_kept};
}

void replay_finish(struct replay *replay, struct pool *pool)
{
    chain_clear(&replay->copy, pool);
}

void replay_note(struct replay *replay, struct pool *pool, const char *bytes, size_t count)
{
    if (!replay->is_kept || replay->is_too_long)
        return;
    replay->is_too_long = replay->copy.count + count > REPLAY_MAX;
    if (replay->is_too_long)
        chain_clear(&replay->copy, pool);
    else
        chain_append(&replay->copy, pool, bytes, count);
}

bool replay_is_possible(const struct replay *replay)
{
    return replay->is_kept && !replay->is_too_long;
}

void replay_copy(const struct replay *replay, struct pool *pool, struct chain *to)
{
    struct iovec pieces[PIECES];
    int count = chain_pieces(&replay->copy, pieces, PIECES);

    for (int i = 0; i < count; i++)
        chain_append(to, pool, pieces[i].iov_base, pieces[i].iov_len);
}
