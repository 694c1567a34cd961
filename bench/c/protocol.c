#include "protocol.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void copy(char *to, size_t size, const char *from) { snprintf(to, size, "%s", from); }

static void set(settings_t *s, const char *key, const char *value) {
  if (!strcmp(key, "role")) copy(s->role, sizeof s->role, value);
  else if (!strcmp(key, "server")) copy(s->server, sizeof s->server, value);
  else if (!strcmp(key, "prefix")) copy(s->prefix, sizeof s->prefix, value);
  else if (!strcmp(key, "type")) copy(s->type, sizeof s->type, value);
  else if (!strcmp(key, "publishing")) copy(s->publishing, sizeof s->publishing, value);
  else if (!strcmp(key, "task")) copy(s->task, sizeof s->task, value);
  else if (!strcmp(key, "queues")) s->queues = atoi(value);
  else if (!strcmp(key, "limit")) s->limit = atoi(value);
  else if (!strcmp(key, "window")) s->window = atoi(value);
  else if (!strcmp(key, "count")) s->count = atol(value);
  else if (!strcmp(key, "warmup")) s->warmup = atol(value);
}

void parse_settings(settings_t *settings, int argc, char **argv) {
  memset(settings, 0, sizeof *settings);
  for (int i = 1; i < argc; i++) {
    char *value = strchr(argv[i], '=');
    if (!value) fail("an argument has no =");
    *value = 0;
    set(settings, argv[i], value + 1);
  }
}

int64_t now_micros(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void say(const char *word) {
  printf("bench %s %lld\n", word, (long long)now_micros());
  fflush(stdout);
}

void wait_for_word(void) {
  char line[64];
  if (!fgets(line, sizeof line, stdin)) exit(0);
}

void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}
