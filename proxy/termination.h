/* Who ended a request, and where it was: two letters, in the spirit of HAProxy's termination state.
 * They are for people and their searches: "BH" ran out of budget while an upstream was silent, "CQ"
 * was left by its client while it waited for a place.
 *
 *   who                                         where
 *   -  nobody: it was answered                  -  it was answered
 *   B  the budget, or a call's share of it      A  arrival: nothing had been called
 *   C  the client: it left, or was not valid    R  the body of the request was read
 *   U  an upstream                              N  the name of an upstream
 *   P  the proxy: a limit, or its own fault     Q  the queue for a place at an upstream
 *   R  the rules: no route, a bad request       C  the connection to it
 *   D  the drain: the proxy was stopping        S  the request was sent
 *                                               H  the head of the response was waited for
 *                                               D  its body came
 *                                               L  between calls, or in the proxy itself
 *                                               T  the reply was on its way to the client */
#pragma once

struct record;

struct termination {
    char code[3]; /* two letters, terminated */
};

struct termination termination_of(const struct record *record);
