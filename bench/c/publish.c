#include "roles.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

/* Version 4, from a fast generator: as random as it needs to be here. */
static void make_uuid(char out[37]) {
  static uint64_t state = 0;
  if (!state) state = (uint64_t)now_micros();
  uint64_t words[2];
  for (int i = 0; i < 2; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    words[i] = state;
  }
  snprintf(out, 37, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(words[0] >> 32), (unsigned)(words[0] >> 16 & 0xffff), (unsigned)(words[0] & 0xfff),
           (unsigned)(0x8000 | (words[1] >> 48 & 0x3fff)), (unsigned long long)(words[1] & 0xffffffffffffULL));
}

static void publish_one(amqp_connection_state_t connection, const settings_t *settings, long i) {
  char body[256], uuid[37], buffer[160];
  make_uuid(uuid);
  const char *args = strcmp(settings->task, "noop") ? "[{\"type\":\"string\",\"value\":\"simple string\"},{\"type\":\"int\",\"value\":1}]" : "[]";
  int length = snprintf(body, sizeof body, "{\"uuid\":\"%s\",\"name\":\"task_1\",\"args\":%s}", uuid, args);
  amqp_basic_properties_t properties = {
      ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG, .content_type = amqp_cstring_bytes("application/json"), .delivery_mode = 2};
  amqp_bytes_t bytes = {length, body};
  amqp_bytes_t key = queue_name(settings, i % settings->queues, buffer);
  if (amqp_basic_publish(connection, CHANNEL, amqp_cstring_bytes(settings->prefix), key, 0, 0, &properties, bytes) != AMQP_STATUS_OK) fail("a publish failed");
}

/* Which of the last publishes are unconfirmed: confirms of single messages may overtake each other. */
#define RING 65536
static struct {
  unsigned char open[RING];
  uint64_t oldest, next;
  long unconfirmed;
} ledger = {.oldest = 1, .next = 1};

static void confirm(uint64_t tag) {
  ledger.unconfirmed -= ledger.open[tag % RING];
  ledger.open[tag % RING] = 0;
}

static void confirm_up_to(uint64_t tag) {
  for (; ledger.oldest <= tag; ledger.oldest++) confirm(ledger.oldest);
}

/* Reads one confirm; without `wait` only if one is there. */
static void read_confirm(amqp_connection_state_t connection, int wait) {
  amqp_frame_t frame;
  struct timeval none = {0, 0};
  amqp_maybe_release_buffers(connection);
  int status = wait ? amqp_simple_wait_frame(connection, &frame) : amqp_simple_wait_frame_noblock(connection, &frame, &none);
  if (status == AMQP_STATUS_TIMEOUT) return;
  if (status != AMQP_STATUS_OK) fail("the connection was lost");
  if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) fail("the server did not confirm");
  amqp_basic_ack_t *ack = frame.payload.method.decoded;
  if (ack->multiple) confirm_up_to(ack->delivery_tag);
  else confirm(ack->delivery_tag);
}

static void publish_all(amqp_connection_state_t connection, const settings_t *settings, long count) {
  long window = strcmp(settings->publishing, "one") ? settings->window : 1;
  for (long sent = 0; sent < count || ledger.unconfirmed > 0;) {
    int may_send = sent < count && ledger.unconfirmed < window;
    if (may_send) {
      ledger.open[ledger.next++ % RING] = 1;
      ledger.unconfirmed++;
      publish_one(connection, settings, sent++);
    }
    if (!may_send || sent % 16 == 0) read_confirm(connection, !may_send);
  }
}

void run_publisher(amqp_connection_state_t connection, const settings_t *settings) {
  amqp_confirm_select(connection, CHANNEL);
  check(connection, "confirms cannot be switched on");
  say("ready");
  wait_for_word();
  publish_all(connection, settings, settings->warmup);
  say("started");
  publish_all(connection, settings, settings->count);
  say("done");
}
