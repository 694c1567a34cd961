import { scenarioOf, type Without } from './scenario.js';
import { Simulation, type Outcome, type Planted } from './simulation.js';

export function simulate(seed: number, without: Without = {}, planted: Planted = {}, onLine?: (line: string) => void): Promise<Outcome> {
  return new Simulation(scenarioOf(seed, without), planted, onLine).run();
}
