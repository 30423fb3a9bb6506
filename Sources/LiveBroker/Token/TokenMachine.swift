// SPDX-License-Identifier: Apache-2.0

/// How many sessions a token may still begin.
package enum TokenUses: Hashable, Sendable {
  /// So many more, never below one while the token is open.
  case limited(Int32)
  /// As many as one likes; the service calls it `uses: 0`.
  case unlimited

  /// The service's spelling: 0, and anything below, is no limit.
  package init(_ uses: Int) { self = uses > 0 ? .limited(Int32(clamping: uses)) : .unlimited }

  /// What is left after one more session, nil if that was the last.
  var afterOne: TokenUses? {
    guard case .limited(let left) = self else { return .unlimited }
    return left > 1 ? .limited(left - 1) : nil
  }
}

/// Why a token will never be usable.
package enum TokenFailure: UInt8, Hashable, Sendable {
  /// The key may not mint.
  case keyRefused
  /// The service does not accept what was asked for.
  case requestRefused
  /// Whoever asked for it has gone, or the attempts were used up.
  case abandoned
  /// The service says that it was used too many times.
  case spent
}

/// One ephemeral token, from the request for it to its end.
///
/// Deadlines lie on the monotonic clock and are counted from the moment the request was *sent*: the
/// service counts from when it received it, so ours are never later than its own.
///
/// ```
///           minted             last use, window closed          life over
/// minting ─────────▶ open ───────────────────────────▶ resumeOnly ─────────▶ expired
///    │ ▲ mintFailed,   │  life over, expiry reported ─────────────────────────▲
///    │ └─┘ retryable   │
///    │ mintFailed      │ spent reported            (also from resumeOnly)
///    └──────────────▶ failed(reason) ◀──┘
/// ```
///
/// Every input carries the time; what time alone changes is applied first, and the row of the state
/// reached so holds. An empty cell is "stay, `.nothing`".
///
/// | state        | minted            | mintFailed, retryable   | mintFailed, final      | sessionStarted                         | timePassed                                 | spentReported           | expiryReported    |
/// |--------------|-------------------|-------------------------|------------------------|----------------------------------------|--------------------------------------------|-------------------------|-------------------|
/// | `minting(n)` | `open` ¹          | `minting(n+1)`, `.mintAgain` | `failed`, `.retire` |                                        |                                            |                         |                   |
/// | `open`       |                   |                         |                        | one use less; last: `resumeOnly`, `.stopStarting` | window over: `resumeOnly`, `.stopStarting`; life over: `expired`, `.retire` | `failed(.spent)`, `.retire` | `expired`, `.retire` |
/// | `resumeOnly` |                   |                         |                        |                                        | life over: `expired`, `.retire`            | `failed(.spent)`, `.retire` | `expired`, `.retire` |
/// | `expired`    |                   |                         |                        |                                        |                                            |                         |                   |
/// | `failed`     |                   |                         |                        |                                        |                                            |                         |                   |
///
/// ¹ A mint that took longer than its window or life goes straight on to `resumeOnly` or `expired`.
///
/// "Spent" ends the token for resuming too. The documentation says that a resume does not count, the
/// field has seen it count; a token that was refused once as spent is not tried again, so neither
/// behaviour is relied on.
package struct TokenMachine: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    /// Asked for; this is the attempt with that number, counted from 1.
    case minting(attempt: Int32)
    /// Can begin sessions, resume and talk.
    case open(newSessionUntil: EngineInstant, expiresAt: EngineInstant, usesLeft: TokenUses)
    /// Can resume and talk.
    case resumeOnly(expiresAt: EngineInstant)
    /// Its life is over.
    case expired
    /// Never usable (again).
    case failed(TokenFailure)
  }

  package enum Input: Hashable, Sendable {
    /// The service gave a token. Spans count from `sentAt`, when the request left.
    case minted(sentAt: EngineInstant, window: Duration, life: Duration, uses: TokenUses)
    /// The mint failed; a nil reason means that the same request may succeed later.
    case mintFailed(TokenFailure?)
    /// A setup is about to be sent with it: that takes one use, whether it succeeds or not.
    case sessionStarted
    /// Nothing happened but time.
    case timePassed
    /// The service closed with "used too many times".
    case spentReported
    /// The service closed with "expired".
    case expiryReported
  }

  package enum Answer: Hashable, Sendable {
    case nothing
    /// Ask again, after the owner's back-off.
    case mintAgain(attempt: Int32)
    /// Begin no further session with it; resume and talk as before.
    case stopStarting
    /// Use it for nothing any more.
    case retire
  }

  package private(set) var state: State
  /// When the request for it left; the deadlines are counted from here.
  package private(set) var issuedAt: EngineInstant

  /// A token that is being asked for.
  package init(attempt: Int32 = 1) {
    state = .minting(attempt: attempt)
    issuedAt = .zero
  }

  /// A token that the service has just given.
  package init(
    sentAt: EngineInstant, window: Duration, life: Duration, uses: TokenUses, at now: EngineInstant
  ) {
    self.init()
    _ = handle(.minted(sentAt: sentAt, window: window, life: life, uses: uses), at: now)
  }

  package mutating func handle(_ input: Input, at now: EngineInstant) -> Answer {
    let passed = advance(to: now)
    let answer =
      switch input {
      case .minted(let sentAt, let window, let life, let uses):
        minted(sentAt: sentAt, window: window, life: life, uses: uses, at: now)
      case .mintFailed(let reason): mintFailed(reason)
      case .sessionStarted: sessionStarted()
      case .timePassed: Answer.nothing
      case .spentReported: end(.failed(.spent))
      case .expiryReported: end(.expired)
      }
    // What time did is said too if the input itself had nothing to say.
    return answer == .nothing ? passed : answer
  }

  private mutating func advance(to now: EngineInstant) -> Answer {
    switch state {
    case .open(_, let expiresAt, _) where now >= expiresAt,
      .resumeOnly(let expiresAt) where now >= expiresAt:
      state = .expired
      return .retire
    case .open(let newSessionUntil, let expiresAt, _) where now >= newSessionUntil:
      state = .resumeOnly(expiresAt: expiresAt)
      return .stopStarting
    case .minting, .open, .resumeOnly, .expired, .failed:
      return .nothing
    }
  }

  private mutating func minted(
    sentAt: EngineInstant, window: Duration, life: Duration, uses: TokenUses, at now: EngineInstant
  ) -> Answer {
    guard case .minting = state else { return .nothing }
    let expiresAt = sentAt.advanced(by: max(.zero, life))
    let newSessionUntil = min(expiresAt, sentAt.advanced(by: max(.zero, window)))
    issuedAt = sentAt
    state = .open(newSessionUntil: newSessionUntil, expiresAt: expiresAt, usesLeft: uses)
    return advance(to: now)
  }

  private mutating func mintFailed(_ reason: TokenFailure?) -> Answer {
    guard case .minting(let attempt) = state else { return .nothing }
    guard let reason else {
      let next = attempt == .max ? attempt : attempt + 1
      state = .minting(attempt: next)
      return .mintAgain(attempt: next)
    }
    state = .failed(reason)
    return .retire
  }

  private mutating func sessionStarted() -> Answer {
    guard case .open(let newSessionUntil, let expiresAt, let uses) = state else { return .nothing }
    guard let left = uses.afterOne else {
      state = .resumeOnly(expiresAt: expiresAt)
      return .stopStarting
    }
    state = .open(newSessionUntil: newSessionUntil, expiresAt: expiresAt, usesLeft: left)
    return .nothing
  }

  private mutating func end(_ final: State) -> Answer {
    switch state {
    case .open, .resumeOnly:
      state = final
      return .retire
    case .minting, .expired, .failed:
      return .nothing
    }
  }
}

// MARK: - Questions

extension TokenMachine {
  /// Whether a new session may be begun with it: the window outlasts a dial and its setup.
  package func canStart(at now: EngineInstant, margin: TokenMargins) -> Bool {
    guard let startUntil = startUntil(margin: margin) else { return false }
    return now < startUntil
  }

  /// Before this moment a new session may be begun with it; nil if it begins none now.
  package func startUntil(margin: TokenMargins) -> EngineInstant? {
    guard case .open(let newSessionUntil, _, _) = state else { return nil }
    let reserve = TokenMargins.capped(margin.start, of: span(to: newSessionUntil))
    return newSessionUntil.advanced(byNanoseconds: -reserve)
  }

  /// Whether a session may be resumed with it: its life outlasts a dial and its setup.
  package func canResume(at now: EngineInstant, margin: TokenMargins) -> Bool {
    guard let expiresAt else { return false }
    let reserve = TokenMargins.capped(margin.resume, of: span(to: expiresAt))
    return now.advanced(byNanoseconds: reserve) < expiresAt
  }

  /// Whether messages may be sent on a connection that it opened.
  package func canTalk(at now: EngineInstant) -> Bool {
    guard let expiresAt else { return false }
    return now < expiresAt
  }

  /// The moment by which its session must have moved to another token; ``EngineInstant/never`` for
  /// a token that is not valid.
  package func renewBy(margin: TokenMargins) -> EngineInstant {
    guard let expiresAt else { return .never }
    let reserve = TokenMargins.capped(margin.renewal, of: span(to: expiresAt))
    return expiresAt.advanced(byNanoseconds: -reserve)
  }

  /// When time alone changes the state next; ``EngineInstant/never`` if it does not.
  package var nextDeadline: EngineInstant {
    switch state {
    case .open(let newSessionUntil, _, _): newSessionUntil
    case .resumeOnly(let expiresAt): expiresAt
    case .minting, .expired, .failed: .never
    }
  }

  /// When its life ends, nil if it has none.
  package var expiresAt: EngineInstant? {
    switch state {
    case .open(_, let expiresAt, _), .resumeOnly(let expiresAt): expiresAt
    case .minting, .expired, .failed: nil
    }
  }

  /// When it stops beginning sessions, nil if it begins none now.
  package var newSessionUntil: EngineInstant? {
    guard case .open(let newSessionUntil, _, _) = state else { return nil }
    return newSessionUntil
  }

  /// The same token as its owner lends it to a session: with one use, however many it has.
  package var lentForOneUse: TokenMachine {
    guard case .open(let newSessionUntil, let expiresAt, _) = state else { return self }
    var lent = self
    lent.state = .open(
      newSessionUntil: newSessionUntil, expiresAt: expiresAt, usesLeft: .limited(1))
    return lent
  }

  private func span(to end: EngineInstant) -> Int64 { end.nanoseconds &- issuedAt.nanoseconds }
}
