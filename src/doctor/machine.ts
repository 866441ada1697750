import { type Clock, systemClock } from "../system/clock.ts";
import { createRunner, type Run } from "../system/process.ts";
import { type Network, realNetwork } from "./network/network.ts";

/** What the doctors look at; tests pass trees and programs of their own. */
export interface Machine {
  readonly procRoot: string;
  readonly sysRoot: string;
  /** For /etc, /usr/sbin and what else is a file of the system. */
  readonly fsRoot: string;
  readonly run: Run;
  readonly clock: Clock;
  readonly network: Network;
}

export const thisMachine = (): Machine => ({
  procRoot: "/proc",
  sysRoot: "/sys",
  fsRoot: "/",
  run: createRunner(),
  clock: systemClock,
  network: realNetwork,
});
