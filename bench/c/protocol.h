/* What the driver says to a system under test and hears from it; see system/program.ts. */
#ifndef PROTOCOL_H
#define PROTOCOL_H
#include <stdint.h>

typedef struct {
  char role[16], server[256], prefix[128], type[16], publishing[16], task[16];
  int queues, limit, window;
  long count, warmup;
} settings_t;

void parse_settings(settings_t *settings, int argc, char **argv);
int64_t now_micros(void);
/* "ready" says so; "started" and "done" add the time. */
void say(const char *word);
/* Blocks until the driver has said something. */
void wait_for_word(void);
_Noreturn void fail(const char *what);
#endif
