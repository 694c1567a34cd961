/** The folder of `rabbitmq-server` and `rabbitmqctl`, or undefined where neither is installed. */
export function findRabbitMq(env?: NodeJS.ProcessEnv): string | undefined;
/** Erlang's name server, which every RabbitMQ node needs; it comes with Erlang. */
export function findEpmd(env?: NodeJS.ProcessEnv): string | undefined;
/** What to do where there is no RabbitMQ, for people. */
export const HOW_TO_GET_RABBITMQ: string;
