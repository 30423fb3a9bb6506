// SPDX-License-Identifier: Apache-2.0

/// What a session knows about being resumed: the last good handle and its age. What it covers is kept
/// by the session, which knows what it sent (``SentLedger``, ``ArrivalProof``).
///
/// Two facts are kept apart: *the last good handle*, and *whether the service would give one now*.
/// An update without a handle, or one that says "not resumable", changes the second only.
///
/// ```
///          good handle                  not resumable now
///   none ──────────────▶ current ◀─────────────────────────▶ withheld
///    ▲                      │              good handle          │
///    │                      ├───── life over while parted ──────┤──▶ lapsed
///    │                      └───── refused, poisoned ───────────┴──▶ refused
///    └──────────────────────── setup of a new session sent ◀─────────── (from both)
/// ```
///
/// An update counts if it comes from the *counting* connection: the one whose setup was sent last.
/// So an older connection's handle counts until the new setup has been sent, and not after.
///
/// Every input carries the time; what time alone changes is applied first, and the row of the state
/// reached so holds. An empty cell is "stay, `.nothing`".
///
/// | state      | update, new handle | update, same handle | update, no handle or not resumable | resumeFailed: handle; poisoned | resumeFailed: suspicion | resumeFailed: network | setupSent | timePassed |
/// |------------|--------------------|---------------------|------------------------------------|--------------------------------|-------------------------|-----------------------|-----------|------------|
/// | `none`     | `current`, `.persist` | (is new)         |                                    |                                |                         |                       | counts ²  |            |
/// | `current`  | `current`, `.persist` |                  | `withheld`                         | `refused`, `.forget`           | 2nd in a row: `refused`, `.forget` |            | counts ²  | life over ³: `lapsed`, `.forget` |
/// | `withheld` | `current`, `.persist` | `current`        |                                    | `refused`, `.forget`           | 2nd in a row: `refused`, `.forget` |            | counts ²  | life over ³: `lapsed`, `.forget` |
/// | `lapsed`   |                    |                     |                                    |                                |                         |                       | `none`, counts ² |      |
/// | `refused`  |                    |                     |                                    |                                |                         |                       | `none`, counts ² |      |
///
/// ² From here on only that connection's updates count. `setupCompleted` stops the handle's ageing
/// and clears the suspicion; `connectionEnded` of the connection completed last starts the ageing.
/// Neither changes the state, nor do failed attempts: an attempt is not a connection.
/// ³ Only while no connection is up: a handle does not age under a living connection.
package struct ResumptionMachine: Hashable, Sendable {
  package enum State: Hashable, Sendable {
    /// The session cannot be resumed (yet).
    case none
    /// The service would resume here with this handle, given at `since`.
    case current(Secret, since: EngineInstant)
    /// Not resumable at this point since then; the handle leads back to an earlier one.
    case withheld(lastGood: Secret, since: EngineInstant)
    /// The handle outlived its time without a connection. The next session is a new one.
    case lapsed
    /// The service would not take the handle, or it was poisoned. The next session is a new one.
    case refused
  }

  package enum FailureCause: Hashable, Sendable {
    /// The service named the handle: unknown, expired, of another project.
    case handle
    /// The close may mean the handle; one more try is worth it.
    case suspicion
    /// Resumed, but it never answered.
    case poisoned
    /// No answer from the service: says nothing about the handle.
    case network
  }

  package enum Input: Hashable, Sendable {
    /// A `sessionResumptionUpdate` arrived.
    case updated(handle: Secret?, resumable: Bool, generation: UInt32)
    /// The setup has been handed to the connection of this generation.
    case setupSent(generation: UInt32)
    /// The service has accepted it.
    case setupCompleted(generation: UInt32)
    /// The connection of this generation is over.
    case connectionEnded(generation: UInt32)
    /// A resume did not work.
    case resumeFailed(FailureCause)
    /// Nothing happened but time.
    case timePassed
  }

  package enum Answer: Hashable, Sendable {
    case nothing
    /// There is a new handle, which names a newer checkpoint: write it to the store, soon.
    case persist
    /// There is no handle any more: remove it from the store.
    case forget
  }

  package private(set) var state: State = .none
  /// When the last good handle arrived; not meaningful without one.
  private var issuedAt: EngineInstant = .zero
  /// When the handle ends if no connection comes up; `never` under a living one.
  private var lapsesAt: EngineInstant = .never
  /// Milliseconds that a handle outlives its last connection; four bytes, since each session has one.
  private let life: UInt32
  private var countingGeneration: UInt32 = 0
  /// The connection whose setup was completed last.
  private var completedGeneration: UInt32 = 0
  private var suspicions: UInt8 = 0

  /// A session without a handle.
  ///
  /// - Parameter life: how long a handle stays valid after the last connection ended.
  package init(life: Duration = .seconds(2 * 60 * 60)) {
    self.life = UInt32(clamping: life.nanoseconds / 1_000_000)
  }

  /// A session taken over from a store. What its handle covers of *this* process is nothing.
  package init(
    restoring handle: Secret, remaining: Duration, at now: EngineInstant,
    life: Duration = .seconds(2 * 60 * 60)
  ) {
    self.init(life: life)
    guard handle.count > 0 else { return }
    state = .current(handle, since: now)
    issuedAt = now
    lapsesAt = now.advanced(by: max(.zero, remaining))
  }

  package mutating func handle(_ input: Input, at now: EngineInstant) -> Answer {
    let passed = advance(to: now)
    let answer: Answer
    switch input {
    case .updated(let handle, let resumable, let generation):
      guard generation == countingGeneration else { return passed }
      let good = resumable ? handle.flatMap { $0.count > 0 ? $0 : nil } : nil
      answer = updated(good, at: now)
    case .setupSent(let generation):
      answer = setupSent(generation)
    case .setupCompleted(let generation):
      answer = setupCompleted(generation)
    case .connectionEnded(let generation):
      answer = connectionEnded(generation, at: now)
    case .resumeFailed(let cause):
      answer = resumeFailed(cause)
    case .timePassed:
      answer = .nothing
    }
    return answer == .nothing ? passed : answer
  }

  private mutating func advance(to now: EngineInstant) -> Answer {
    guard now >= lapsesAt, lastGood != nil else { return .nothing }
    return end(.lapsed)
  }

  private mutating func updated(_ good: Secret?, at now: EngineInstant) -> Answer {
    switch (state, good) {
    case (.lapsed, _), (.refused, _), (.none, nil), (.withheld, nil):
      return .nothing
    case (.current(let last, _), nil):
      state = .withheld(lastGood: last, since: now)
      return .nothing
    case (.current(let last, _), let good?) where good == last:
      return .nothing
    case (.withheld(let last, _), let good?) where good == last:
      // The same handle names the same checkpoint: it is usable here again, and covers no more.
      state = .current(last, since: issuedAt)
      return .nothing
    case (.none, let good?), (.current, let good?), (.withheld, let good?):
      state = .current(good, since: now)
      issuedAt = now
      return .persist
    }
  }

  private mutating func setupSent(_ generation: UInt32) -> Answer {
    countingGeneration = generation
    switch state {
    case .lapsed, .refused:
      state = .none
    case .none, .current, .withheld:
      break
    }
    return .nothing
  }

  private mutating func setupCompleted(_ generation: UInt32) -> Answer {
    completedGeneration = generation
    lapsesAt = .never
    suspicions = 0
    return .nothing
  }

  private mutating func connectionEnded(_ generation: UInt32, at now: EngineInstant) -> Answer {
    // Asked of the connection completed last, not of the counting one: a new setup may be on its
    // way, and may fail, when the old connection's end is reported.
    if generation == completedGeneration, lapsesAt == .never {
      lapsesAt = now.advanced(by: .milliseconds(life))
    }
    return .nothing
  }

  private mutating func resumeFailed(_ cause: FailureCause) -> Answer {
    switch cause {
    case .network:
      return .nothing
    case .handle, .poisoned:
      return end(.refused)
    case .suspicion:
      guard lastGood != nil else { return .nothing }
      suspicions += 1
      return suspicions < 2 ? .nothing : end(.refused)
    }
  }

  private mutating func end(_ final: State) -> Answer {
    guard lastGood != nil else { return .nothing }
    state = final
    suspicions = 0
    lapsesAt = .never
    return .forget
  }
}

// MARK: - Questions

extension ResumptionMachine {
  /// The last good handle, whatever its age; nil if there is none.
  package var lastGood: Secret? {
    switch state {
    case .current(let handle, _), .withheld(let handle, _): handle
    case .none, .lapsed, .refused: nil
    }
  }

  /// The handle to resume with now; nil means that a fresh session must be begun.
  package func handleForDial(at now: EngineInstant) -> Secret? {
    now < lapsesAt ? lastGood : nil
  }

  /// Whether there is a handle to resume with then.
  package func canDial(at now: EngineInstant) -> Bool {
    guard now < lapsesAt else { return false }
    switch state {
    case .current, .withheld: return true
    case .none, .lapsed, .refused: return false
    }
  }

  /// Whether a resume here would lead back to the newest point that the service offers.
  package var isCurrent: Bool {
    if case .current = state { true } else { false }
  }

  /// When the last good handle arrived, nil if there is none.
  package var handleIssuedAt: EngineInstant? { lastGood == nil ? nil : issuedAt }

  /// When time alone changes the state next; ``EngineInstant/never`` if it does not.
  package var nextDeadline: EngineInstant { lastGood == nil ? .never : lapsesAt }
}
