/* What a collector may answer. */
#include "proxy/otlp_answer.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct text body = {.at = (const char *)bytes, .count = count};
    size_t few = otlp_rejected(body, 3);
    size_t many = otlp_rejected(body, 1000);

    /* Never more than there were; and what it says does not depend on how many there were. */
    assert(few == (many < 3 ? many : 3));
    assert(many <= 1000 && otlp_rejected(body, 0) == 0);
    return 0;
}
