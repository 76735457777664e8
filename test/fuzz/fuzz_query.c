/* The query of a request for an admin page. */
#include <assert.h>
#include <stdint.h>

#include "proxy/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct query query;
    struct text name;
    struct text value;
    size_t sum = 0;

    query_init(&query, (struct text){.at = (const char *)bytes, .count = count});
    while (query_next(&query, &name, &value)) {
        assert(name.at >= query.room && value.at + value.count <= query.room + QUERY_MAX);
        sum += name.count + value.count;
        assert(sum <= count);
    }
    assert(count <= QUERY_MAX || query.fault);
    return 0;
}
