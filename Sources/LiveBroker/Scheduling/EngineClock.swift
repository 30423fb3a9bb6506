// SPDX-License-Identifier: Apache-2.0

/// Where the engine takes its time from. There is one per broker; nothing else in the engine asks
/// what time it is.
///
/// Waiting is not the clock's business: an executor wakes its shard (``ShardExecutor/schedule(at:_:)``).
public protocol EngineClock: Sendable {
  /// The present moment on the monotonic clock. Never goes backwards.
  var now: EngineInstant { get }
  /// The calendar time of this host, for measuring the skew against the service; may jump.
  var wallTime: WallTime { get }
}
