#ifndef ROLES_H
#define ROLES_H
#include "connection.h"

void run_publisher(amqp_connection_state_t connection, const settings_t *settings);
void run_consumer(amqp_connection_state_t connection, const settings_t *settings);
#endif
