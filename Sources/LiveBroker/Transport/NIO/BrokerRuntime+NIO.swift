// SPDX-License-Identifier: Apache-2.0

#if NIO
public import NIOCore

extension BrokerRuntime {
  /// A runtime on the event loops of a group: one shard for each loop. Admission and token pools
  /// share the last loop, so that asking them costs no change of thread.
  ///
  /// Together with a ``NIOTransport`` on the same group every session lives on the loop of its
  /// connection. The group stays the caller's: the broker neither starts nor shuts it down.
  ///
  /// - Parameters:
  ///   - group: Has at least one loop. `MultiThreadedEventLoopGroup.singleton` has one for each core.
  ///   - seed: Seed of all jitter; drawn from the system's generator if `nil`, so that hosts which
  ///     start together do not act in step.
  public static func nio(group: any EventLoopGroup, seed: UInt64? = nil) -> BrokerRuntime {
    let executors = group.makeIterator().map { EventLoopExecutor($0) }
    return BrokerRuntime(
      clock: SystemClock(), shardExecutors: executors,
      controlExecutor: executors.last ?? EventLoopExecutor(group.next()),
      seed: seed ?? UInt64.random(in: .min ... .max))
  }
}
#endif
