// SPDX-License-Identifier: Apache-2.0

/// How often somebody asks, of late: a count that halves with time.
struct Demand: Hashable, Sendable {
  private var weight = 0.0
  private var asOf: EngineInstant = .zero
  private let halfLife: Int64
  private static let ln2 = 0.693_147_180_559_945_3

  init(halfLife: Duration) { self.halfLife = max(1, halfLife.nanoseconds) }

  mutating func asked(at now: EngineInstant) {
    weight = weight(at: now) + 1
    asOf = max(asOf, now)
  }

  /// Requests per second. A steady stream of r per second settles at r.
  func perSecond(at now: EngineInstant) -> Double {
    // A weight that halves every h seconds under r per second settles at r * h / ln 2.
    return weight(at: now) * Self.ln2 * 1e9 / Double(halfLife)
  }

  /// How many to have ready so that a request does not wait: those expected within `lead`, and three
  /// deviations more since demand is not even. None if a token kept for `shelfLife` would more
  /// likely than not go to waste: that is so below ln 2 expected requests.
  func readyTarget(at now: EngineInstant, lead: Duration, shelfLife: Duration) -> Int {
    let rate = perSecond(at: now)
    guard rate * Self.seconds(shelfLife) >= Self.ln2 else { return 0 }
    let expected = rate * Self.seconds(lead)
    let wanted = (expected + 3 * expected.squareRoot()).rounded(.up)
    return wanted < 1_000_000 ? max(1, Int(wanted)) : 1_000_000
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

  private static func seconds(_ duration: Duration) -> Double {
    Double(max(0, duration.nanoseconds)) / 1e9
  }
}
