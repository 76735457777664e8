/* libcurl as a whole, for all loops. */
#include <assert.h>
#include <curl/curl.h>

#include "proxy/curl_loop.h"
#include "proxy/curl_memory.h"

void curl_loop_global_init(void)
{
    CURLcode code =
        curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_memory_take, curl_memory_give,
                             curl_memory_resize, curl_memory_copy, curl_memory_take_clear);

    assert(code == CURLE_OK);
}

void curl_loop_global_finish(void)
{
    curl_global_cleanup();
    curl_memory_end();
}

const char *curl_loop_version(void)
{
    return curl_version();
}
