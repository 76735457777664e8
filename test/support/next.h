/* For libraries that stand before the C library. */
#pragma once

#include <dlfcn.h>

/* The function of this name that comes after this one. C has no other way from the object pointer
 * that dlsym returns to a function's. */
#define NEXT(function)              \
    static union {                  \
        void *found;                \
        __typeof__(function) *call; \
    } next;                         \
    if (next.found == NULL)         \
    next.found = dlsym(RTLD_NEXT, #function)
