/* The request log as a program that reads it sees it. */
#pragma once

/* Is every line that begins with time= whole logfmt? Returns how many there are; -1: one is not, and
 * stderr says which. */
int logfmt_count(const char *text);
