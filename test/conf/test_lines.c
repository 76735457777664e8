#include <criterion/criterion.h>
#include <stdlib.h>

#include "conf/lines.h"

/* What was read, as text: "[title]" and "key=value@line", one a line, then the complaints. */
struct record {
    FILE *out;
};

static void on_section(void *owner, const char *title, int line)
{
    struct record *record = owner;

    fprintf(record->out, "[%s]@%d\n", title, line);
}

static void on_entry(void *owner, const struct line_entry *entry)
{
    struct record *record = owner;

    fprintf(record->out, "%s=%s@%d\n", entry->key, entry->value, entry->line);
}

/* The result is the caller's. */
static char *read_text(const char *text, size_t count)
{
    char *result;
    size_t size;
    struct store store = {0};
    struct record record = {.out = open_memstream(&result, &size)};
    struct complaints complaints = {.name = "f", .store = &store};
    char *copy = malloc(count + 1);
    FILE *file = tmpfile();

    memcpy(copy, text, count);
    cr_assert_eq(fwrite(copy, 1, count, file), count);
    rewind(file);
    lines_read(&(struct lines){
        .file = file,
        .complaints = &complaints,
        .on_section = on_section,
        .on_entry = on_entry,
        .owner = &record,
    });
    complaints_print(&complaints, record.out);
    fclose(file);
    fclose(record.out);
    free(copy);
    store_finish(&store);
    return result;
}

static void check(const char *text, const char *expected)
{
    char *result = read_text(text, strlen(text));

    cr_expect_str_eq(result, expected, "read: %s", result);
    free(result);
}

Test(lines, sections_and_entries_come_with_their_lines)
{
    check("# one\n\n[proxy]\nlisten = a\n\n; two\nlog=b\n[route x] ; three\nmatch\t=\t/\n",
          "[proxy]@3\nlisten=a@4\nlog=b@7\n[route x]@8\nmatch=/@9\n");
}

Test(lines, a_file_may_end_without_a_line_end)
{
    check("[a]\nb = c", "[a]@1\nb=c@2\n");
    check("[a]", "[a]@1\n");
    check("", "");
}

Test(lines, windows_line_ends_and_a_byte_order_mark_are_fine)
{
    check("\xEF\xBB\xBF[a]\r\nb = c\r\n\r\nd = e", "[a]@1\nb=c@2\nd=e@4\n");
    check("[a]\n\xEF\xBB\xBF", "[a]@1\nf:2: this line has no =: write key = value\n");
}

Test(lines, a_comment_begins_at_a_semicolon_behind_a_blank)
{
    check("[a]\nb = c ; d\ne = f;g\nh = i # j\nk = ; l\nm =;n\n",
          "[a]@1\nb=c@2\ne=f;g@3\nh=i # j@4\nk=@5\nm=;n@6\n");
}

Test(lines, values_keep_what_is_within_them)
{
    check("[a]\nb = {\"c\": \"d\", \"e\": [1]}\nf = g = h: i\n",
          "[a]@1\nb={\"c\": \"d\", \"e\": [1]}@2\nf=g = h: i@3\n");
}

Test(lines, a_semicolon_in_quotes_is_not_cut_in_silence)
{
    check("[a]\nb = \"c ; d\"\ne = \"f;g\" ; h\ni = \"\\\" ;\"\n",
          "[a]@1\ne=\"f;g\"@3\n"
          "f:2: this line has a blank and ; inside double quotes, where a comment would begin: "
          "leave out the blank\n"
          "f:4: this line has a blank and ; inside double quotes, where a comment would begin: "
          "leave out the blank\n");
}

Test(lines, an_indented_line_does_not_continue_the_one_above)
{
    check("[a]\nb = c\n  d = e\n\tf\n   ; fine\n [g]\nh = i\n[j]\n",
          "[a]@1\nb=c@2\n[j]@8\n"
          "f:3: this line is indented: begin it in the first column\n"
          "f:4: this line is indented: begin it in the first column\n"
          "f:6: this line is indented: begin it in the first column\n");
}

Test(lines, entries_of_a_bad_section_are_not_given_to_the_one_before)
{
    check("[a]\n[b\nc = d\n[e] f\ng = h\n",
          "[a]@1\n"
          "f:2: this line opens a section with [ but does not close it with ]\n"
          "f:4: this line has text after the ] of the section\n");
}

Test(lines, nothing_stands_before_the_first_section)
{
    check("a = b\n[c]\n", "[c]@2\nf:1: this line stands before the first section\n");
}

Test(lines, an_entry_is_a_key_and_a_value)
{
    check("[a]\nb\nc: d\n= e\nf: g = h\n; i = j\nk ; = l\n",
          "[a]@1\n"
          "f:2: this line has no =: write key = value\n"
          "f:3: this line has no =: write key = value\n"
          "f:4: this line has nothing before the =: write key = value\n"
          "f:5: this line has a : before the =: write key = value\n"
          "f:7: this line has no =: write key = value\n");
}

Test(lines, control_characters_are_refused)
{
    static const char text[] = "[a]\nb = c\0d\ne = f\x01\ng = \rh\n[i\0]\nj = k\n";
    char *result = read_text(text, sizeof text - 1);

    cr_assert_str_eq(result,
                     "[a]@1\n"
                     "f:2: this line holds a NUL byte\n"
                     "f:3: this line holds a control character\n"
                     "f:4: this line holds a control character\n"
                     "f:5: this line holds a NUL byte\n",
                     "%s", result);
    free(result);
}

/* A line of `count` bytes: "b = xxx...". */
static char *long_entry(size_t count)
{
    char *text = malloc(count + 10);

    memcpy(text, "[a]\nb = ", 8);
    memset(text + 8, 'x', count - 4);
    memcpy(text + 8 + count - 4, "\nc=d", 5);
    return text;
}

Test(lines, a_line_of_198_bytes_is_whole_and_one_more_is_a_mistake)
{
    char *fits = long_entry(198);
    char *too_long = long_entry(199);
    char *result = read_text(fits, strlen(fits));

    cr_assert_eq(strlen(result), strlen("[a]@1\nb=@2\nc=d@3\n") + 194, "%s", result);
    check(too_long, "[a]@1\nc=d@3\nf:2: this line is longer than 198 bytes\n");
    free(result);
    free(fits);
    free(too_long);
}

Test(lines, a_line_much_longer_than_any_buffer_is_one_mistake)
{
    char *text = long_entry(100000);

    check(text, "[a]@1\nc=d@3\nf:2: this line is longer than 198 bytes\n");
    free(text);
}

Test(lines, a_comment_may_be_as_long_as_it_likes)
{
    char *text = long_entry(1000);

    text[4] = ';';
    check(text, "[a]@1\nc=d@3\n");
    free(text);
}

Test(lines, the_name_of_a_section_has_49_bytes_at_most)
{
    check("[call aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbb]\n",
          "[call aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbb]@1\n");
    check("[call aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbb]\n",
          "f:1: this line names a section with more than 49 bytes\n");
}
