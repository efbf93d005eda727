/** A kit for tests of network protocols, free of any test framework. */
export { memoryNetwork, type MemoryNetwork, type MemoryNetworkOptions } from "./network/memory-network.js";
export type { ConnectionRoute, Direction, MemoryConnection } from "./network/memory-connection.js";
export { VirtualClock, type VirtualClockOptions } from "./virtual-clock.js";
