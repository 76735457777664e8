#include "proxy/response_fault.h"

static const struct {
    const char *name;
    const char *phrase;
} rows[] = {
    [FAULT_STATUS_LINE] = {"status_line", "it does not begin with a valid status line of HTTP/1"},
    [FAULT_STATUS] = {"status", "its status is not one from 100 to 599"},
    [FAULT_SWITCH] = {"switch", "it changes to another protocol (101), which was not asked for"},
    [FAULT_LINE_END] = {"line_end", "a line of its head does not end in CR and LF"},
    [FAULT_FOLDED] = {"folded", "a line of its head is folded"},
    [FAULT_HEADER] = {"header", "a line of its head is no name, colon and value"},
    [FAULT_CONTROL] = {"control", "there is a control character in its head"},
    [FAULT_LENGTH] = {"length", "its Content-Length is not a number that can be"},
    [FAULT_LENGTHS] = {"two_lengths", "it has several lengths that differ"},
    [FAULT_LENGTH_AND_CHUNKS] = {"length_and_chunks",
                                 "it has both Content-Length and Transfer-Encoding"},
    [FAULT_ENCODING] = {"encoding", "its Transfer-Encoding is not chunked, once, in HTTP/1.1"},
    [FAULT_HEAD_SIZE] = {"head_size", "its head is longer than 64 KiB"},
    [FAULT_HEAD_COUNT] = {"head_count", "its head has more than 128 headers"},
    [FAULT_HEAD] = {"head",
                    "a line of its head has no colon, a NUL, or a length that is no number"},
    [FAULT_CHUNKS] = {"chunks", "its chunks are not framed as chunks"},
    [FAULT_JSON] = {"json", "its body is not JSON, and is to be merged"},
};

const char *response_fault_name(enum response_fault fault)
{
    return rows[fault].name;
}

const char *response_fault_phrase(enum response_fault fault)
{
    return rows[fault].phrase;
}
