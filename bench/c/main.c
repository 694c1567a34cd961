/* The ceiling: what a small C program on librabbitmq does with the same tasks on the same server. */
#include "roles.h"
#include <string.h>

int main(int argc, char **argv) {
  settings_t settings;
  parse_settings(&settings, argc, argv);
  amqp_connection_state_t connection = open_connection(&settings);
  if (!strcmp(settings.role, "consume")) run_consumer(connection, &settings);
  else run_publisher(connection, &settings);
  wait_for_word();
  close_connection(connection);
  return 0;
}
