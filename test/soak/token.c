#include "test/soak/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void token_write(char text[static TOKEN_LENGTH + 1], uint32_t token)
{
    snprintf(text, TOKEN_LENGTH + 1, "~%08x", token);
}

bool token_read(const char *text, uint32_t *ret_token)
{
    char digits[TOKEN_LENGTH];

    if (text[0] != '~' || strspn(text + 1, "0123456789abcdef") < TOKEN_LENGTH - 1)
        return false;
    memcpy(digits, text + 1, TOKEN_LENGTH - 1);
    digits[TOKEN_LENGTH - 1] = '\0';
    *ret_token = (uint32_t)strtoul(digits, NULL, 16);
    return true;
}

bool token_owns(uint32_t token, const char *bytes, size_t count)
{
    const char *end = bytes + count;
    char own[TOKEN_LENGTH + 1];

    token_write(own, token);
    for (const char *at = bytes; (at = memchr(at, '~', (size_t)(end - at))); at++) {
        size_t there = (size_t)(end - at);
        if (memcmp(at, own, there < TOKEN_LENGTH ? there : TOKEN_LENGTH) != 0)
            return false;
    }
    return true;
}
