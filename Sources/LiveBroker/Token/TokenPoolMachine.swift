// SPDX-License-Identifier: Apache-2.0

/// The decisions of a token pool: how many to keep ready, when to ask for more, whom to serve.
///
/// It is in one of three modes, which say how many mints may be under way:
///
/// ```
///            retryable failure                       refused (key, request)
///  flowing ────────────────────▶ backingOff(n, until) ────────────────────▶ refused(error, until)
///     ▲                             │    └─┘ retryable failure: n+1              │
///     └───────── minted ────────────┴──────────────── minted, key replaced ──────┘
/// ```
///
/// | mode         | mints at once            | minted    | failed, retryable       | failed, final            | request, nothing usable          | key replaced |
/// |--------------|--------------------------|-----------|-------------------------|--------------------------|----------------------------------|--------------|
/// | `flowing`    | the configured limit     | serve     | `backingOff(1)`         | `refused`, all who wait are told | waits                    | all ready tokens and mints dropped, `flowing` |
/// | `backingOff` | 0; one probe from `until` | `flowing` | `backingOff(n+1)` ¹    | `refused`, all who wait are told | waits                    | the same     |
/// | `refused`    | 0; one probe from `until` | `flowing` | `backingOff(1)` ¹      | cool-down anew, all who wait are told | refused at once; waits for the probe from `until` | the same |
///
/// ¹ Only if the failed mint was begun after the last failure: sixty-four that fail together are one
/// outage, not sixty-four.
///
/// In every mode a ready token that is still usable is handed out: a refresh that fails is nobody's
/// business before it is needed. A request refused while it named its times is asked once more
/// without them, since the estimate of the service's clock may be what was wrong.
///
/// A token is *fresh* until shortly before it stops being usable. Only fresh ones count as ready, so
/// its successor is minted while it is still handed out, and nobody waits for the change.
package struct TokenPoolMachine: Sendable {
  /// What for. Both get a token whose window is open, and cost a use: a resume is documented not to
  /// count, and was seen to.
  package enum Purpose: Hashable, Sendable {
    case newSession
    case resume
  }

  package enum Input: Sendable {
    /// A session needs a token.
    case requested(Ticket, Purpose, by: EngineInstant)
    /// The session no longer needs one.
    case cancelled(Ticket)
    /// A mint gave a token.
    case minted(id: UInt64, MintedToken)
    /// A mint failed, or ended because it was abandoned.
    case mintFailed(id: UInt64, MintError)
    /// The service refused this token to a session: nobody else should get it.
    case tokenRefused(Secret)
    /// There is another key: what came from the old one does not count any more.
    case keyReplaced
    /// The pool's run is over.
    case stopped
    /// Nothing happened but time.
    case timePassed
  }

  package enum Answer: Sendable {
    /// Send this request.
    case mint(id: UInt64, TokenRequest)
    /// Cancel that request. Its end is still reported; it holds its place until then.
    case abandonMint(id: UInt64)
    /// Tell the session.
    case deliver(Ticket, Result<VendedToken, TokenPoolError>)
  }

  enum Mode: Sendable {
    case flowing
    // Mints numbered below `epoch` were begun before the last failure.
    case backingOff(failures: Int, epoch: UInt64, until: EngineInstant)
    case refused(TokenPoolError, epoch: UInt64, until: EngineInstant)
  }

  struct Ready: Sendable {
    let secret: Secret
    var machine: TokenMachine
    /// From here on it no longer counts as ready, and is replaced if there is demand.
    let freshUntil: EngineInstant
    var isTouched = false
  }

  struct Mint: Sendable {
    let id: UInt64
    let sentAt: EngineInstant
    let deadline: EngineInstant
    /// Whether the request named its times; if not, the service's defaults hold.
    let namesTimes: Bool
    var isAbandoned = false
    /// Asked for with a key that has been replaced since.
    var isOutdated = false
  }

  let configuration: TokenPoolConfiguration
  var mode: Mode = .flowing
  /// By the end of their windows, earliest first; the ones at the front are handed out first.
  var ready: [Ready] = []
  /// By id, which is the order of asking.
  var mints: [Mint] = []
  var sessions = WaitingLine<Ticket, Purpose>()
  var demand: Demand
  var serviceClock = ServiceClock()
  /// The service refused a request that named its times; they are left out until the key changes.
  var timesWereRefused = false
  /// How long a mint takes of late, in nanoseconds.
  var mintDuration: Int64 = 500_000_000
  var lastMintError: MintError?
  var counters = TokenPoolSnapshot()
  var nextMint: UInt64 = 1
  private var arrivals: UInt64 = 0

  package init(_ configuration: TokenPoolConfiguration) {
    self.configuration = configuration
    demand = Demand(halfLife: configuration.demandHalfLife)
  }

  /// Tells the pool what happened. Answers are appended, to be carried out in their order.
  package mutating func handle(
    _ input: Input, at now: EngineInstant, chance: inout SplitMix64, into answers: inout [Answer]
  ) {
    passTime(to: now, chance: &chance, into: &answers)
    switch input {
    case .requested(let ticket, let purpose, let deadline):
      requested(ticket, purpose, by: deadline, at: now, into: &answers)
    case .cancelled(let ticket):
      sessions.remove(ticket)
    case .minted(let id, let token):
      minted(id, token, at: now, chance: &chance, into: &answers)
    case .mintFailed(let id, let error):
      mintFailed(id, error, at: now, chance: &chance, into: &answers)
    case .tokenRefused(let secret):
      discardReady { $0.secret == secret }
    case .keyReplaced:
      keyReplaced(into: &answers)
    case .stopped:
      stop(into: &answers)
      return
    case .timePassed:
      break
    }
    topUp(at: now, into: &answers)
  }

  /// When time alone may change something next.
  package mutating func nextDeadline(after now: EngineInstant) -> EngineInstant {
    var next = sessions.nextDeadline
    for token in ready {
      if token.freshUntil > now { next = min(next, token.freshUntil) }
      next = min(next, token.machine.startUntil(margin: configuration.margins) ?? now)
    }
    if let mint = mints.first(where: { !$0.isAbandoned }) { next = min(next, mint.deadline) }
    switch mode {
    case .flowing: break
    case .backingOff(_, _, let until), .refused(_, _, let until):
      if until > now { next = min(next, until) }
    }
    return next
  }

  /// What the pool is doing and has done.
  package func snapshot(at now: EngineInstant) -> TokenPoolSnapshot {
    var snapshot = counters
    snapshot.waiting = sessions.count
    snapshot.ready = ready.count
    snapshot.minting = mints.count
    snapshot.demandPerSecond = demand.perSecond(at: now)
    snapshot.asksForTimes = asksForTimes
    return snapshot
  }

  mutating func nextArrival() -> UInt64 {
    arrivals += 1
    return arrivals
  }

  private mutating func passTime(
    to now: EngineInstant, chance: inout SplitMix64, into answers: inout [Answer]
  ) {
    dropStale(at: now)
    abandonOverdueMints(at: now, chance: &chance, into: &answers)
    refuseOverdueRequests(at: now, into: &answers)
  }

  private mutating func keyReplaced(into answers: inout [Answer]) {
    mode = .flowing
    timesWereRefused = false
    lastMintError = nil
    discardReady { _ in true }
    for index in mints.indices where !mints[index].isOutdated {
      mints[index].isOutdated = true
      guard !mints[index].isAbandoned else { continue }
      mints[index].isAbandoned = true
      answers.append(.abandonMint(id: mints[index].id))
    }
  }

  private mutating func stop(into answers: inout [Answer]) {
    refuseAll(TokenPoolError(.stopped, message: "the token pool has stopped"), into: &answers)
    mints.removeAll()
  }
}
