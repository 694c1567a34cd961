#include "connection.h"
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <string.h>

void check(amqp_connection_state_t connection, const char *what) {
  if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) fail(what);
}

amqp_bytes_t queue_name(const settings_t *settings, int i, char buffer[160]) {
  snprintf(buffer, 160, "%s.q%d", settings->prefix, i + 1);
  return amqp_cstring_bytes(buffer);
}

static void declare(amqp_connection_state_t connection, const settings_t *settings) {
  amqp_bytes_t exchange = amqp_cstring_bytes(settings->prefix);
  amqp_exchange_declare(connection, CHANNEL, exchange, amqp_cstring_bytes("direct"), 0, 1, 0, 0, amqp_empty_table);
  check(connection, "the exchange cannot be declared");
  amqp_table_entry_t quorum = {amqp_cstring_bytes("x-queue-type"), {AMQP_FIELD_KIND_UTF8, {.bytes = amqp_cstring_bytes("quorum")}}};
  amqp_table_t arguments = {strcmp(settings->type, "quorum") ? 0 : 1, &quorum};
  for (int i = 0; i < settings->queues; i++) {
    char buffer[160];
    amqp_bytes_t name = queue_name(settings, i, buffer);
    amqp_queue_declare(connection, CHANNEL, name, 0, 1, 0, 0, arguments);
    check(connection, "a queue cannot be declared");
    amqp_queue_bind(connection, CHANNEL, name, exchange, name, amqp_empty_table);
    check(connection, "a queue cannot be bound");
  }
}

amqp_connection_state_t open_connection(settings_t *settings) {
  struct amqp_connection_info info;
  if (amqp_parse_url(settings->server, &info) != AMQP_STATUS_OK) fail("the server's URL cannot be read");
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(connection);
  if (!socket || amqp_socket_open(socket, info.host, info.port) != AMQP_STATUS_OK) fail("cannot connect");
  /* The URLs of the benchmark end in "/", which librabbitmq reads as an empty virtual host. */
  amqp_rpc_reply_t reply = amqp_login(connection, "/", 1, 131072, 0, AMQP_SASL_METHOD_PLAIN, info.user, info.password);
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) fail("the login was refused");
  amqp_channel_open(connection, CHANNEL);
  check(connection, "the channel cannot be opened");
  declare(connection, settings);
  return connection;
}

void close_connection(amqp_connection_state_t connection) {
  amqp_channel_close(connection, CHANNEL, AMQP_REPLY_SUCCESS);
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
}
