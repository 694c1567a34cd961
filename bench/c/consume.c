#include "roles.h"
#include <string.h>
#include <sys/time.h>

#define ACK_EVERY 50

static void start(amqp_connection_state_t connection, const settings_t *settings) {
  /* With fewer in flight than one acknowledgement covers, each batch would wait. */
  amqp_basic_qos(connection, CHANNEL, 0, settings->limit < 100 ? 100 : settings->limit, 0);
  check(connection, "the prefetch cannot be set");
  for (int i = 0; i < settings->queues; i++) {
    char buffer[160];
    amqp_basic_consume(connection, CHANNEL, queue_name(settings, i, buffer), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
    check(connection, "a queue cannot be consumed");
  }
}

static int is_task(amqp_bytes_t body) {
  static const char name[] = "\"name\":\"task_1\"";
  return memmem(body.bytes, body.len, name, sizeof name - 1) != NULL;
}

void run_consumer(amqp_connection_state_t connection, const settings_t *settings) {
  say("ready");
  wait_for_word();
  start(connection, settings);
  long total = settings->warmup + settings->count;
  uint64_t last = 0;
  struct timeval idle = {0, 5000};
  int open = 0;
  for (long seen = 0; seen < total;) {
    amqp_envelope_t envelope;
    amqp_maybe_release_buffers(connection);
    amqp_rpc_reply_t reply = amqp_consume_message(connection, &envelope, open ? &idle : NULL, 0);
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
      if (!is_task(envelope.message.body)) fail("a body without the task's name arrived");
      last = envelope.delivery_tag;
      amqp_destroy_envelope(&envelope);
      open++;
      if (++seen == settings->warmup) say("started");
    } else if (reply.library_error != AMQP_STATUS_TIMEOUT) {
      fail("the connection was lost");
    }
    int due = open >= ACK_EVERY || seen == total || reply.reply_type != AMQP_RESPONSE_NORMAL;
    if (due && open) {
      amqp_basic_ack(connection, CHANNEL, last, 1);
      open = 0;
    }
  }
  say("done");
}
