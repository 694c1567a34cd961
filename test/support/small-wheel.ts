import type { WheelShape } from '../../lib/brokers/amqp/delays/wheel/wheel-shape.js';

/** A timing wheel that does in seconds what the real one does in hours: a delay of 10 s passes three levels of it. */
export const SMALL_WHEEL: WheelShape = { widthsMs: [250, 1_000, 4_000, 16_000], slots: 10, leadMs: 100, marginMs: 100 };
