// SPDX-License-Identifier: Apache-2.0

/// How often somebody asks, of late: two counts that halve with time.
///
/// The slow one remembers; the fast one, ten times as forgetful, sees a rush in its first seconds.
/// A single request is no rush.
struct Demand: Hashable, Sendable {
  private var slow: Count
  private var fast: Count

  init(halfLife: Duration) {
    let nanoseconds = max(10, halfLife.nanoseconds)
    slow = Count(halfLife: nanoseconds)
    fast = Count(halfLife: nanoseconds / 10)
  }

  mutating func asked(at now: EngineInstant) {
    slow.add(at: now)
    fast.add(at: now)
  }

  /// Requests per second. A steady stream of r per second settles at r.
  func perSecond(at now: EngineInstant) -> Double { slow.perSecond(at: now) }

  /// How many to have ready so that a request does not wait: those expected within `lead`, and three
  /// deviations more since demand is not even. None if a token kept for `shelfLife` would more
  /// likely than not go to waste: that is so below ln 2 expected requests.
  func readyTarget(at now: EngineInstant, lead: Duration, shelfLife: Duration) -> Int {
    let remembered = slow.perSecond(at: now)
    guard remembered * Self.seconds(shelfLife) >= Count.ln2 else { return 0 }
    let rush = fast.perSecond(at: now, without: 1)
    let expected = max(remembered, rush) * Self.seconds(lead)
    let wanted = (expected + 3 * expected.squareRoot()).rounded(.up)
    return wanted < 1_000_000 ? max(1, Int(wanted)) : 1_000_000
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(max(0, duration.nanoseconds)) / 1e9
  }

  private struct Count: Hashable, Sendable {
    static let ln2 = 0.693_147_180_559_945_3
    private var weight = 0.0
    private var asOf: EngineInstant = .zero
    private let halfLife: Int64

    init(halfLife: Int64) { self.halfLife = halfLife }

    mutating func add(at now: EngineInstant) {
      weight = weight(at: now) + 1
      asOf = max(asOf, now)
    }

    /// A weight that halves every h seconds under r per second settles at r * h / ln 2.
    func perSecond(at now: EngineInstant, without uncounted: Double = 0) -> Double {
      max(0, weight(at: now) - uncounted) * Self.ln2 * 1e9 / Double(halfLife)
    }

    /// Halved per half-life, straight lines between: no transcendental function, so that every
    /// platform calculates the same.
    private func weight(at now: EngineInstant) -> Double {
      let age = max(0, now.nanoseconds &- asOf.nanoseconds)
      let halvings = age / halfLife
      guard halvings < 64 else { return 0 }
      let rest = Double(age % halfLife) / Double(halfLife)
      return weight * (1 - rest / 2) / Double(UInt64(1) << UInt64(halvings))
    }
  }
}
