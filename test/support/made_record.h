/* Requests that are over, made up: of the route page, whose calls are stock, price and order. */
#pragma once

#include "conf/conf.h"
#include "proxy/record.h"

/* The configuration that they are of: the route is its only one. The upstream of stock is east, that
 * of the others west. */
extern struct conf made_conf;

/* Answered within 80 of 100 ms, by stock alone. */
struct record made_answered(void);

/* A 504 after 350 of 400 ms: stock has answered, price is to blame, order was never begun. */
struct record made_timed_out(void);
