#pragma once

/* A result that must be looked at. */
#define CHECKED __attribute__((warn_unused_result))
