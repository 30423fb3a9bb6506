// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

extension BrokerRuntime {
  /// A runtime on this host's clock and threads: one shard for each core, and a random seed. Every
  /// access makes a new one; no thread runs before the broker starts it.
  public static var system: BrokerRuntime { threads() }

  /// A runtime on this host's clock with `count` shards on threads of their own, and one more
  /// thread for admission and token pools.
  ///
  /// - Parameters:
  ///   - count: Number of shards, at least one; the number of cores if `nil`.
  ///   - seed: Seed of all jitter; drawn from the system's generator if `nil`, so that hosts which
  ///     start together do not act in step.
  public static func threads(count: Int? = nil, seed: UInt64? = nil) -> BrokerRuntime {
    let count = max(1, count ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    return BrokerRuntime(
      clock: SystemClock(),
      shardExecutors: (0..<count).map { ThreadExecutor(name: "live-shard-\($0)") },
      controlExecutor: ThreadExecutor(name: "live-control"),
      // The only place in the engine where chance comes from outside.
      seed: seed ?? UInt64.random(in: .min ... .max))
  }
}
