#ifndef CONNECTION_H
#define CONNECTION_H
#include <amqp.h>
#include "protocol.h"

#define CHANNEL 1

/* Connects to the URL, opens one channel, declares the exchange and the queues. */
amqp_connection_state_t open_connection(settings_t *settings);
void close_connection(amqp_connection_state_t connection);
/* The name and routing key of the i-th queue, from 0, in a buffer of the caller. */
amqp_bytes_t queue_name(const settings_t *settings, int i, char buffer[160]);
/* Ends the program, naming `what`, when the last request was refused. */
void check(amqp_connection_state_t connection, const char *what);
#endif
