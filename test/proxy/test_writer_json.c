#include "proxy/writer_json.h"

#include <criterion/criterion.h>

static char room[200];

Test(writer_json, writes_values_behind_what_comes_before_them)
{
    struct writer writer = writer_on(room, sizeof room - 1);

    write_json_name(&writer, "{\"name\":", "page");
    write_json_text(&writer, ",\"path\":", TEXT("/\"},{\\\n\xff</script>"));
    write_json_text(&writer, ",\"query\":", TEXT_NONE);
    write_json_span(&writer, ",\"used_ms\":", (struct span){.ns = 31250000});
    write_json_count(&writer, ",\"bytes\":", 1234567890123);
    write_char(&writer, '}');
    *writer.at = '\0';
    cr_expect_str_eq(room,
                     "{\"name\":\"page\",\"path\":\"/\\\"},{\\\\?\?</script>\",\"query\":\"\","
                     "\"used_ms\":31.25,\"bytes\":1234567890123}");
}
