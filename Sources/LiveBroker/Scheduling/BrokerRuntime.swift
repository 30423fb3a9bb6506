// SPDX-License-Identifier: Apache-2.0

/// What a broker runs on: its clock, its executors and its source of chance.
///
/// Replace it as a whole to run a broker in a simulation; everything that could make two runs
/// differ comes from here.
public struct BrokerRuntime: Sendable {
  /// The one clock.
  public var clock: any EngineClock
  /// One executor per shard; sessions are spread over them. Never empty.
  public var shardExecutors: [any ShardExecutor]
  /// The executor of admission and token pools.
  public var controlExecutor: any ShardExecutor
  /// Seed of the one generator from which all jitter is drawn.
  public var seed: UInt64

  /// Makes a runtime from its parts.
  public init(
    clock: any EngineClock, shardExecutors: [any ShardExecutor],
    controlExecutor: any ShardExecutor, seed: UInt64
  ) {
    self.clock = clock
    self.shardExecutors = shardExecutors
    self.controlExecutor = controlExecutor
    self.seed = seed
  }
}
