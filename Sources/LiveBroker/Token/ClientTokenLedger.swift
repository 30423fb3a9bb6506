// SPDX-License-Identifier: Apache-2.0

/// Who among the remote clients' orders may mint, and which places their tokens take.
///
/// An order goes through it once:
///
/// ```
/// asked ──▶ waiting ──▶ minting ──▶ leased until the token expires or is given back
///   │          │           └──────▶ gone (failed, cancelled)
///   └──────────┴──────────────────▶ gone (refused, cancelled)
/// ```
struct ClientTokenLedger: Sendable {
  enum Answer: Hashable, Sendable {
    /// Mint now.
    case mint
    /// Wait until ``finished(_:leaseUntil:)`` or ``left(_:)`` of another order names this one.
    case wait
    /// Too many tokens are out or too many orders wait.
    case refuse(String)
  }

  private let maximumOutstanding: Int
  private let maximumConcurrentMints: Int
  private let maximumWaiting: Int
  private var waiting = WaitingLine<UInt64, Void>()
  private var minting: Set<UInt64> = []
  private var leases = WaitingLine<UInt64, Void>()

  init(_ policy: ClientTokenPolicy) {
    maximumOutstanding = max(1, policy.maximumOutstanding)
    maximumConcurrentMints = max(1, policy.maximumConcurrentMints)
    maximumWaiting = max(0, policy.maximumWaiting)
  }

  /// Tokens that are out.
  var outstanding: Int { leases.count }

  /// Whether an order waits for its turn.
  func isWaiting(_ order: UInt64) -> Bool { waiting.contains(order) }

  /// An order came. Orders are numbered in the order of their coming.
  mutating func asked(_ order: UInt64, at now: EngineInstant) -> Answer {
    while leases.removeExpired(at: now) != nil {}
    // An order that is under way has its place already: together they never exceed the limit.
    guard leases.count + minting.count + waiting.count < maximumOutstanding else {
      return .refuse("remote clients hold as many tokens as they may")
    }
    if minting.count < maximumConcurrentMints {
      minting.insert(order)
      return .mint
    }
    guard waiting.count < maximumWaiting else { return .refuse("too many orders wait for a token") }
    waiting.append(order, need: (), deadline: .never, arrival: order)
    return .wait
  }

  /// An order's mint is over; `leaseUntil` is when its token expires, nil if there is none.
  ///
  /// - Returns: The order whose turn it is now.
  mutating func finished(_ order: UInt64, leaseUntil: EngineInstant?) -> UInt64? {
    guard minting.remove(order) != nil else { return nil }
    if let leaseUntil { leases.append(order, need: (), deadline: leaseUntil, arrival: order) }
    guard let next = waiting.removeFirst()?.key else { return nil }
    minting.insert(next)
    return next
  }

  /// An order is given up; it may wait or mint.
  ///
  /// - Returns: The order whose turn it is now.
  mutating func left(_ order: UInt64) -> UInt64? {
    waiting.remove(order)
    return finished(order, leaseUntil: nil)
  }

  /// A token is known to be of no more use. Harmless if repeated.
  mutating func givenBack(_ order: UInt64) { leases.remove(order) }
}
