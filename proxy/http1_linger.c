/* The end of a connection whose client may still be sending. A close would be answered with a reset,
 * and with it goes what the client has not got yet: so nothing more is sent, what comes is dropped,
 * and it is closed when the client has closed it, or has been sent all and had a while for it. */
#include "proxy/http1_connection.h"

/* What a client has on its way that looks for the reply only when all of its body is gone: a second's
 * worth, and no more than so much, so that such connections do not keep the loop busy. */
enum { BYTES_MAX = 16 << 20, PERIODS_MAX = 30 };

void connection_linger(struct http1_connection *connection, struct instant now)
{
    transport_end(&connection->transport);
    connection_become(connection, HTTP1_LINGERING, now);
    http1_input_use(&connection->input, http1_input_text(&connection->input).count);
    connection->dropped = 0;
    connection->lingered = 0;
}

void connection_drop_on(struct http1_connection *connection)
{
    if (connection->is_lost || connection->incoming == INCOMING_NONE ||
        (connection->dropped > BYTES_MAX && !transport_has_unsent(&connection->transport)))
        connection_close(connection);
}

void connection_linger_on(struct http1_connection *connection, struct instant now)
{
    bool goes_on = connection->set->course != SET_ENDS && connection->lingered < PERIODS_MAX &&
                   transport_has_unsent(&connection->transport);

    if (!goes_on) {
        connection_close(connection);
        return;
    }
    connection->lingered++;
    connection->since = now;
}
