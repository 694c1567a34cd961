import type { ChannelModel } from 'amqplib';
import { classifyConnectionFailure } from '../../amqp/connection-failure.js';
import { openConnection, type ConnectionSettings } from '../../amqp/open-connection.js';
import type { Link, LinkSettings } from '../connection/link.js';
import type { ReconnectionOptions } from '../connection/reconnection-policy.js';

/** A connection to RabbitMQ, kept. */
export type AmqpLink = Link<ChannelModel>;

export function amqpLinkSettings(settings: ConnectionSettings, reconnection: ReconnectionOptions, random: () => number): LinkSettings<ChannelModel> {
  const { display } = settings.endpoint;
  return {
    display, reconnection, random,
    open: (signal, listener) => openConnection(settings, signal, listener),
    classify: (error) => classifyConnectionFailure(error, display),
    close: (model) => model.close(),
  };
}
