// SPDX-License-Identifier: Apache-2.0

/// Decides when which session may dial one endpoint.
///
/// | input | effect |
/// | --- | --- |
/// | `requested` | the ticket waits, in the lane of its class and deadline; requested again, it moves |
/// | `cancelled` | a waiting ticket leaves; one under way counts as abandoned |
/// | `finished(accepted)` | its place is free, the breaker closes, the rate may grow |
/// | `finished(refused)` | its place is free, the breaker closes, the rate falls; with `Retry-After` nobody dials until then |
/// | `finished(failed)` | its place is free, the breaker counts |
/// | `finished(answered)` | its place is free, the breaker closes, the rate may grow |
/// | `finished(abandoned)` | its place is free |
/// | `finished(postponed)` | its place is free; asked for again, a start goes before all others |
/// | `placeTaken`, `placeRefused`, `startFailed`, `ended` | what sessions tell of setup and end: see ``SessionCap`` |
/// | `turnEnded` | grants what may be granted now |
///
/// Inputs of tickets that are not known, or no longer, change nothing.
///
/// A ticket is granted if somebody waits, the breaker is closed (or the ticket is its probe), no
/// pause is being observed, fewer than the maximum are under way, and the interval since the last
/// grant has passed. A fresh start needs a place below
/// the learned cap as well. Grants are spaced evenly, because the service's own limiter forgives bursts of
/// only some milliseconds; what a late timer missed is caught up to at most 4 ms.
///
/// All inputs are O(log n). The lanes are described at ``TicketQueue``, learning at ``LearnedRate``,
/// the breaker at ``BreakerMachine``, the cap at ``SessionCap``.
package struct PacerMachine: Sendable {
  private struct Entry {
    var ticket: Ticket
    var isStart: Bool
    var requestedAt: EngineInstant
    /// When it was granted; `nil` while it waits.
    var grantedAt: EngineInstant?
  }

  /// What a late timer may catch up.
  private static let catchUp: Int64 = 4_000_000
  /// Timers closer together than this are not worth their price; grants come in pairs then.
  private static let finestWake: Int64 = 500_000

  private let configuration: AdmissionConfiguration
  private var index: [Ticket: UInt32] = [:]
  private var entries: [Entry] = []
  private var freeEntries: [UInt32] = []
  private var queue: TicketQueue
  /// Dials under way by the moment they were granted.
  private var inFlight = TicketHeap()
  private var rate: LearnedRate
  private var breaker: BreakerMachine
  private var cap: SessionCap
  /// Sessions that had their turn and must get a newer credential first.
  private var postponed: Set<SessionCap.Starter> = []
  private var nextGrant = EngineInstant(nanoseconds: .min)
  private var pausedUntil = EngineInstant(nanoseconds: .min)
  /// Whether somebody was waiting for the interval to pass: only then a timer can be late. Idle time
  /// earns no burst.
  private var waitedForRate = false
  private var counters = Counters()

  package init(configuration: AdmissionConfiguration) {
    self.configuration = configuration
    queue = TicketQueue(
      lead: configuration.rotationLead, patience: configuration.freshStartPatience)
    rate = LearnedRate(configuration)
    breaker = BreakerMachine(
      threshold: configuration.breakerThreshold, backoff: configuration.probeBackoff)
    cap = SessionCap(pause: configuration.quotaBackoff)
  }

  /// A session wants to dial.
  ///
  /// - Parameter deadline: When it must have begun. For an unplanned resume that is the present;
  ///   for a planned rotation its deadline less the time that dial and setup take.
  package mutating func requested(
    _ ticket: Ticket, _ kind: DialClass, by deadline: EngineInstant, at now: EngineInstant
  ) {
    counters.requested &+= 1
    let isStart = kind == .freshStart
    if let entry = index[ticket] {
      guard entries[Int(entry)].grantedAt == nil else { return }
      queue.remove(entry)
      entries[Int(entry)].isStart = isStart
      let since = entries[Int(entry)].requestedAt
      queue.insert(entry, kind, by: deadline, since: since, at: now)
    } else {
      let entry = addEntry(Entry(ticket: ticket, isStart: isStart, requestedAt: now))
      guard !isStart || !postponed(ticket) else { return queue.insertFirst(entry, at: now) }
      queue.insert(entry, kind, by: deadline, since: now, at: now)
    }
  }

  /// Whether this session had its turn and could not use it. If not, whatever it had set out for is
  /// over now that it asks again.
  private mutating func postponed(_ ticket: Ticket) -> Bool {
    let session = SessionCap.Starter(ticket)
    if postponed.remove(session) != nil, cap.isOnTheWay(session) { return true }
    cap.startOver(session)
    return false
  }

  /// A session no longer wants to dial, or no longer the dial it was granted.
  package mutating func cancelled(_ ticket: Ticket, at now: EngineInstant) {
    guard let entry = index[ticket] else { return }
    counters.cancelled &+= 1
    if entries[Int(entry)].grantedAt == nil {
      queue.remove(entry)
    } else {
      inFlight.remove(entry)
      breaker.abandoned(ticket, at: now)
      cap.startOver(.init(ticket))
    }
    removeEntry(entry)
  }

  /// A granted dial has ended.
  ///
  /// - Parameter draw: 64 random bits, used if the breaker has to choose an interval.
  package mutating func finished(
    _ ticket: Ticket, _ outcome: DialOutcome, at now: EngineInstant, draw: UInt64
  ) {
    guard let entry = index[ticket], let granted = entries[Int(entry)].grantedAt else { return }
    inFlight.remove(entry)
    // One that was accepted has its setup before it.
    if outcome == .postponed, entries[Int(entry)].isStart {
      postponed.insert(.init(ticket))
    } else if outcome != .accepted {
      cap.startOver(.init(ticket))
    }
    removeEntry(entry)
    switch outcome {
    case .accepted, .answered:
      counters.accepted &+= 1
      answered(grantedAt: granted, accepted: true, at: now)
    case .refused(let retryAfter):
      counters.refused &+= 1
      answered(grantedAt: granted, accepted: false, at: now)
      if let retryAfter { pause(for: retryAfter, at: now) }
    case .failed:
      counters.failed &+= 1
      breaker.failed(ticket, at: now, draw: draw)
    case .abandoned, .postponed:
      counters.abandoned &+= 1
      breaker.abandoned(ticket, at: now)
    }
  }

  /// The inputs of this moment have been told, or the timer has fired: appends the tickets that may
  /// dial now.
  ///
  /// - Returns: when to call again even if nothing happens; `nil` if only an input can change
  ///   anything.
  package mutating func turnEnded(
    at now: EngineInstant, granted: inout [Ticket]
  ) -> EngineInstant? {
    rate.timePassed(to: now)
    releaseLost(at: now)
    while mayGrant(at: now),
      let entry = queue.popNext(
        at: now, rate: rate.perSecond, permitsStart: cap.permitsStart(at: now))
    {
      grant(entry, at: now)
      granted.append(entries[Int(entry)].ticket)
    }
    let wake = nextWake(at: now)
    waitedForRate = wake == .rate
    rate.demandWaits(waitedForRate, at: now)
    return instant(of: wake, at: now)
  }
}

// MARK: Places

extension PacerMachine {
  /// A setup was accepted, of a session that was not up before.
  package mutating func placeTaken(_ ticket: Ticket, at now: EngineInstant) {
    cap.placeTaken(.init(ticket), at: now)
  }

  /// A session is over.
  package mutating func ended(_ ticket: Ticket, wasUp: Bool) {
    cap.startOver(.init(ticket))
    postponed.remove(.init(ticket))
    if wasUp { cap.placeFreed() }
  }

  /// A setup was refused because there are too many sessions.
  ///
  /// - Parameter draw: 64 random bits.
  package mutating func placeRefused(_ ticket: Ticket, at now: EngineInstant, draw: UInt64) {
    cap.refused(.init(ticket), at: now, draw: draw)
  }

  /// A first setup failed for a reason of its own.
  package mutating func startFailed(_ ticket: Ticket) { cap.startOver(.init(ticket)) }
}

extension PacerMachine {
  private func mayGrant(at now: EngineInstant) -> Bool {
    guard inFlight.count < configuration.maximumInFlight, pausedUntil <= now, nextGrant <= now
    else { return false }
    switch breaker.state {
    case .closed: return true
    case .open(_, let until): return until <= now
    case .probing: return false
    }
  }

  private mutating func grant(_ entry: UInt32, at now: EngineInstant) {
    counters.granted &+= 1
    entries[Int(entry)].grantedAt = now
    if entries[Int(entry)].isStart { cap.startGranted(.init(entries[Int(entry)].ticket)) }
    inFlight.insert(entry, key: now.nanoseconds)
    breaker.probed(entries[Int(entry)].ticket)
    let earliest = waitedForRate ? now.advanced(byNanoseconds: -Self.catchUp) : now
    nextGrant = max(nextGrant, earliest).advanced(byNanoseconds: rate.interval)
  }

  private mutating func answered(grantedAt: EngineInstant, accepted: Bool, at now: EngineInstant) {
    if !breaker.isClosed { rate.restart() }
    breaker.reached()
    if accepted {
      rate.accepted(grantedAt: grantedAt, at: now)
    } else {
      rate.refused(grantedAt: grantedAt, at: now)
    }
  }

  private mutating func pause(for retryAfter: Duration, at now: EngineInstant) {
    let length = min(max(.zero, retryAfter), configuration.longestPause)
    pausedUntil = max(pausedUntil, now.advanced(by: length))
    // Testing the limit has cost a pause, so it is tested rarely: a tenth of the time is lost at
    // most.
    rate.hold(until: pausedUntil.advanced(by: min(length * 10, .seconds(60))))
  }

  /// Frees the places of dials that nobody has reported, so that a lost report is not a lost place.
  private mutating func releaseLost(at now: EngineInstant) {
    let longest = configuration.longestDial.nanoseconds
    while let first = inFlight.first,
      EngineInstant(nanoseconds: first.key).advanced(byNanoseconds: longest) <= now
    {
      counters.lost &+= 1
      breaker.abandoned(entries[Int(first.entry)].ticket, at: now)
      cap.startOver(.init(entries[Int(first.entry)].ticket))
      inFlight.remove(first.entry)
      removeEntry(first.entry)
    }
  }

  private mutating func addEntry(_ entry: Entry) -> UInt32 {
    let position: UInt32
    if let free = freeEntries.popLast() {
      position = free
      entries[Int(free)] = entry
    } else {
      position = UInt32(truncatingIfNeeded: entries.count)
      entries.append(entry)
    }
    index[entry.ticket] = position
    return position
  }

  private mutating func removeEntry(_ entry: UInt32) {
    index[entries[Int(entry)].ticket] = nil
    freeEntries.append(entry)
  }
}

extension PacerMachine {
  /// What the next grant waits for.
  private enum Wait: Equatable {
    case nothing
    case rate
    case pause
    case probe(EngineInstant)
    case place
    /// For a session to end, or for the moment to ask beyond the cap.
    case sessions(EngineInstant)
  }

  private func nextWake(at now: EngineInstant) -> Wait {
    guard !queue.isEmpty else { return .nothing }
    if case .open(_, let until) = breaker.state, until > now { return .probe(until) }
    if case .probing = breaker.state { return .place }
    if inFlight.count >= configuration.maximumInFlight { return .place }
    if !queue.holdsTurns, !cap.permitsStart(at: now) {
      return .sessions(cap.nextChange(at: now) ?? .never)
    }
    return pausedUntil > now ? .pause : .rate
  }

  private func instant(of wait: Wait, at now: EngineInstant) -> EngineInstant? {
    switch wait {
    case .nothing: nil
    case .rate: max(nextGrant, now.advanced(byNanoseconds: Self.finestWake))
    case .pause: pausedUntil
    case .probe(let instant): instant
    case .sessions(let instant): instant == .never ? nil : instant
    case .place:
      inFlight.first.map {
        EngineInstant(nanoseconds: $0.key).advanced(by: configuration.longestDial)
      }
    }
  }
}

extension PacerMachine {
  private struct Counters {
    var requested: UInt64 = 0
    var cancelled: UInt64 = 0
    var granted: UInt64 = 0
    var accepted: UInt64 = 0
    var refused: UInt64 = 0
    var failed: UInt64 = 0
    var abandoned: UInt64 = 0
    var lost: UInt64 = 0
  }

  /// What the pacer can tell about itself. Counts are since the beginning.
  package struct Snapshot: Sendable, Hashable {
    /// Dials per second as learned.
    package var dialsPerSecond: Double
    package var inFlight: Int
    /// Waiting: resumes that are due, with promoted fresh starts.
    package var waitingDue: Int
    /// Waiting: rotations whose deadline is not near.
    package var waitingPlanned: Int
    /// Waiting: fresh starts.
    package var waitingFresh: Int
    /// Fresh starts that wait, with the promoted ones, while the service takes no more sessions.
    package var waitingForPlace: Int
    /// Sessions that are up, or were and come back.
    package var places: Int
    /// How many the service was seen to take; `nil` until it has refused one.
    package var learnedCap: Int?
    /// Until when a `Retry-After` is being observed, if one is.
    package var pausedUntil: EngineInstant?
    package var breakerIsOpen: Bool
    package var breakerOpenings: Int
    package var requested: UInt64
    package var cancelled: UInt64
    package var granted: UInt64
    package var accepted: UInt64
    package var refused: UInt64
    package var failed: UInt64
    package var abandoned: UInt64
    /// Dials of which nothing was heard in time.
    package var lost: UInt64
  }

  package func snapshot(at now: EngineInstant) -> Snapshot {
    Snapshot(
      dialsPerSecond: rate.perSecond, inFlight: inFlight.count, waitingDue: queue.dueCount,
      waitingPlanned: queue.plannedCount, waitingFresh: queue.freshCount,
      waitingForPlace: cap.permitsStart(at: now) ? 0 : queue.startCount,
      places: cap.held, learnedCap: cap.cap,
      pausedUntil: pausedUntil > now ? pausedUntil : nil, breakerIsOpen: !breaker.isClosed,
      breakerOpenings: breaker.openings, requested: counters.requested,
      cancelled: counters.cancelled, granted: counters.granted, accepted: counters.accepted,
      refused: counters.refused, failed: counters.failed, abandoned: counters.abandoned,
      lost: counters.lost)
  }
}
