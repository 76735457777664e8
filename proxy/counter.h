/* A number that one thread writes and any may read, without locks. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t counter; /* one writer, any readers */

static inline void counter_add(counter *which, uint64_t by)
{
    uint64_t value = atomic_load_explicit(which, memory_order_relaxed);
    atomic_store_explicit(which, value + by, memory_order_relaxed);
}

static inline void counter_sub(counter *which, uint64_t by)
{
    uint64_t value = atomic_load_explicit(which, memory_order_relaxed);
    atomic_store_explicit(which, value - by, memory_order_relaxed);
}
