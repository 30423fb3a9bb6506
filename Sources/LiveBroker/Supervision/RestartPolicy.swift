// SPDX-License-Identifier: Apache-2.0

/// Who is restarted together with a child that has ended.
package enum RestartStrategy: Sendable, Hashable, CaseIterable {
  /// Only the child itself: the children do not depend on each other.
  case oneForOne
  /// All children: each depends on every other.
  case oneForAll
  /// The child and those that were started after it: each may depend on earlier ones.
  case restForOne
}

/// When a child is restarted.
package enum RestartKind: Sendable, Hashable, CaseIterable {
  /// However it ended: it is a service.
  case permanent
  /// If it failed: it is a job that may finish.
  case transient
  /// Never.
  case temporary
}

/// How many restarts are normal. More of them within the period are a fault that restarting does not
/// cure, and go to the parent.
public struct RestartLimits: Sendable, Hashable {
  /// Restarts within ``period``. Default 5.
  public var maximum: Int
  /// How long a restart counts. Default 60 s.
  public var period: Duration

  /// Makes limits; the defaults are documented at the properties.
  public init(maximum: Int = 5, period: Duration = .seconds(60)) {
    self.maximum = maximum
    self.period = period
  }
}

/// Counts restarts against their limits, exactly: a restart is permitted unless the maximum lies
/// within the period before it.
///
/// Sixteen bytes, since every session of a shard has one; memory for the instants is taken only by
/// those that do restart.
package struct RestartIntensity: Sendable, Hashable {
  /// Instants of the restarts within the last period, oldest first; never more than the maximum.
  private var recent: [EngineInstant] = []
  private let maximum: UInt32
  private let periodMilliseconds: UInt32

  /// Makes a count of nothing. Periods are kept in milliseconds, up to 49 days.
  package init(_ limits: RestartLimits) {
    maximum = UInt32(clamping: max(0, limits.maximum))
    periodMilliseconds = UInt32(clamping: limits.period.nanoseconds / 1_000_000)
  }

  /// Counts a restart at `now` if it is permitted. One that is refused is not counted.
  package mutating func permits(at now: EngineInstant) -> Bool {
    let period = Int64(periodMilliseconds) * 1_000_000
    recent.removeAll { $0.advanced(byNanoseconds: period) <= now }
    guard recent.count < maximum else { return false }
    recent.append(now)
    return true
  }
}
